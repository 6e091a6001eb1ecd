"""With every interconnect cut and a witness, the serving node goes on without losing a request and the standby does not take over."""
import cluster
import scene
import witness
import xblab

QUICK = True


def run():
    # Not one request: so with the profile for machines whose host takes processors away.
    with witness.pair("--profile", "vm"):
        probe = scene.patient_probe("udp")
        probe.wait_served()
        since = {node: cluster.last_event(node) for node in scene.NODES}

        xblab.inject("cut", "pm02", "ic0")
        xblab.inject("cut", "pm02", "ic1")

        scene.wait_event("pm01", "exclusivity-granted", since["pm01"])
        scene.wait_event("pm02", "lease-lost", since["pm02"])
        # Longer than a lease of either kind.
        begin = xblab.now_ns()
        xblab.wait_until("two leases have passed", lambda: xblab.now_ns() > begin + 6e9, 10)
        scene.expect_equal(cluster.where(), ["pm01"], "where the address is")
        scene.expect_equal(witness.status("pm01")["holder"], "pm01", "who holds the lease")
        xblab.inject("mend", "pm02", "ic0")
        xblab.inject("mend", "pm02", "ic1")
        cluster.wait_joined()
        cluster.wait_settled("pm01")
        total = probe.stop()
        witness.expect_nothing_lost(probe, total)
        witness.expect_one_server(total, ["pm01"])

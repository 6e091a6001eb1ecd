"""With a shared disk a crashed node's service is taken over without a shot, and a cut interconnect moves nothing."""
import cluster
import scene
import witness
import xblab


def ready():
    """Until both daemons use the disk that has just been prepared."""
    for node in scene.NODES:
        xblab.wait_until(f"{node} uses the shared disk", lambda node=node: any(
            row["kind"] == "disk-usable" for row in cluster.events(node)), 20)


def run():
    # Not one request over the cut: so with the profile for machines whose host takes processors away.
    with scene.lab(witness.fast(), "--arbiter", "disk", "--profile", "vm"):
        ready()
        probe = scene.patient_probe("udp")
        probe.wait_served()
        since = {node: cluster.last_event(node) for node in scene.NODES}
        xblab.inject("cut", "pm02", "ic0")
        xblab.inject("cut", "pm02", "ic1")
        scene.wait_event("pm01", "exclusivity-granted", since["pm01"])
        scene.wait_event("pm02", "lease-lost", since["pm02"])
        begin = xblab.now_ns()
        xblab.wait_until("two leases have passed", lambda: xblab.now_ns() > begin + 6e9, 10)
        scene.expect_equal(cluster.where(), ["pm01"], "where the address is")
        scene.expect("pm01: holds" in cluster.shell("pm02", "disk", "status").stdout, "the disk says who holds it")
        xblab.inject("mend", "pm02", "ic0")
        xblab.inject("mend", "pm02", "ic1")
        cluster.wait_joined()
        cluster.wait_settled("pm01")
        total = probe.stop()
        witness.expect_nothing_lost(probe, total)
        xblab.wait_until("pm01 gave exclusivity back", lambda: "pm01: does not hold" in cluster.shell(
            "pm02", "disk", "status").stdout)

        probe = xblab.Probe("udp")
        probe.wait_served()
        outage_ms = witness.crash_and_wait("pm01", probe)
        print(f"served again after {outage_ms:.1f} ms")
        scene.wait_served_by("pm02")
        witness.expect_one_server(probe.stop(), ["pm01", "pm02"])

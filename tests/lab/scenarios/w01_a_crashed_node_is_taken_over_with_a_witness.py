"""Without any fence device, a crashed node's service is taken over once the witness says so and its lease has run out."""
import cluster
import scene
import witness
import xblab

QUICK = True


def run():
    with witness.pair("--profile", "metal-fast"):
        probe = xblab.Probe("udp")
        probe.wait_served()

        outage_ms = witness.crash_and_wait("pm01", probe)

        print(f"served again after {outage_ms:.1f} ms")
        scene.wait_served_by("pm02")
        said = witness.status("pm02")
        scene.expect_equal(said["holder"], "pm02", "who holds the lease")
        kinds = [row["kind"] for row in cluster.events("pm02")]
        for kind in ("exclusivity-granted", "lease-ran-out"):
            scene.expect(kind in kinds, f"pm02 notes {kind}: {kinds[-20:]}")
        scene.expect_equal(cluster.fences("pm02"), [], "fence history")
        lost_to = xblab.now_ns()
        # The survivor goes on for longer than one lease, so it renews.
        xblab.wait_until("three leases have passed", lambda: xblab.now_ns() > lost_to + 9e9, 15)
        probe.stop()
        later = [row for row in probe.outages() if row["from_ns"] > lost_to]
        scene.expect_equal(later, [], "outages while the survivor renewed its lease")

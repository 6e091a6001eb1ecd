"""A node that stays frozen past the stall limit is fenced, and its group is taken over."""
import cluster
import scene
import xblab


def run():
    with scene.lab(scene.web()):
        probe = xblab.Probe("http")
        probe.wait_served()

        at_ns = xblab.inject("freeze", "pm01")

        # The kernel of a frozen node reflects beats, so this is a stall: after the limit it is treated as dead.
        probe.wait_outage(at_ns, 90, server="pm02")
        scene.wait_served_by("pm02")
        scene.expect_equal(xblab.machine_state("pm01"), "off", "the frozen node's power")
        total = probe.stop()
        moved = [event for event in probe.events if event["event"] == "moved" and event["server"] == "pm01"]
        scene.expect_equal(moved, [], "answers of the old node after the takeover")
        scene.expect({row["name"] for row in total["servers"]} == {"pm01", "pm02"}, f"who answered: {total}")

"""Answers of the witness that come late, twice, or are replayed, as are requests, never let two nodes serve."""
import cluster
import scene
import witness
import xblab


def survive(how, takes_over):
    with witness.pair():
        probe = xblab.Probe("udp")
        probe.wait_served()
        with witness.relay(how):
            xblab.wait_until(f"the witness grants through a relay that answers {how}", lambda: witness.status(
                "pm02", check=False).get("starting") is False or how == "late", 40)
            since = cluster.last_event("pm02")
            at_ns = xblab.inject("crash", "pm01")
            if takes_over:
                probe.wait_outage(at_ns, 60, server="pm02")
                scene.wait_served_by("pm02")
            else:
                scene.wait_event("pm02", "peer-dead", since, 30)
                xblab.wait_until("pm02 tells that it has no lease", lambda: any(
                    row["kind"] in ("lease-lost", "no-safe-takeover") for row in cluster.events("pm02", since)), 30)
                scene.expect_equal(cluster.where(), [], "where the address is")
            total = probe.stop()
        witness.expect_one_server(total, ["pm01", "pm02"] if takes_over else ["pm01"])


def run():
    survive("twice", True)
    survive("replay", True)
    survive("late", False)

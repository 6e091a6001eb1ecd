"""A node that stood still past the limit finds on its thaw that it was replaced: it answers nobody and rejoins empty."""
import cluster
import scene
import xblab


def run():
    with scene.lab(scene.web(fencing=False), "--arbiter", "witness"):
        probe = xblab.Probe("http")
        probe.wait_served()

        at_ns = xblab.inject("freeze", "pm01")
        probe.wait_outage(at_ns, 60, server="pm02")
        xblab.inject("thaw", "pm01")

        xblab.wait_until("pm01 is a member again", lambda: scene.node_row("pm02", "pm01")["online"], 60)
        xblab.wait_until("pm01 has let go of the address", lambda: not xblab.has_address("pm01"), 60)
        cluster.wait_settled("pm02")
        scene.expect_equal(cluster.where(), ["pm02"], "where the address is")
        for node in scene.NODES:
            for name in scene.GROUP:
                scene.expect_equal(scene.places(node, name), ["pm02"], f"where {name} runs, asked on {node}")
        back = [row for row in probe.events if row["event"] == "moved" and row["server"] == "pm01"]
        total = probe.stop()
        scene.expect_equal(back, [], "answers of pm01 after the takeover")
        scene.expect_equal([row["name"] for row in total["servers"]], ["pm01", "pm02"], "who answered")
        scene.expect("lease-lost" in scene.kinds("pm01"), "pm01 noted that it has no lease")
        scene.expect_no_fencing()

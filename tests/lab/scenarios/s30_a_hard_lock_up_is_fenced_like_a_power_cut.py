"""A node whose kernel and processes both stand still is fenced, and its group is taken over."""
import cluster
import scene
import xblab


def run():
    with scene.lab(scene.web()):
        probe = xblab.Probe("http")
        probe.wait_served()

        # A kernel that hangs answers on no cable, with all processes still in memory.
        at_ns = xblab.inject("freeze", "pm01")
        for link in ("ic0", "ic1", "svc"):
            xblab.inject("cut", "pm01", link)

        scene.wait_served_by("pm02")
        probe.wait_outage(at_ns, 60, server="pm02")
        scene.expect_equal(xblab.machine_state("pm01"), "off", "the power of pm01")
        history = cluster.fences("pm02", "pm01")
        scene.expect(history and history[-1]["outcome"] == "success", f"a successful fencing of pm01: {history}")
        dead = [row for row in cluster.events("pm02") if row["kind"] == "peer-dead"]
        scene.expect(dead, "pm02 noted that pm01's kernel is silent")
        for name in scene.GROUP:
            scene.expect_equal(scene.places("pm02", name), ["pm02"], f"where {name} runs")
        probe.stop()

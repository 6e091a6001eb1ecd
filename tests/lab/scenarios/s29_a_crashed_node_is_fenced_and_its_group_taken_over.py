"""A node that loses its power is fenced and its group is taken over."""
import cluster
import scene
import xblab

QUICK = True


def run():
    with scene.lab(scene.web()):
        probe = xblab.Probe("http")
        probe.wait_served()

        at_ns = xblab.inject("crash", "pm01")
        probe.wait_outage(at_ns, 60, server="pm02")

        scene.wait_served_by("pm02")
        scene.expect_equal(xblab.machine_state("pm01"), "off", "the power of pm01")
        history = cluster.fences("pm02", "pm01")
        scene.expect(history and history[-1]["outcome"] == "success", f"a successful fencing of pm01: {history}")
        row = scene.node_row("pm02", "pm01")
        scene.expect_equal((row["online"], row["unclean"]), (False, False), "pm01 online, unclean")
        for name in scene.GROUP:
            scene.expect_equal(scene.places("pm02", name), ["pm02"], f"where {name} runs")
        lines = cluster.timelines("pm02")
        scene.expect(lines and lines[-1]["finished"] and lines[-1]["succeeded"], f"a finished timeline: {lines[-1:]}")
        phases = [entry["phase"] for entry in lines[-1]["entries"]]
        for phase in ("silence", "proof"):
            scene.expect(any(phase in one for one in phases), f"the timeline has a {phase}: {phases}")
        probe.stop()

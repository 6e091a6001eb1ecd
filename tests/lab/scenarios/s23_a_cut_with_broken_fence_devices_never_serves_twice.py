"""All interconnects cut while fencing fails: one side is fenced by the other, or neither, and only the old side serves."""
import cluster
import scene
import xblab


def failed_fencing(node, target):
    return any(row["outcome"] == "failed" for row in cluster.fences(node, target))


def one_device_works():
    """The serving node cannot shoot; the standby's delayed shot may win."""
    with scene.lab(scene.web()):
        xblab.ask("fault", "pm02", "refuse")
        probe = xblab.Probe("http")
        probe.wait_served()

        at_ns = scene.cut_interconnects()

        xblab.wait_until("pm01 is off", lambda: xblab.machine_state("pm01") == "off", 60)
        probe.wait_outage(at_ns, 60, server="pm02")
        scene.wait_served_by("pm02")
        scene.expect_equal(cluster.fences("pm02", "pm01")[-1]["outcome"], "success", "fencing of pm01")
        scene.expect_equal([row["name"] for row in probe.stop()["servers"]], ["pm01", "pm02"], "who answered")


def no_device_works():
    with scene.lab(scene.web()):
        for node in scene.NODES:
            xblab.ask("fault", node, "refuse")
        probe = xblab.Probe("http")
        probe.wait_served()
        since = {node: cluster.last_event(node) for node in scene.NODES}

        scene.cut_interconnects()

        for node in scene.NODES:
            row = scene.wait_event(node, "fence-failed", since[node])
            scene.expect_equal(row["level"], "error", f"{node}: an alarm for a person")
        scene.expect_equal(cluster.where(), ["pm01"], "where the address is")
        starts = [row for row in cluster.operations("pm02", on="pm02") if row["operation"] == "start" and
                  row["resource"] in scene.GROUP]
        scene.expect_equal(starts, [], "starts on pm02")

        # The cables are back before the devices: both are as they were.
        scene.cut_interconnects(verb="mend")
        for node in scene.NODES:
            xblab.ask("fault", node, "none")
        xblab.wait_until("one node is served by, whoever remains", lambda: len(cluster.where()) == 1, 60)
        scene.expect_equal(probe.stop()["servers"][0]["name"], "pm01", "who answered first")


def run():
    one_device_works()
    no_device_works()

"""A fenced node that boots again joins as standby: it shoots nobody and brings back no old configuration."""
import cluster
import scene
import xblab


def run():
    with scene.lab(scene.web()):
        probe = xblab.Probe("http")
        probe.wait_served()
        at_ns = xblab.inject("crash", "pm01")
        probe.wait_outage(at_ns, 60, server="pm02")
        scene.wait_served_by("pm02")
        # The returning node's copy is now older than the cluster's.
        cluster.configure("pm02", "property batch-limit=17\n", how="update")
        fenced = len(cluster.fences("pm02"))

        cluster.rejoin("pm01")

        scene.expect_equal([xblab.machine_state(node) for node in scene.NODES], ["running", "running"], "both nodes")
        scene.expect_equal(cluster.where(), ["pm02"], "where the address is")
        for node in scene.NODES:
            scene.expect_equal(scene.places(node, "httpd"), ["pm02"], f"where httpd runs, asked on {node}")
            shown = cluster.shell(node, "configure", "show").stdout
            scene.expect("batch-limit=17" in shown, f"the newer configuration on {node}")
        scene.expect_equal(len(cluster.fences("pm02")), fenced, "fencings after the return")
        later = [event for event in probe.events if event["event"] == "lost" and
                 event["from_ns"] > probe.wait_outage(at_ns)["to_ns"]]
        scene.expect_equal(later, [], "requests lost after the takeover")
        probe.stop()

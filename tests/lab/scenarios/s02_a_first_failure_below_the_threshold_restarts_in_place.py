"""The first failure below the threshold restarts the service in place and nothing moves."""
import cluster
import scene
import xblab


def run():
    with scene.lab(scene.web(threshold=2)):
        probe = xblab.Probe("http")
        probe.wait_served()

        at_ns = xblab.inject("kill", "pm01", "nginx")
        probe.wait_outage(at_ns, 60, server="pm01")

        scene.wait_served_by("pm01")
        scene.expect_equal(scene.fail_count("pm01", "httpd", "pm01"), "1", "fail count of httpd on pm01")
        for name in scene.GROUP:
            scene.expect_equal(scene.places("pm01", name), ["pm01"], f"where {name} runs")
        starts = [row for row in cluster.operations("pm01", on="pm02") if row["operation"] == "start" and
                  row["resource"] in scene.GROUP]
        scene.expect_equal(starts, [], "starts on pm02")
        scene.expect_no_fencing()
        probe.stop()

"""A killed service moves its whole group: stopped in reverse order, started in order, nobody fenced."""
import cluster
import scene
import xblab

QUICK = True


def run():
    with scene.lab(scene.web()):
        scene.expect_equal(cluster.where(), ["pm01"], "where the group starts")
        probe = xblab.Probe("http")
        probe.wait_served()
        planner = cluster.coordinator("pm01")
        since = cluster.last_event(planner)

        at_ns = xblab.inject("kill", "pm01", "nginx")
        outage = probe.wait_outage(at_ns, 60, server="pm02")

        scene.wait_served_by("pm02")
        failed = scene.failed_action("pm02", "httpd", "pm01", "monitor")
        scene.expect(failed is not None and failed["rc"] == cluster.NOT_RUNNING,
                     f"a failed monitor of httpd on pm01 with rc=7, not {failed}")
        scene.expect_equal(scene.fail_count("pm02", "httpd", "pm01"), "1", "fail count of httpd on pm01")
        for name in scene.GROUP:
            scene.expect_equal(scene.places("pm02", name), ["pm02"], f"where {name} runs")
        stops = [row["resource"] for row in cluster.operations("pm02", on="pm01") if row["operation"] == "stop"]
        starts = [row["resource"] for row in cluster.operations("pm02", on="pm02") if row["operation"] == "start"]
        scene.expect_equal([name for name in stops if name in scene.GROUP], ["httpd", "address"], "order of stops")
        scene.expect_equal([name for name in starts if name in scene.GROUP], ["address", "httpd"],
                           "order of starts")
        scene.expect_no_fencing()
        scene.wait_event(planner, "failover-started", since)
        scene.expect(outage["lost"] > 0, "the client noticed")
        probe.stop()

"""The second failure reaches the threshold of two and moves the group."""
import scene
import xblab


def run():
    with scene.lab(scene.web(threshold=2)):
        probe = xblab.Probe("http")
        probe.wait_served()
        first_ns = xblab.inject("kill", "pm01", "nginx")
        probe.wait_outage(first_ns, 60, server="pm01")
        scene.wait_served_by("pm01")

        second_ns = xblab.inject("kill", "pm01", "nginx")
        probe.wait_outage(second_ns, 60, server="pm02")

        scene.wait_served_by("pm02")
        scene.expect_equal(scene.fail_count("pm02", "httpd", "pm01"), "2", "fail count of httpd on pm01")
        scene.expect_no_fencing()
        probe.stop()

"""A failed start counts as INFINITY and the group starts on the other node."""
import cluster
import scene
import xblab


def run():
    with scene.lab():
        xblab.run("pm01", "tee", "/etc/nginx/nginx.conf", text="this is no configuration of nginx\n")

        cluster.configure("pm01", scene.web())

        scene.wait_served_by("pm02")
        failed = scene.failed_action("pm02", "httpd", "pm01", "start")
        scene.expect(failed is not None and failed["rc"] != 0, f"a failed start of httpd on pm01, not {failed}")
        scene.expect_equal(scene.fail_count("pm02", "httpd", "pm01"), "INFINITY", "fail count of httpd on pm01")
        scene.expect_equal(scene.places("pm02", "httpd"), ["pm02"], "where httpd runs")
        scene.expect_no_fencing()

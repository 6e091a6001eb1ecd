"""In maintenance a service is stopped and started by hand and nothing is noticed; afterwards it is watched again."""
import cluster
import scene
import xblab


def nginx(node, *words):
    xblab.run(node, "/usr/sbin/nginx", "-c", "/etc/nginx/nginx.conf", *words)


def run():
    with scene.lab(scene.web()):
        scene.wait_served_by("pm01")
        before = len(cluster.operations("pm01"))

        cluster.shell("pm01", "configure", "property", "maintenance-mode=true")
        cluster.wait_settled("pm01")
        scene.expect(not scene.resource("pm01", "httpd")["managed"], "httpd is shown as unmanaged")
        nginx("pm01", "-s", "stop")
        xblab.wait_until("nginx has ended", lambda: not xblab.processes("pm01", "nginx"))
        cluster.wait_settled("pm01")
        scene.expect_equal(scene.fail_count("pm01", "httpd", "pm01"), "0", "fail count while it is stopped by hand")
        nginx("pm01")
        cluster.shell("pm01", "configure", "property", "maintenance-mode=false")
        cluster.wait_settled("pm01")

        scene.expect_equal(cluster.where(), ["pm01"], "where the address is")
        scene.expect_equal(scene.status("pm01")["failed_actions"], [], "failed actions")
        changes = [row for row in cluster.operations("pm01")[before:] if row["operation"] in ("start", "stop") and
                   row["resource"] in scene.GROUP]
        scene.expect_equal(changes, [], "starts and stops since then")

        xblab.inject("kill", "pm01", "nginx")
        scene.wait_served_by("pm02")
        scene.expect_equal(scene.fail_count("pm02", "httpd", "pm01"), "1", "fail count after the maintenance")
        scene.expect_no_fencing()

"""After a cleanup the fail counts are gone and the group stays where it is."""
import cluster
import scene
import xblab


def run():
    with scene.lab(scene.web()):
        xblab.inject("kill", "pm01", "nginx")
        scene.wait_served_by("pm02")

        cluster.shell("pm02", "resource", "cleanup", "web")

        cluster.wait_settled("pm02")
        scene.expect_equal(scene.fail_count("pm02", "httpd", "pm01"), "0", "fail count after the cleanup")
        scene.expect_equal(scene.status("pm02")["failed_actions"], [], "failed actions after the cleanup")
        scene.expect_equal(cluster.where(), ["pm02"], "where the address is")
        for name in scene.GROUP:
            scene.expect_equal(scene.places("pm01", name), ["pm02"], f"where {name} runs, asked on pm01")

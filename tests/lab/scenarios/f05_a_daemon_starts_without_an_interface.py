"""A node whose interface is missing at the start serves its peers over the other and says what is missing."""
import cluster
import scene
import xblab


def run():
    with scene.lab():
        cluster.leave("pm02")
        xblab.run("pm02", "ip", "link", "set", "ic1", "down")
        xblab.run("pm02", "ip", "link", "set", "ic1", "name", "away1")

        xblab.ask("daemon", "pm02", "start")

        cluster.wait_joined()
        scene.expect_equal(cluster.path("pm02", "pm01", "ic1").get("is_up"), False, "path ic1 on pm02")
        scene.expect("ic1" in str(scene.status("pm02")), "the missing interface is named")
        xblab.run("pm02", "ip", "link", "set", "away1", "name", "ic1")
        xblab.run("pm02", "ip", "addr", "replace", "10.77.2.2/24", "dev", "ic1")
        xblab.run("pm02", "ip", "link", "set", "ic1", "up")
        xblab.wait_until("ic1 is up", lambda: cluster.path("pm02", "pm01", "ic1").get("is_up"))

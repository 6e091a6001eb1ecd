"""With the router out of both nodes' reach the group stops, stays stopped, and comes back with the network."""
import agents_lab
import cluster
import scene
import xblab


def run():
    with scene.lab(scene.connected()):
        agents_lab.start_once_probed("web", "pingd", "100")
        scene.wait_served_by("pm01")

        for node in ("pm02", "pm01"):  # the standby first, so that nothing moves in between
            xblab.inject("cut", node, "svc")
            agents_lab.wait_attribute("pm01", node, "pingd", "0")

        xblab.wait_until("the address is nowhere", lambda: cluster.where() == [])
        cluster.wait_settled("pm01")
        for name in scene.GROUP:
            scene.expect_equal(scene.places("pm01", name), [], f"where {name} runs")
        scene.expect_equal(scene.status("pm01")["failed_actions"], [], "failed actions")
        scene.expect_no_fencing()

        xblab.inject("mend", "pm02", "svc")
        scene.wait_served_by("pm02")
        scene.expect_equal(scene.places("pm02", "httpd"), ["pm02"], "where httpd runs")

"""After a cleanup a person moves the group back, clears the move, and no constraint of it is left."""
import cluster
import scene
import xblab


def constraints(node):
    """What moves leave behind."""
    return [element.get("id") for element in cluster.cib(node).iter("rsc_location")
            if element.get("id").startswith("cli-")]


def run():
    with scene.lab(scene.web()):
        xblab.inject("kill", "pm01", "nginx")
        scene.wait_served_by("pm02")
        cluster.cleanup("pm02", "web")

        cluster.shell("pm02", "resource", "move", "web")  # away from where it is

        scene.wait_served_by("pm01")
        for node in scene.NODES:
            scene.expect_equal(constraints(node), ["cli-ban-web-on-pm02"], f"constraints of the move on {node}")
        cluster.shell("pm02", "resource", "clear", "web")
        cluster.wait_settled("pm01")
        for node in scene.NODES:
            scene.expect_equal(constraints(node), [], f"constraints after clear on {node}")
            scene.expect_equal(scene.places(node, "httpd"), ["pm01"], f"where httpd runs, asked on {node}")
        scene.expect_equal(cluster.where(), ["pm01"], "where the address is")
        scene.expect_equal(scene.fail_count("pm01", "httpd", "pm01"), "0", "fail count of httpd")
        scene.expect_no_fencing()

"""One interconnect that carries frames in one direction only is shown as down, and nothing moves."""
import cluster
import scene
import xblab

QUICK = True


def run():
    with scene.lab(scene.web()):
        probe = scene.patient_probe()
        probe.wait_served()
        since = cluster.last_event("pm01")

        scene.deafen("pm01", "ic0", on=True)

        for node in scene.NODES:
            xblab.wait_until(f"{node} shows ic0 as down",
                             lambda n=node: cluster.path(n, cluster.other(n), "ic0").get("is_up") is False)
        scene.wait_event("pm01", "path-down", since)
        for node in scene.NODES:
            there = cluster.other(node)
            scene.expect(cluster.path(node, there, "ic1")["is_up"], f"ic1 of {node} is up")
            scene.expect_equal(cluster.peer(node, there)["state"], "alive", f"{there} as {node} sees it")
            scene.expect(cluster.is_member(node, there), f"{there} is a member to {node}")

        scene.deafen("pm01", "ic0", on=False)
        for node in scene.NODES:
            xblab.wait_until(f"{node} shows ic0 as up",
                             lambda n=node: cluster.path(n, cluster.other(n), "ic0").get("is_up"))
        scene.expect_no_fencing()
        scene.expect_equal(cluster.where(), ["pm01"], "where the address is")
        scene.expect_equal(probe.stop()["lost"], 0, "requests lost")

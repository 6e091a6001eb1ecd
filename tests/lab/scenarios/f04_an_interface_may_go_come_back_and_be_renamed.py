"""An interface that goes down, comes back, or is renamed and renamed back costs a path, never the peer."""
import cluster
import scene
import xblab


def is_up(link):
    return cluster.path("pm02", "pm01", link).get("is_up")


def run():
    with scene.lab(scene.web()):
        xblab.run("pm01", "ip", "link", "set", "ic0", "down")
        xblab.wait_until("ic0 is shown down", lambda: is_up("ic0") is False)
        scene.expect(is_up("ic1"), "ic1 is up")
        xblab.run("pm01", "ip", "link", "set", "ic0", "up")
        xblab.wait_until("ic0 is shown up", lambda: is_up("ic0"))

        xblab.inject("cut", "pm01", "ic1", "carrier")
        xblab.wait_until("ic1 is shown down", lambda: is_up("ic1") is False)
        xblab.inject("mend", "pm01", "ic1")
        xblab.wait_until("ic1 is shown up", lambda: is_up("ic1"))

        xblab.run("pm01", "ip", "link", "set", "ic0", "down")
        xblab.run("pm01", "ip", "link", "set", "ic0", "name", "other0")
        xblab.wait_until("ic0 is shown down", lambda: is_up("ic0") is False)
        xblab.run("pm01", "ip", "link", "set", "other0", "up")
        scene.expect(is_up("ic1"), "ic1 is up while ic0 has another name")
        xblab.run("pm01", "ip", "link", "set", "other0", "down")
        xblab.run("pm01", "ip", "link", "set", "other0", "name", "ic0")
        xblab.run("pm01", "ip", "link", "set", "ic0", "up")
        xblab.wait_until("ic0 is shown up again", lambda: is_up("ic0"))

        for node in scene.NODES:
            dead = [row for row in cluster.events(node) if row["kind"] == "peer-dead"]
            scene.expect_equal(dead, [], f"dead verdicts on {node}")
        scene.expect_no_fencing()

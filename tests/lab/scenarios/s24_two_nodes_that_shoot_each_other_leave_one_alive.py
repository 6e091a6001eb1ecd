"""Two nodes that shoot each other at the same moment leave exactly one alive, which serves."""
import cluster
import scene
import xblab

ROUNDS = 3


def run():
    for _ in range(ROUNDS):
        # Without a handicap both reach for the switch at once.
        with scene.lab(scene.web(), "--handicap", "0ms"):
            xblab.inject("cut", "pm01", "ic0")
            xblab.inject("cut", "pm01", "ic1")
            xblab.wait_until("one node is off",
                             lambda: "off" in [xblab.machine_state(node) for node in scene.NODES])

            survivors = [node for node in scene.NODES if xblab.machine_state(node) == "running"]
            scene.expect_equal(len(survivors), 1, f"survivors {survivors}")
            scene.wait_served_by(survivors[0])
            scene.expect_equal(xblab.machine_state(survivors[0]), "running", "the survivor, afterwards")

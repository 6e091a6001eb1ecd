"""A member that fails in the middle moves all members: stops in reverse, starts in order."""
import cluster
import scene
import xblab

MEMBERS = ("first", "second", "third")


def run():
    config = scene.web(members="".join(scene.tunable(name) for name in MEMBERS))
    config = config.replace("monitor interval=10s", "monitor interval=1s")
    with scene.lab(config):
        scene.expect_equal(scene.places("pm01", "third"), ["pm01"], "where the group starts")
        before = {node: len(scene.calls(node)) for node in scene.NODES}

        xblab.run("pm01", "rm", "/run/xblab/second.running")

        xblab.wait_until("the group runs on pm02", lambda: all(
            scene.places("pm02", name) == ["pm02"] for name in MEMBERS))
        cluster.wait_settled("pm02")
        scene.expect_equal(scene.order_of(scene.calls("pm01")[before["pm01"]:], "stop"),
                           ["third", "second", "first"], "order of stops on pm01")
        scene.expect_equal(scene.order_of(scene.calls("pm02")[before["pm02"]:], "start"), list(MEMBERS),
                           "order of starts on pm02")
        scene.expect_equal(scene.fail_count("pm02", "second", "pm01"), "1", "fail count of second")
        scene.expect_no_fencing()

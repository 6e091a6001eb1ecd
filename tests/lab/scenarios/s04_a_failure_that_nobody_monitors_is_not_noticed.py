"""A resource without a recurring monitor that fails is not noticed, while its monitored neighbour is recovered."""
import cluster
import scene
import xblab


def run():
    watched = scene.tunable("watched").replace("monitor interval=10s", "monitor interval=1s")
    unwatched = scene.tunable("unwatched").replace("monitor interval=10s", "monitor interval=0")
    body = watched + unwatched + scene.location("watched") + scene.location("unwatched")
    with scene.lab(scene.pair(body, threshold=0)):
        for name in ("watched", "unwatched"):
            scene.expect_equal(scene.places("pm01", name), ["pm01"], f"where {name} starts")
        before = {node: len(scene.calls(node)) for node in scene.NODES}

        scene.fail("pm01", "unwatched")
        for count in ("1", "2", "3"):
            scene.fail("pm01", "watched")
            xblab.wait_until("watched is recovered", lambda n=count: scene.fail_count("pm01", "watched", "pm01") == n)
            cluster.wait_settled("pm01")

        later = scene.calls("pm01")[before["pm01"]:] + scene.calls("pm02")[before["pm02"]:]
        scene.expect_equal([row for row in later if row[1] == "unwatched"], [], "what unwatched was asked")
        scene.expect_equal(scene.fail_count("pm01", "unwatched", "pm01"), "0", "fail count of unwatched")
        scene.expect_equal(scene.places("pm01", "unwatched"), ["pm01"], "where unwatched is shown")

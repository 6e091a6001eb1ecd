"""Without fencing a failed stop blocks the resource, and nothing starts on the other node."""
import cluster
import scene
import xblab


def run():
    members = scene.tunable("first", stop_on_fail="block") + scene.tunable("second", stop_on_fail="block")
    config = scene.web(fencing=False, members=members).replace("monitor interval=10s", "monitor interval=1s")
    with scene.lab(config):
        scene.expect_equal(scene.places("pm01", "second"), ["pm01"], "where the group starts")
        scene.tell("pm01", "first", "stop", "fail 1")

        xblab.run("pm01", "rm", "/run/xblab/second.running")

        xblab.wait_until("first is shown as blocked", lambda: scene.resource("pm02", "first")["blocked"], 60)
        cluster.wait_settled("pm02")
        row = scene.resource("pm02", "first")
        scene.expect_equal((row["nodes"], row["failed"]), (["pm01"], True), "first on pm01, failed")
        scene.expect(scene.failed_action("pm02", "first", "pm01", "stop") is not None, "a failed stop is shown")
        scene.expect_equal(scene.order_of(scene.calls("pm02"), "start"), [], "starts on pm02")
        scene.expect_no_fencing()

"""A cluster that is stopped, the standby first, moves nothing; started again, it serves as before."""
import cluster
import scene
import xblab


def run():
    members = "".join(scene.tunable(name) for name in ("first", "second"))
    with scene.lab(scene.web(members=members)):
        before = {node: len(scene.calls(node)) for node in scene.NODES}

        cluster.leave("pm02")
        xblab.wait_until("pm02 is out", lambda: not cluster.is_member("pm01", "pm02"))
        cluster.wait_settled("pm01")
        scene.expect_equal(scene.places("pm01", "second"), ["pm01"], "where the group runs without the standby")
        cluster.leave("pm01")

        scene.expect_equal(scene.calls_since("pm01", before["pm01"]), [("stop", "second"), ("stop", "first")],
                           "what pm01's group was asked")
        scene.expect_equal(scene.calls_since("pm02", before["pm02"]), [], "what pm02's group was asked")
        scene.expect_equal([xblab.machine_state(node) for node in scene.NODES], ["running", "running"], "both nodes")

        for node in scene.NODES:
            xblab.ask("daemon", node, "start")
        cluster.wait_joined()
        xblab.wait_until("the group runs on pm01", lambda: scene.places("pm01", "second") == ["pm01"], 60)
        cluster.wait_settled("pm01")
        scene.expect_equal(scene.calls_since("pm02", before["pm02"], ("start",)), [], "starts on pm02")
        for node in scene.NODES:
            dead = [row for row in cluster.events(node) if row["kind"] == "peer-dead"]
            scene.expect_equal(dead, [], f"dead verdicts on {node}")
        scene.expect_equal(scene.status("pm01")["failed_actions"], [], "failed actions")
        scene.expect_no_fencing()

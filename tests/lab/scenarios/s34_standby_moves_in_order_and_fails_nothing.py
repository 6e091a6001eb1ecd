"""Standby moves the group in order, without a fail count and without fencing."""
import cluster
import scene
import xblab


def run():
    members = "".join(scene.tunable(name) for name in ("first", "second"))
    with scene.lab(scene.web(members=members)):
        before = {node: len(scene.calls(node)) for node in scene.NODES}

        cluster.shell("pm01", "node", "standby", "pm01")

        xblab.wait_until("the group runs on pm02", lambda: scene.places("pm02", "second") == ["pm02"])
        cluster.wait_settled("pm02")
        scene.expect_equal(scene.order_of(scene.calls("pm01")[before["pm01"]:], "stop"), ["second", "first"],
                           "order of stops on pm01")
        scene.expect_equal(scene.order_of(scene.calls("pm02")[before["pm02"]:], "start"), ["first", "second"],
                           "order of starts on pm02")
        scene.expect(scene.node_row("pm02", "pm01")["standby"], "pm01 is shown in standby")
        for name in ("first", "second"):
            for node in scene.NODES:
                scene.expect_equal(scene.fail_count("pm02", name, node), "0", f"fail count of {name} on {node}")
        scene.expect_no_fencing()

        cluster.shell("pm01", "node", "online", "pm01")
        cluster.wait_settled("pm01")
        scene.expect(not scene.node_row("pm02", "pm01")["standby"], "pm01 is out of standby")
        scene.expect_equal(scene.places("pm01", "second"), ["pm02"], "no fail-back")

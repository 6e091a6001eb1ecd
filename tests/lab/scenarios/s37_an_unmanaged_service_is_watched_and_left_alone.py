"""An unmanaged service is still monitored: its failure is shown, nothing is done; managed again, it is recovered."""
import cluster
import scene
import xblab

MEMBERS = ("first", "second")


def run():
    config = scene.web(members="".join(scene.tunable(name) for name in MEMBERS))
    with scene.lab(config.replace("monitor interval=10s", "monitor interval=1s")):
        cluster.shell("pm01", "resource", "unmanage", "web")
        cluster.wait_settled("pm01")
        before = {node: len(scene.calls(node)) for node in scene.NODES}

        scene.tell("pm01", "second", "monitor", "fail 1")

        xblab.wait_until("the failure is shown", lambda: scene.failed_action("pm01", "second", "pm01", "monitor"))
        cluster.wait_settled("pm01")
        row = scene.resource("pm01", "second")
        scene.expect_equal((row["managed"], row["failed"]), (False, True), "second managed, failed")
        asked = len(scene.calls("pm01"))
        xblab.wait_until("its monitor goes on", lambda: ("monitor", "second") in scene.calls("pm01")[asked:])
        scene.expect_equal(scene.fail_count("pm01", "second", "pm01"), "1", "fail count of second")
        for node in scene.NODES:
            scene.expect_equal(scene.calls_since(node, before[node]), [], f"what {node} changed")

        cluster.shell("pm01", "resource", "manage", "web")
        xblab.wait_until("the group runs on pm02", lambda: scene.places("pm02", "second") == ["pm02"])
        cluster.wait_settled("pm02")
        scene.expect_equal(scene.fail_count("pm02", "second", "pm01"), "1", "fail count of second")
        scene.expect_no_fencing()

"""A device that says off and switches nothing is told on both nodes as soon as the node that it was asked for speaks again."""
import cluster
import scene
import xblab


def run():
    # A failed stop is fenced while the node is a member: what it says next is the evidence.
    with scene.lab(scene.pair(scene.tunable("liar") + scene.location("liar"), fencing=True)):
        xblab.ask("fault", "pm01", "lie")
        # What was said to be off hears nothing of its peer any more, and would shoot it.
        xblab.ask("fault", "pm02", "refuse")
        since = {node: cluster.last_event(node) for node in scene.NODES}
        scene.tell("pm01", "liar", "stop", "fail 1")

        cluster.shell("pm01", "node", "standby", "pm01")

        scene.wait_event("pm02", "fence-succeeded", since["pm02"])
        scene.expect_equal(xblab.machine_state("pm01"), "running", "the machine that was said to be off")
        refused = scene.wait_event("pm02", "peer-refused", since["pm02"])
        scene.expect_equal(refused["level"], "error", "an alarm for a person")
        scene.expect("does not do what it says" in refused["text"], f"why: {refused['text']}")
        alive = scene.wait_event("pm01", "fenced-alive", since["pm01"])
        scene.expect_equal(alive["level"], "error", "an alarm on the node itself")
        # The same life of its daemon is never a member again; a new one is, and is probed first.
        scene.expect(not cluster.is_member("pm02", "pm01"), "pm01 is no member")
        xblab.inject("crash", "pm01")
        for node in scene.NODES:
            xblab.ask("fault", node, "none")
        cluster.rejoin("pm01")
        scene.expect(cluster.is_member("pm02", "pm01"), "pm01 is a member again")

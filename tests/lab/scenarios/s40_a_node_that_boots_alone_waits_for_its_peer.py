"""After a power cut of both nodes the one that is back alone starts nothing and shoots nobody until a person confirms."""
import cluster
import scene
import xblab


def cut_power():
    """Of both at once: neither may have seen the other one out."""
    for node in scene.NODES:
        xblab.ask("fault", node, "hang")
    xblab.inject("crash", "pm02")
    xblab.inject("crash", "pm01")
    for node in scene.NODES:
        xblab.ask("fault", node, "none")


def run():
    with scene.lab(scene.web()):
        cut_power()
        xblab.inject("boot", "pm01")
        xblab.wait_until("pm01's daemon answers", lambda: cluster.answers("pm01"))
        xblab.wait_until("it says that it waits", lambda: "node confirm" in cluster.shell("pm01").stdout, 20)
        scene.expect_equal(cluster.where(), [], "where the address is")
        scene.expect_equal(cluster.fences("pm01"), [], "what pm01 shot")

        cluster.shell("pm01", "node", "confirm", "--yes", "pm02")
        scene.wait_served_by("pm01")

        # The one that was vouched for comes back and joins.
        cluster.rejoin("pm02")
        scene.expect_equal(cluster.where(), ["pm01"], "where the address is")

        # And once more, with both: they find one another and need nobody.
        cut_power()
        for node in scene.NODES:
            xblab.inject("boot", node)
        cluster.wait_joined()
        xblab.wait_until("one node serves", lambda: len(cluster.where()) == 1, 60)
        scene.expect_equal([xblab.machine_state(node) for node in scene.NODES], ["running", "running"], "both nodes")

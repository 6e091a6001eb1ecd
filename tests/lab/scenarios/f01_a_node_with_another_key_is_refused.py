"""A node with another key is not believed: it does not join, nobody is fenced, the reason is shown."""
import cluster
import scene
import xblab


def run():
    with scene.lab(scene.web()):
        xblab.run("pm02", "dd", "if=/dev/urandom", "of=/etc/xbeat/keys/cluster.key", "bs=32", "count=1")
        probe = xblab.Probe("http")
        probe.wait_served()

        cluster.leave("pm02")
        xblab.ask("daemon", "pm02", "start")

        xblab.wait_until("pm02's daemon answers", lambda: cluster.answers("pm02"))

        def refusals():
            heart = cluster.call("pm01", op="heart")["counters"]
            return sum(value for name, value in heart.items() if "mac" in name or "key" in name)

        def is_refused():
            text = str(cluster.events("pm01")[-50:]) + str(cluster.events("pm02")[-50:])
            return refusals() > 0 or "handshake" in text or "key" in text
        xblab.wait_until("the refusal is counted or noted", is_refused)
        scene.expect(not cluster.is_member("pm01", "pm02"), "pm02 is no member")
        scene.expect_equal([xblab.machine_state(node) for node in scene.NODES], ["running", "running"], "both nodes")
        scene.expect_equal(cluster.where(), ["pm01"], "where the address is")
        scene.expect_equal(probe.stop()["lost"], 0, "requests lost")

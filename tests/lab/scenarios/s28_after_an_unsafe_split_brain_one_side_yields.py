"""What ran twice after an unsafe split brain runs once when the cables are back, and that is noted."""
import cluster
import scene
import xblab

BODY = scene.tunable("service", stop_on_fail="block").replace("monitor interval=10s", "monitor interval=1s")


def active():
    """The nodes on which the service really is."""
    return [node for node in scene.NODES
            if xblab.run(node, "test", "-e", "/run/xblab/service.running", check=False).returncode == 0]


def run():
    with scene.lab():
        scene.change_toml(lambda text: "unsafe_takeover = true\n" + text)
        cluster.configure("pm01", scene.pair(BODY + scene.location("service")))
        cluster.wait_settled("pm01")
        scene.expect_equal(active(), ["pm01"], "where the service starts")

        scene.cut_interconnects()
        xblab.wait_until("both run the service, as unsafe as was asked for", lambda: active() == ["pm01", "pm02"])
        since = {node: cluster.last_event(node) for node in scene.NODES}
        scene.cut_interconnects(verb="mend")

        cluster.wait_joined()
        xblab.wait_until("one side has yielded", lambda: len(active()) == 1, 60)
        cluster.wait_settled("pm01")
        left = active()
        scene.expect_equal(len(left), 1, f"where the service runs: {left}")
        for node in scene.NODES:
            scene.expect_equal(scene.places(node, "service"), left, f"where it runs, asked on {node}")
        # The default of multiple-active, stop_start: whoever remains was started after both had stopped.
        rows = {node: scene.calls_since(node, 0, ("start", "stop")) for node in scene.NODES}
        for node in scene.NODES:
            scene.expect(("stop", "service") in rows[node], f"{node} stopped it: {rows}")
        noted = [kind for node in scene.NODES for kind in scene.kinds(node, since[node])]
        scene.expect("multiple-active" in noted, f"it was noted: {noted}")
        scene.expect_no_fencing()

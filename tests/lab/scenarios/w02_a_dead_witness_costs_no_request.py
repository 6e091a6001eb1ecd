"""A witness that dies, and comes back, is told on both nodes and costs a whole pair not one request."""
import cluster
import scene
import witness
import xblab

QUICK = True


def run():
    # Not one request: so with the profile for machines whose host takes processors away.
    with witness.pair("--profile", "vm"):
        probe = scene.patient_probe("udp")
        probe.wait_served()
        since = {node: cluster.last_event(node) for node in scene.NODES}

        witness.stop()

        for node in scene.NODES:
            scene.wait_event(node, "witness-unreachable", since[node])
        scene.expect_equal(cluster.shell("pm01", "witness", "status", check=False).returncode, 69,
                           "exit of `xbeat witness status` without a witness")
        witness.start()
        for node in scene.NODES:
            scene.wait_event(node, "witness-restarted", since[node])
        scene.expect(witness.status()["starting"], "the new witness grants nothing at first")
        witness.wait_ready()
        total = probe.stop()
        witness.expect_nothing_lost(probe, total)
        witness.expect_one_server(total, ["pm01"])
        scene.expect_no_fencing()

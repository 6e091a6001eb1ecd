"""Whichever node hears nothing any more on all interconnects: the one that serves survives, and no request is lost."""
import cluster
import scene
import xblab


def run():
    for deaf in scene.NODES:
        with scene.lab(scene.web()):
            probe = scene.patient_probe()
            probe.wait_served()

            for link in ("ic0", "ic1"):
                scene.deafen(deaf, link, on=True)
            xblab.wait_until("one node is off", lambda: "off" in [xblab.machine_state(node) for node in scene.NODES])

            scene.expect_equal(xblab.machine_state("pm01"), "running", f"the serving node, with {deaf} deaf")
            cluster.wait_settled("pm01")
            scene.expect_equal(cluster.where(), ["pm01"], "where the address is")
            total = probe.stop()
            scene.expect_equal([row["name"] for row in total["servers"]], ["pm01"], "who answered")
            scene.expect_equal(total["lost"], 0, "requests lost")

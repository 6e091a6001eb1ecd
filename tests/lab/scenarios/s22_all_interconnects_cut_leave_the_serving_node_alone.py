"""With all interconnects cut the serving node survives, the other is fenced, no request is lost."""
import cluster
import scene
import xblab

QUICK = True


def run():
    with scene.lab(scene.web()):
        probe = scene.patient_probe()
        probe.wait_served()

        xblab.inject("cut", "pm02", "ic0")
        xblab.inject("cut", "pm02", "ic1")
        xblab.wait_until("one node is off", lambda: "off" in [xblab.machine_state(node) for node in scene.NODES])

        scene.expect_equal(xblab.machine_state("pm01"), "running", "the serving node")
        scene.expect_equal(xblab.machine_state("pm02"), "off", "the standby")
        cluster.wait_settled("pm01")
        history = cluster.fences("pm01", "pm02")
        scene.expect(history and history[-1]["origin"] == "pm01" and history[-1]["outcome"] == "success",
                     f"pm02 fenced by pm01: {history}")
        scene.expect_equal(cluster.where(), ["pm01"], "where the address is")
        total = probe.stop()
        scene.expect_equal([row["name"] for row in total["servers"]], ["pm01"], "who answered")
        scene.expect_equal(total["lost"], 0, "requests lost")

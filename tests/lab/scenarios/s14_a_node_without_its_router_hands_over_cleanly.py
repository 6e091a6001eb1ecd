"""A node that does not reach the router any more hands its group over in order: no failure counted, nobody fenced."""
import agents_lab
import cluster
import scene
import xblab

QUICK = True


def run():
    with scene.lab(scene.connected()):
        agents_lab.start_once_probed("web", "pingd", "100")
        scene.wait_served_by("pm01")
        planner = cluster.coordinator("pm01")
        since = cluster.last_event(planner)

        xblab.inject("cut", "pm01", "svc")

        scene.wait_served_by("pm02")
        scene.expect_equal([agents_lab.attribute("pm02", node, "pingd") for node in scene.NODES], ["0", "100"],
                           "reachability of pm01, pm02")
        for name in scene.GROUP:
            scene.expect_equal(scene.places("pm02", name), ["pm02"], f"where {name} runs")
            for node in scene.NODES:
                scene.expect_equal(scene.fail_count("pm02", name, node), "0", f"fail count of {name} on {node}")
        stops = [row["resource"] for row in cluster.operations("pm02", on="pm01") if row["operation"] == "stop"]
        scene.expect_equal([name for name in stops if name in scene.GROUP], ["httpd", "address"], "order of stops")
        scene.expect("peer-dead" not in scene.kinds(planner, since), "the interconnects were never silent")
        scene.expect_no_fencing()

        xblab.inject("mend", "pm01", "svc")
        agents_lab.wait_attribute("pm02", "pm01", "pingd", "100")
        cluster.wait_settled("pm02")
        scene.expect_equal(cluster.where(), ["pm02"], "where the address is after the network is back")

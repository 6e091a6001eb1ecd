"""An agent that is missing, not executable, or prints 100 MB is a failed action with a reason, no more."""
import cluster
import scene
import xblab


def run():
    with scene.lab():
        since = {node: cluster.answers(node)["pid"] for node in scene.NODES}
        config = scene.web(members=scene.tunable("loud"))
        config = config.replace("group web loud", "primitive missing ocf:xblab:NoSuchAgent\ngroup web loud")
        for node in scene.NODES:
            xblab.run(node, "mkdir", "-p", "/run/xblab")
            scene.tell(node, "loud", "start", "flood 104857600")

        cluster.configure("pm01", config)

        xblab.wait_until("the loud agent's resource runs", lambda: scene.places("pm01", "loud") == ["pm01"], 60)
        cluster.wait_settled("pm01")
        scene.expect_equal(scene.places("pm01", "missing"), [], "where the missing agent's resource runs")
        failures = [row for row in scene.status("pm01")["failed_actions"] if row["resource"] == "missing"]
        scene.expect(failures and all(row["rc"] == 5 for row in failures), f"rc=5 (not installed): {failures}")
        for node in scene.NODES:
            now = cluster.answers(node)
            scene.expect_equal(now["pid"], since[node], f"the daemon of {node} is the same")
            scene.expect(cluster.status(node)["daemon"]["rss_bytes"] < 64 << 20, f"memory of {node} after 100 MB")
        scene.expect_no_fencing()

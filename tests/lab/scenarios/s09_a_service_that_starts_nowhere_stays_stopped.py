"""A service that cannot start on either node is tried once on each, stays stopped, and the reason is shown."""
import cluster
import scene
import xblab


def run():
    with scene.lab():
        for node in scene.NODES:
            scene.tell(node, "second", "start", "fail 1")
        since = {node: cluster.last_event(node) for node in scene.NODES}

        cluster.configure("pm01", scene.web(members=scene.tunable("first") + scene.tunable("second")))

        xblab.wait_until("it failed on both nodes", lambda: all(
            scene.fail_count("pm01", "second", node) == "INFINITY" for node in scene.NODES))
        cluster.wait_settled("pm01")
        for node in scene.NODES:
            failed = scene.failed_action("pm01", "second", node, "start")
            scene.expect(failed is not None and failed["rc"] == 1, f"a failed start on {node}, not {failed}")
            scene.expect("told to fail" in failed["exit_reason"], f"with the agent's reason: {failed}")
            tried = [row for row in scene.calls(node) if row == ("start", "second")]
            scene.expect_equal(len(tried), 1, f"starts on {node}")
        scene.expect_equal(scene.places("pm01", "second"), [], "where second runs")
        planner = cluster.coordinator("pm01")
        kinds = scene.kinds(planner, since[planner])
        scene.expect("failover-failed" in kinds and "failover-succeeded" not in kinds, f"what was noted: {kinds}")
        why = cluster.shell("pm01", "why", "second").stdout
        scene.expect("pm01" in why and "pm02" in why, f"xbeat why names both nodes: {why}")
        scene.expect_no_fencing()

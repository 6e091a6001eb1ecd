"""A start that hangs past its timeout is killed and counts as a failed start."""
import cluster
import scene
import xblab

TIMED_OUT = 2  # op-status of the status section


def run():
    with scene.lab():
        for node in scene.NODES:
            xblab.run(node, "true")
        scene.tell("pm01", "only", "start", "hang")

        cluster.configure("pm01", scene.web(members=scene.tunable("only", start_s=2)))

        xblab.wait_until("it runs on pm02", lambda: scene.places("pm02", "only") == ["pm02"])
        cluster.wait_settled("pm02")
        failed = scene.failed_action("pm02", "only", "pm01", "start")
        scene.expect(failed is not None and failed["op_status"] == TIMED_OUT,
                     f"a start on pm01 that timed out, not {failed}")
        scene.expect_equal(scene.fail_count("pm02", "only", "pm01"), "INFINITY", "fail count on pm01")
        sleepers = xblab.run("pm01", "pgrep", "-x", "sleep", check=False).stdout
        scene.expect_equal(sleepers, "", "processes of the hanging agent that are left")
        scene.expect_no_fencing()

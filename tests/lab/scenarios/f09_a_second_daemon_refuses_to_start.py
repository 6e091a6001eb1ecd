"""A second daemon on a node refuses to start, names the first one's pid, and disturbs nothing."""
import cluster
import scene
import xblab


def run():
    with scene.lab(scene.web()):
        pid = cluster.answers("pm01")["pid"]

        done = xblab.run("pm01", "xbeatd", check=False, limit_s=20)

        scene.expect(done.returncode != 0, "it does not start")
        scene.expect(str(pid) in done.stderr, f"the first one's pid {pid} is named: {done.stderr}")
        scene.expect_equal(cluster.answers("pm01")["pid"], pid, "the first daemon")
        cluster.wait_joined()
        for node in scene.NODES:
            bad = [row for row in cluster.events(node) if row["kind"] in ("peer-dead", "peer-stalled")]
            scene.expect_equal(bad, [], f"verdicts on {node}")
        scene.expect_no_fencing()

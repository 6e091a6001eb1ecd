"""With a full disk a change is refused to the client, the old state stays, and the beats go on."""
import cluster
import scene
import xblab


def run():
    with scene.lab(scene.web()):
        before = cluster.shell("pm01", "configure", "show").stdout
        coordinator = cluster.status("pm01")["coordinator"]
        xblab.run(coordinator, "sh", "-c", "cat /dev/zero >/var/lib/xbeat/filler 2>/dev/null; true")

        # Large enough not to fit into what a file may still have left of its last block.
        text = f"property cluster-name={'x' * 200}\n" + "".join(
            f"primitive filler{number} ocf:heartbeat:Dummy meta target-role=Stopped\n" for number in range(200))
        done = cluster.shell(coordinator, "configure", "load", "update", "-", text=text, check=False)

        scene.expect(done.returncode != 0, f"the change is refused, not: {done.stdout}")
        scene.expect(done.stderr.strip(), "with a reason")
        xblab.run(coordinator, "rm", "/var/lib/xbeat/filler")
        cluster.wait_joined()
        for node in scene.NODES:
            scene.expect_equal(cluster.shell(node, "configure", "show").stdout, before, f"configuration on {node}")
            dead = [row for row in cluster.events(node) if row["kind"] == "peer-dead"]
            scene.expect_equal(dead, [], f"dead verdicts on {node}")
        cluster.configure(coordinator, "property batch-limit=23\n", how="update")
        for node in scene.NODES:
            shown = cluster.shell(node, "configure", "show").stdout
            scene.expect("batch-limit=23" in shown, f"a change after the disk has room again, on {node}")
        scene.expect_no_fencing()

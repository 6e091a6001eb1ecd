"""Two nodes with one id, or a node of another cluster, are refused with a reason and nobody is fenced."""
import cluster
import scene
import xblab

TOML = "/etc/xbeat/xbeat.toml"


def restart_with(change):
    """pm02 leaves, its file is changed, and its daemon starts again."""
    cluster.leave("pm02")
    text = xblab.run("pm02", "cat", TOML).stdout
    xblab.run("pm02", "tee", TOML, text=change(text))
    xblab.ask("daemon", "pm02", "start")


def run():
    with scene.lab():
        text = xblab.run("pm02", "cat", TOML).stdout
        xblab.run("pm02", "tee", "/run/twice.toml", text=text.replace("id = 2", "id = 1"))
        done = xblab.run("pm02", "xbeatd", "--check", "--config", "/run/twice.toml", check=False)
        scene.expect_equal(done.returncode, 78, f"exit of a file with one id twice ({done.stderr})")
        scene.expect("/run/twice.toml:" in done.stderr, f"file and line of one id twice: {done.stderr}")

        restart_with(lambda old: old.replace('cluster = "lab"', 'cluster = "elsewhere"'))

        xblab.wait_until("pm02's daemon answers", lambda: cluster.answers("pm02"))
        since = cluster.last_event("pm01")
        xblab.wait_until("pm01 goes on refusing", lambda: cluster.call("pm01", op="heart")["ticks"] > 0)
        scene.expect(not cluster.is_member("pm01", "pm02"), "pm02 of another cluster is no member")
        scene.expect(not cluster.is_member("pm02", "pm01"), "nor is pm01 to it")
        dead = [row for row in cluster.events("pm01", since) if row["kind"] == "peer-dead"]
        scene.expect_equal(dead, [], "verdicts over a stranger")
        scene.expect_equal([xblab.machine_state(node) for node in scene.NODES], ["running", "running"], "both nodes")

        restart_with(lambda old: old.replace("elsewhere", "lab"))
        cluster.wait_joined()

"""10 000 resources are accepted, one more is refused with the limit, and the beats go on."""
import cluster
import scene

LIMIT = 10_000


def many(count):
    return "".join(f"primitive r{number} ocf:heartbeat:Dummy meta target-role=Stopped\n" for number in range(count))


def run():
    with scene.lab():
        done = cluster.shell("pm01", "configure", "load", "replace", "-", text=many(LIMIT + 1), check=False,
                             limit_s=300)
        scene.expect(done.returncode != 0, "one more than the limit is refused")
        scene.expect("10000" in done.stderr.replace(" ", "").replace(",", ""), f"the limit is named: {done.stderr}")

        done = cluster.shell("pm01", "configure", "verify", "-", text=many(LIMIT), check=False, limit_s=300)
        scene.expect_equal(done.returncode, 0, f"the limit itself is accepted ({done.stderr[:200]})")
        for node in scene.NODES:
            dead = [row for row in cluster.events(node) if row["kind"] == "peer-dead"]
            scene.expect_equal(dead, [], f"dead verdicts on {node}")

"""A promotion score that falls moves the promoted role with finite stickiness, and leaves it with INFINITY."""
import agents_lab
import cluster
import scene
import xblab

BODY = """primitive db ocf:xblab:Tunable op start interval=0 timeout=20s op stop interval=0 timeout=20s \\
    op promote interval=0 timeout=20s op demote interval=0 timeout=20s \\
    op monitor interval=10s timeout=20s op monitor interval=11s role=Promoted timeout=20s
clone dbs db meta promotable=true
colocation service-with-db inf: service dbs:Promoted
order db-then-service Mandatory: dbs:promote service:start
"""


def score(node, value):
    """As the agent of a replicated disk does: 10000 with its local disk, 10 without."""
    cluster.shell("pm01", "attribute", "set", "master-db", value, "--node", node)


def expect_promoted(node, why):
    xblab.wait_until(f"{why}: {node} is promoted", lambda: agents_lab.promoted("pm01", "db") == [node] and
                     scene.places("pm01", "service") == [node])
    cluster.wait_settled("pm01")
    scene.expect_equal(agents_lab.promoted("pm01", "db"), [node], why)


def run():
    for stickiness, after in (("200", "pm02"), ("INFINITY", "pm01")):
        with scene.lab(scene.pair(BODY + scene.tunable("service"), stickiness=stickiness)):
            score("pm01", "10000")
            expect_promoted("pm01", "10000 points")
            score("pm02", "1000")
            cluster.wait_settled("pm01")

            score("pm01", "10")

            cluster.wait_settled("pm01")
            expect_promoted(after, f"10 points, stickiness {stickiness}")
            scene.expect_equal(scene.status("pm01")["failed_actions"], [], "failed actions")
            scene.expect_no_fencing()

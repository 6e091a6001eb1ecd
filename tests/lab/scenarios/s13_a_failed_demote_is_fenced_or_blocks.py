"""A promoted instance that cannot be demoted is fenced before the other is promoted; without fencing it blocks."""
import agents_lab
import cluster
import scene
import xblab

BODY = """primitive db ocf:xblab:Tunable op start interval=0 timeout=20s op stop interval=0 timeout=20s on-fail=OUTCOME \\
    op promote interval=0 timeout=20s op demote interval=0 timeout=20s on-fail=OUTCOME \\
    op monitor interval=1s timeout=20s op monitor interval=1100ms role=Promoted timeout=20s
clone dbs db meta promotable=true
location dbs-first dbs rule $role=Promoted 200: #uname eq pm01
location dbs-second dbs rule $role=Promoted 100: #uname eq pm02
"""


def settled_promoted(node):
    xblab.wait_until(f"{node} is promoted", lambda: agents_lab.promoted(node, "db") == [node], 60)
    cluster.wait_settled(node)


def with_fencing():
    with scene.lab(scene.pair(BODY.replace("OUTCOME", "fence"), fencing=True)):
        settled_promoted("pm01")
        scene.tell("pm01", "db", "demote", "fail 1")

        cluster.shell("pm02", "node", "standby", "pm01")

        xblab.wait_until("pm01 is off", lambda: xblab.machine_state("pm01") == "off", 60)
        settled_promoted("pm02")
        entries = cluster.timelines("pm02")[-1]["entries"]
        proofs = [row["to_ns"] for row in entries if row["phase"] == "proof"]
        promotes = [row["from_ns"] for row in entries if row["phase"] == "action" and "promote" in row["detail"]]
        scene.expect(proofs and promotes and proofs[0] <= promotes[0], f"promoted after the proof: {entries}")
        scene.expect_equal(cluster.fences("pm02", "pm01")[-1]["outcome"], "success", "fencing of pm01")


def without_fencing():
    with scene.lab(scene.pair(BODY.replace("OUTCOME", "block"))):
        settled_promoted("pm01")
        scene.tell("pm01", "db", "demote", "fail 1")

        cluster.shell("pm02", "node", "standby", "pm01")

        xblab.wait_until("the failed demote is shown", lambda: scene.failed_action("pm02", "db", "pm01", "demote"), 60)
        cluster.wait_settled("pm02")
        scene.expect(not [row for row in scene.calls("pm02") if row[0] == "promote"], "nothing was promoted on pm02")
        blocked = [row for row in agents_lab.leaves(scene.status("pm02")["resources"]) if row["blocked"]]
        scene.expect_equal([row["nodes"] for row in blocked], [["pm01"]], f"what is blocked: {blocked}")
        scene.expect_no_fencing()


def run():
    with_fencing()
    without_fencing()

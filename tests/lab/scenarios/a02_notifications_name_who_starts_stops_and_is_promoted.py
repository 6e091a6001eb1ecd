"""Clones with notify are told before and after what happens where, under the old and the new names."""
import agents_lab
import cluster
import scene
import xblab

QUICK = True

BODY = """primitive j ocf:xblab:Journal params nodes_on=pm01 op monitor interval=10s role=Promoted op monitor interval=11s role=Unpromoted
clone c j meta promotable=true notify=true
"""


def notices(node, since, **wanted):
    found = []
    for row in agents_lab.rows(node)[since:]:
        if row["action"] == "notify" and all(row.get(key, "").strip() == value for key, value in wanted.items()):
            found.append(row)
    return found


def run():
    with agents_lab.lab(BODY):
        xblab.wait_until("pm01 is promoted", lambda: agents_lab.promoted("pm01", "j") == ["pm01"], 60)
        agents_lab.wait_idle()
        for node in scene.NODES:
            xblab.wait_until(f"{node} hears of the promotion", lambda n=node: notices(
                n, 0, notify_type="post", notify_operation="promote"), 20)
            scene.expect(notices(node, 0, notify_type="post", notify_operation="start"), f"{node} hears of the start")
            found = notices(node, 0, notify_type="post", notify_operation="promote")
            for name in ("notify_promote_uname",):
                scene.expect_equal(found[0][name].strip(), "pm01", name)
            after = found[-1]
            for old, new in (("notify_master_uname", "notify_promoted_uname"),
                             ("notify_slave_uname", "notify_unpromoted_uname")):
                scene.expect(old in after and new in after, f"{old} and {new} are both there: {sorted(after)}")
                scene.expect_equal(after[old].split(), after[new].split(), f"{old} and {new}")
        call = next(row for row in agents_lab.rows("pm01") if row["action"] == "promote")
        for name in ("clone_max", "clone_node_max", "promoted_max", "promoted_node_max", "master_max",
                     "master_node_max", "notify", "on_node", "on_node_uuid", "timeout"):
            scene.expect(name in call, f"a promote is told {name}: {sorted(call)}")
        scene.expect_equal((call["on_node"], call["on_node_uuid"]), ("pm01", "1"), "where it runs")

        marks = {node: len(agents_lab.rows(node)) for node in scene.NODES}
        cluster.shell("pm02", "node", "standby", "pm01")
        xblab.wait_until("pm02 is promoted", lambda: agents_lab.promoted("pm02", "j") == ["pm02"], 60)
        agents_lab.wait_idle("pm02")

        xblab.wait_until("pm02 hears of its own promotion", lambda: notices(
            "pm02", marks["pm02"], notify_type="post", notify_operation="promote"), 20)
        before = notices("pm02", marks["pm02"], notify_type="pre", notify_operation="demote")
        scene.expect(before and before[0]["notify_demote_uname"].strip() == "pm01", "told before the demotion")
        after = notices("pm02", marks["pm02"], notify_type="post", notify_operation="stop")
        scene.expect(after and after[0]["notify_stop_uname"].strip() == "pm01", "told after the stop")
        last = notices("pm02", marks["pm02"], notify_type="post", notify_operation="promote")
        scene.expect(last and last[0]["notify_promote_uname"].strip() == "pm02", "told after its own promotion")

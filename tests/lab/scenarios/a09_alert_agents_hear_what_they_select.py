"""Alert agents get Pacemaker's variables, once for each event, as an unprivileged user, and cannot hold anything up."""
import agents_lab
import cluster
import scene
import xblab

QUICK = True

# Kept in /var/lib, which is the node's own; the agent must belong to root.
AGENT = """#!/bin/bash
{ printf 'user=%s' "$(id -un)"; env | sort | while IFS= read -r line; do printf '\\t%s' "$line"; done; echo; } >>"$CRM_alert_recipient"
"""
FOLDER = "/var/lib/xblab-alerts"

BODY = f"""primitive d ocf:pacemaker:Dummy op monitor interval=10s
location d-first d 10: pm01
alert all "{FOLDER}/agent" attributes flavour=plain meta timeout=10s to "{FOLDER}/out/all" meta timestamp-format="%Y"
alert some "{FOLDER}/agent" select attributes {{ colour }} to "{FOLDER}/out/some"
alert slow "{FOLDER}/slow" meta timeout=1s
"""


def prepare(node):
    xblab.run(node, "mkdir", "-p", f"{FOLDER}/out")
    xblab.run(node, "chmod", "755", FOLDER)
    xblab.run(node, "chmod", "777", f"{FOLDER}/out")
    for name, text in (("agent", AGENT), ("slow", "#!/bin/sh\nexec sleep 60\n")):
        xblab.run(node, "tee", f"{FOLDER}/{name}", text=text)
        xblab.run(node, "chmod", "755", f"{FOLDER}/{name}")


def heard(node, name):
    return agents_lab.rows(node, f"{FOLDER}/out/{name}")


def run():
    with scene.lab():
        for node in scene.NODES:
            prepare(node)
        cluster.configure("pm01", agents_lab.HEAD + BODY)
        agents_lab.wait_idle()
        planner = cluster.coordinator("pm01")
        since = cluster.last_event(planner)

        def of(kind, name="all"):
            return [row for row in heard(planner, name) if row.get("CRM_alert_kind") == kind]

        xblab.wait_until("the start was told", lambda: [row for row in of("resource") if
                         row["CRM_alert_task"] == "start"], 20)
        start = next(row for row in of("resource") if row["CRM_alert_task"] == "start")
        for name, value in (("node", "pm01"), ("rsc", "d"), ("rc", "0"), ("target_rc", "0"), ("status", "0"),
                            ("interval", "0"), ("desc", "ok")):
            scene.expect_equal(start[f"CRM_alert_{name}"], value, f"CRM_alert_{name}")
        scene.expect(start["CRM_alert_timestamp"].isdigit() and len(start["CRM_alert_timestamp"]) == 4,
                     f"its own time format: {start['CRM_alert_timestamp']}")
        scene.expect(int(start["CRM_alert_timestamp_epoch"]) > 1_600_000_000, "epoch")
        scene.expect_equal(start["flavour"], "plain", "instance attribute")
        scene.expect(start["user"] != "root", f"it runs as {start['user']}")
        scene.expect(not [row for row in of("resource") if row["CRM_alert_task"] == "monitor" and
                          row["CRM_alert_rc"] == row["CRM_alert_target_rc"]], "no monitor that is as expected")

        agents_lab.tool("pm01", "attrd_updater", "-n", "colour", "-v", "red")
        agents_lab.tool("pm01", "attrd_updater", "-n", "other", "-v", "1")
        xblab.wait_until("the attribute was told", lambda: of("attribute", "some"), 20)
        told = [(row["CRM_alert_attribute_name"], row["CRM_alert_attribute_value"]) for row in of("attribute", "some")]
        scene.expect_equal(told, [("colour", "red")], "only the selected attribute")
        scene.expect_equal(of("attribute"), [], "attributes are told only to who selects them")
        scene.wait_event(planner, "alert-failed", 0)

        there = cluster.other(planner)
        cluster.leave(there)
        xblab.wait_until("the leaving was told", lambda: [row for row in of("node") if
                         row["CRM_alert_desc"] == "lost" and row["CRM_alert_node"] == there], 30)
        sequence = [int(row["CRM_alert_node_sequence"]) for row in heard(planner, "all")]
        scene.expect_equal(len(sequence), len(set(sequence)), "sequence numbers differ")
        del since

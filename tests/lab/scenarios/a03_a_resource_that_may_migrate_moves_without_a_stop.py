"""A resource that may migrate moves by migrate_to and migrate_from, without a start anywhere."""
import agents_lab
import cluster
import scene
import xblab

QUICK = True

BODY = """primitive d ocf:pacemaker:Dummy meta allow-migrate=true op monitor interval=10s
primitive j ocf:xblab:Journal meta allow-migrate=true op monitor interval=10s
location d-here d 50: pm01
location j-here j 50: pm01
"""


def run():
    with agents_lab.lab(BODY):
        agents_lab.wait_idle()
        for name in ("d", "j"):
            scene.expect_equal(scene.places("pm01", name), ["pm01"], f"where {name} starts")
        marks = {node: len(agents_lab.rows(node)) for node in scene.NODES}

        for name in ("d", "j"):
            cluster.shell("pm01", "resource", "move", name, "pm02")
        xblab.wait_until("both are on pm02", lambda: scene.places("pm01", "d") == scene.places("pm01", "j") == ["pm02"])
        agents_lab.wait_idle()

        source = [row for row in agents_lab.rows("pm01")[marks["pm01"]:] if row["action"] != "monitor"]
        target = [row for row in agents_lab.rows("pm02")[marks["pm02"]:] if row["action"] != "monitor"]
        scene.expect_equal([row["action"] for row in source], ["migrate_to", "stop"], "what pm01 was asked")
        scene.expect_equal([row["action"] for row in target], ["migrate_from"], "what pm02 was asked")
        for row in (source[0], target[0]):
            scene.expect_equal((row.get("migrate_source"), row.get("migrate_target")), ("pm01", "pm02"), "from, to")
        tasks = [row["operation"] for row in cluster.operations("pm01", "d", on="pm02")]
        scene.expect("start" not in tasks, f"d was not started on pm02: {tasks}")
        scene.expect_equal(scene.status("pm01")["failed_actions"], [], "failed actions")

"""A promotable clone is promoted by the scores that its agent sets, and the other instance when that node goes."""
import agents_lab
import cluster
import scene
import xblab

QUICK = True

BODY = """primitive s ocf:pacemaker:Stateful op monitor interval=10s role=Promoted op monitor interval=11s role=Unpromoted
clone c s meta promotable=true notify=true interleave=true
"""


def run():
    with agents_lab.lab(BODY):
        agents_lab.wait_idle()
        first = xblab.wait_until("one instance is promoted", lambda: agents_lab.promoted("pm01", "s"))
        agents_lab.wait_idle()
        scene.expect_equal(len(first), 1, "promoted instances")
        second = cluster.other(first[0])
        scene.expect_equal(set(agents_lab.roles("pm01", "s")), set(scene.NODES), "where it runs")
        scene.expect_equal(agents_lab.attribute("pm01", first[0], "master-s"), "10", "score of the promoted one")
        scene.expect_equal(agents_lab.attribute("pm01", second, "master-s"), "5", "score of the other one")
        scene.expect_equal(agents_lab.tool("pm01", "crm_node", "-n").stdout, "pm01\n", "crm_node -n")
        shown = agents_lab.tool(second, "crm_resource", "-r", "s", "-W").stdout
        scene.expect(f"resource s is running on: {first[0]} Promoted\n" in shown, f"crm_resource -W: {shown!r}")

        cluster.shell(second, "node", "standby", first[0])

        xblab.wait_until(f"{second} is promoted", lambda: agents_lab.promoted(second, "s") == [second], 60)
        agents_lab.wait_idle(second)
        scene.expect_equal(agents_lab.roles(second, "s"), {second: "Promoted"}, "roles after the standby")
        scene.expect_equal(agents_lab.attribute(second, second, "master-s"), "10", "score of the new promoted one")
        scene.expect_equal(agents_lab.attribute(second, first[0], "master-s"), None, "score of the stopped one")
        scene.expect_equal(scene.status(second)["failed_actions"], [], "failed actions")

        # A killed promoted one: its state file is what it lives by.
        cluster.shell(second, "node", "online", first[0])
        xblab.wait_until("both run", lambda: len(agents_lab.roles(second, "s")) == 2, 60)
        agents_lab.wait_idle(second)
        cluster.shell(second, "resource", "fail", "s", second)
        agents_lab.wait_idle(second)
        xblab.wait_until("one is promoted again", lambda: len(agents_lab.promoted(second, "s")) == 1, 60)
        scene.expect_no_fencing()

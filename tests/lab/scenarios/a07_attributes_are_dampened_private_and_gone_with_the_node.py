"""Agents' attributes: dampened, private, permanent, read back at once, and gone when the node leaves."""
import agents_lab
import cluster
import scene
import xblab

QUICK = True

BODY = """primitive d ocf:pacemaker:Dummy op monitor interval=10s
location d-first d 10: pm01
location d-connected d rule -inf: pingd lt 100
"""


def run():
    with agents_lab.lab(BODY):
        agents_lab.wait_idle()
        tool = agents_lab.tool
        for node in scene.NODES:
            tool(node, "attrd_updater", "-n", "pingd", "-v", "100")
        agents_lab.wait_attribute("pm01", "pm02", "pingd", "100")
        agents_lab.wait_idle()
        scene.expect_equal(scene.places("pm01", "d"), ["pm01"], "where d is")

        # Of the node that does not coordinate too: each way of asking must work on both.
        for node in scene.NODES:
            there = cluster.other(node)
            tool(node, "attrd_updater", "-n", "swings", "-U", "1", "-d", "1500ms")
            tool(node, "attrd_updater", "-n", "swings", "-U", "0", "-d", "1500ms")
            shown = tool(node, "attrd_updater", "-n", "swings", "-Q").stdout
            scene.expect_equal(shown, f'name="swings" host="{node}" value="0"\n', "asked back at once")
            scene.expect_equal(agents_lab.attribute(there, node, "swings"), None, "not yet written")
            agents_lab.wait_attribute(there, node, "swings", "0", 10)
            tool(node, "attrd_updater", "-p", "-n", "mine", "-U", "secret")
            xblab.wait_until("the other node knows it", lambda n=node, t=there: tool(
                t, "attrd_updater", "-Q", "-n", "mine", "-N", n, check=False).stdout ==
                f'name="mine" host="{n}" value="secret"\n', 10)
            scene.expect_equal(agents_lab.attribute(node, node, "mine"), None, "a private one in the CIB")
            tool(node, "crm_attribute", "-l", "forever", "-n", "kept", "-v", f"on-{node}")
            shown = tool(there, "crm_attribute", "-N", node, "-l", "forever", "-n", "kept", "-G", "-q").stdout
            scene.expect_equal(shown, f"on-{node}\n", "a permanent one")
        scene.expect_equal(tool("pm01", "crm_attribute", "-t", "crm_config", "-n", "nothing", "-G", check=False)
                           .returncode, 105, "exit code without a value")

        tool("pm01", "attrd_updater", "-n", "pingd", "-v", "0")
        xblab.wait_until("d has moved", lambda: scene.places("pm01", "d") == ["pm02"], 30)
        agents_lab.wait_idle()

        cluster.leave("pm01")
        xblab.wait_until("pm01 is gone", lambda: not cluster.is_member("pm02", "pm01"), 30)
        scene.expect_equal(agents_lab.attribute("pm02", "pm01", "pingd"), None, "transient ones of who left")
        scene.expect_equal(tool("pm02", "attrd_updater", "-Q", "-n", "mine", "-N", "pm01", check=False).returncode,
                           105, "private ones of who left")
        shown = tool("pm02", "crm_attribute", "-N", "pm01", "-l", "forever", "-n", "kept", "-G", "-q").stdout
        scene.expect_equal(shown, "on-pm01\n", "permanent ones of who left")

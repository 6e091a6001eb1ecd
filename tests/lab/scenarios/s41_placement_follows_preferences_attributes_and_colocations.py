"""Preferences 200/100, a rule on an attribute, and a colocation of minus infinity decide where a group runs."""
import agents_lab
import cluster
import scene
import xblab

BODY = "".join(scene.tunable(name) for name in ("first", "second", "busy")) + """group web first second
clone everywhere busy meta target-role=Stopped
location web-first web 200: pm01
location web-second web 100: pm02
location web-net web rule -inf: not_defined net or net lt 100
colocation apart -inf: web everywhere
"""


def expect_group(nodes, why):
    xblab.wait_until(f"{why}: the group runs on {nodes}", lambda: scene.places("pm01", "second") == nodes and
                     scene.places("pm01", "first") == nodes)
    cluster.wait_settled("pm01")
    scene.expect_equal(scene.places("pm01", "second"), nodes, why)


def set_net(node, value):
    cluster.shell("pm01", "attribute", "set", "net", value, "--node", node)


def run():
    with scene.lab(scene.pair(BODY, stickiness="0")):
        expect_group([], "no node has the attribute")
        set_net("pm02", "100")
        expect_group(["pm02"], "only the second has it")
        set_net("pm01", "100")
        expect_group(["pm01"], "both have it, the first has 200 points")
        set_net("pm01", "99")
        expect_group(["pm02"], "less than 100 on the first")
        set_net("pm01", "100")
        expect_group(["pm01"], "100 again")

        cluster.shell("pm01", "resource", "start", "everywhere")
        expect_group([], "the clone is on both nodes, and the group must not be where it is")
        cluster.shell("pm01", "resource", "stop", "everywhere")
        expect_group(["pm01"], "the clone is stopped")
        scene.expect_equal(scene.status("pm01")["failed_actions"], [], "failed actions")
        scene.expect_equal(agents_lab.attribute("pm01", "pm02", "net"), "100", "the attribute of pm02")
        scene.expect_no_fencing()

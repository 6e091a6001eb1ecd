"""Other people's scripts call Pacemaker's tools: exit codes, words and effects on a running pair, changes from both nodes at once."""
import pathlib
import subprocess
import tempfile
import xml.etree.ElementTree as ElementTree

import agents_lab
import cluster
import scene
import xblab

QUICK = True
OK, UNIMPLEMENTED, DENIED, USAGE, CONFIG, OLD, NO_SUCH, UNSAFE, EXISTS = 0, 3, 4, 64, 78, 103, 105, 107, 108
CHANGES = 8  # of each node, at once

BODY = """primitive d ocf:pacemaker:Dummy op monitor interval=10s
primitive e ocf:pacemaker:Dummy op monitor interval=10s
colocation e-with-d 100: e d
location d-first d 50: pm01
"""


def tool(words, code=OK, node="pm01", says=None):
    """Runs a tool (words: a text, or a list where blanks matter); what it printed on both streams."""
    words = words.split() if isinstance(words, str) else words
    done = agents_lab.tool(node, *words, check=False)
    text = done.stdout + done.stderr
    scene.expect_equal(done.returncode, code, f"exit code of {words}: {text}")
    scene.expect(code == OK or done.stderr.strip(), f"{words} ends with {code} and says nothing")
    if says is not None:
        scene.expect(says in text, f"{words} should say {says!r}: {text!r}")
    return done.stdout


def xml_of(words):
    root = ElementTree.fromstring(tool(words))
    scene.expect_equal(root.find("status").get("code"), "0", f"status of {words}")
    return root


def looks():
    scene.expect_equal(tool("crm_node -n", node="pm02"), "pm02\n", "crm_node -n")
    scene.expect_equal(tool("crm_node -l"), "1 pm01 member\n2 pm02 member\n", "crm_node -l")
    scene.expect_equal(tool("crm_node -p").split(), ["pm01", "pm02"], "crm_node -p")
    scene.expect_equal(tool("crm_node -q"), "1\n", "crm_node -q")
    planner = tool("crmadmin -q -D").strip()
    scene.expect_equal(tool(f"crmadmin -q -S {planner}"), "S_IDLE\n", "state of the coordinator")
    scene.expect_equal(tool(f"crmadmin -q -S {scene.other(planner)}"), "S_NOT_DC\n", "state of the other one")
    scene.expect_equal(tool("crm_resource -r d -W"), "resource d is running on: pm01\n", "crm_resource -W")
    scene.expect_equal(xml_of("crm_resource -r d -W --output-as=xml").find("nodes/node").text, "pm01", "the same as XML")
    tool("crm_resource -a -r d", says="Resources colocated with d:\n  * e (score=100, id=e-with-d)")
    tool("crm_resource -A -r e", says="      * Node pm01 (score=50, id=d-first, rsc=d)")
    tool("crm_resource -l", says="d\ne\n")
    tool("crm_resource --list-agents ocf:pacemaker", says="Dummy\n")
    tool("crm_resource --show-metadata ocf:pacemaker:Dummy", says="<resource-agent name=\"Dummy\"")
    tool("crm_mon -1", says="* d\t(ocf:pacemaker:Dummy):\t Started pm01")
    only = tool("crm_mon -1 --exclude=all --include=nodes -N")
    scene.expect_equal(only.split(), ["Node", "List:", "*", "Online:", "[", "pm01", "pm02", "]"], "crm_mon --include")
    tool("crm_mon -1 --include=nonsense", USAGE, says="fencing-succeeded")
    tool("crm_mon -1 --resource d -D", says="d\t(ocf")
    scene.expect("CLUSTER OK: 2 nodes online" in tool("crm_mon -s"), "crm_mon -s")
    scene.expect_equal(tool("crm_mon -1 --output-as=none"), "", "crm_mon without output")
    names = [node.get("name") for node in xml_of("crm_mon --output-as=xml").iter("node") if node.get("online")]
    scene.expect_equal(names, ["pm01", "pm02"], "nodes of crm_mon's XML")
    tool("crm_mon -1rnAfotcRbL -m3")
    tool("crm_verify -L")
    tool("stonith_admin -L", says="0 fence devices found")
    tool("stonith_admin -h pm02", says="Node pm02 has never been fenced")
    tool("crm_simulate -sL")
    for name in ("cibadmin", "crm_attribute", "crm_mon", "crm_resource", "stonith_admin", "crm_simulate", "crm_verify"):
        tool(f"{name} --version", says="Pacemaker 2.")
        tool(f"{name} --help", says=name)


def wrong_words():
    for words, code in (("crm_resource --ban -r nix -N pm01", NO_SUCH), ("crm_resource --ban -r d -N pm09", NO_SUCH),
                        ("crm_resource -r d -M -N pm01", EXISTS), ("crm_resource --nonsense", USAGE),
                        ("crm_resource -r d --digests", UNIMPLEMENTED), ("crm_shadow -c x", UNIMPLEMENTED),
                        ("crm_attribute -N pm09 -n a -v 1", NO_SUCH), ("crm_attribute -n nope -G", NO_SUCH),
                        ("crm_attribute -N pm09 -l reboot -n a -v 1", NO_SUCH),
                        ("crm_node -R pm02", USAGE), ("crm_node -R pm02 --force", UNSAFE),
                        ("crm_ticket -t T -g", DENIED), ("cibadmin -E", UNSAFE), ("cibadmin -Q -o tags", NO_SUCH),
                        ("cibadmin -Q -A //nix", NO_SUCH), ("cibadmin -C -o resources -x /nix", CONFIG),
                        ("cibadmin -M -A //node_state[1]/@id -X <node_state/>", NO_SUCH)):
        tool(words, code)


def changes():
    new = '<primitive id="f" class="ocf" provider="pacemaker" type="Dummy"/>'
    tool(["cibadmin", "-C", "-o", "resources", "-X", new])
    xblab.wait_until("what cibadmin created runs", lambda: scene.places("pm01", "f"))
    tool(["cibadmin", "-C", "-o", "resources", "-X", new], EXISTS)
    tool(["cibadmin", "-C", "-o", "resources", "-X", '<primitive id="g"/>'], CONFIG)
    tool(["cibadmin", "-M", "-X", '<primitive id="f"><meta_attributes id="f-m"><nvpair id="f-m-t" name="target-role" '
          'value="Stopped"/></meta_attributes></primitive>'], node="pm02")
    xblab.wait_until("it is stopped", lambda: not scene.places("pm01", "f"))
    agents_lab.wait_idle()
    scene.expect_equal(tool("cibadmin -Q -e -A //nvpair[@id='f-m-t']"),
                       "/cib/configuration/resources/primitive[@id='f']/meta_attributes[@id='f-m']/nvpair[@id='f-m-t']\n",
                       "cibadmin --node-path")
    tool("cibadmin -D -A //primitive[@id='f']")
    tool("cibadmin -Q -A //primitive[@id='f']", NO_SUCH)
    tool(["cibadmin", "-M", "-X", '<ticket_state id="T" granted="true"/>'], NO_SUCH)

    tool("crm_resource -r d -M -N pm02")
    xblab.wait_until("d moves", lambda: scene.places("pm01", "d") == ["pm02"])
    tool("crm_resource -r d -U")
    agents_lab.wait_idle()
    tool("crm_resource -r d -p op_sleep -v 0", says="Set 'd' option: id=")
    tool("crm_resource -r d -d op_sleep", says="Deleted 'd' option: id=")
    tool("crm_attribute -N pm02 -n site -v berlin")
    scene.expect_equal(tool("crm_attribute -N pm02 -n site -G -q", node="pm02"), "berlin\n", "crm_attribute")
    tool("crm_standby -N pm02 -v on")
    xblab.wait_until("pm02 is empty", lambda: scene.places("pm01", "d") == ["pm01"])
    scene.expect_equal(tool("crm_standby -N pm02 -G -q"), "on\n", "crm_standby")
    tool("crm_standby -N pm02 -D")
    tool("attrd_updater -n t -U 7 -N pm02")
    agents_lab.wait_attribute("pm01", "pm02", "t", "7")
    scene.expect_equal(tool("attrd_updater -n t -Q -A"), 'name="t" host="pm02" value="7"\n', "attrd_updater")
    tool("crm_attribute -N pm02 -l reboot -P ^t$ -D")
    xblab.wait_until("it is gone", lambda: agents_lab.attribute("pm01", "pm02", "t") is None)
    tool("crm_resource -C -r d", says="Cleaned up d on pm01")
    tool("crm_ticket -t T -g --force")
    tool("crm_ticket -l", says="T\tgranted")
    tool("crm_ticket -t T -C --force", says="Cleaned up T")


def nobody_is_lost(folder):
    """A document saved before another one's change does not undo it; many changes from both nodes at once all arrive."""
    saved = folder / "saved.xml"
    saved.write_text(tool("cibadmin -Q"))
    tool("crm_attribute -n stop-orphan-resources -v false", node="pm02")
    tool(["cibadmin", "-R", "-x", str(saved)], OLD, says="read it again")
    scene.expect_equal(tool("crm_attribute -n stop-orphan-resources -G -q"), "false\n", "the other one's change")
    saved.write_text(tool("cibadmin -Q").replace('id="d-first" rsc="d" score="50"', 'id="d-first" rsc="d" score="60"'))
    tool(["cibadmin", "--replace", "--xml-file", str(saved)])
    tool("cibadmin -Q -o constraints", says='score="60"')
    processes = [xblab.start(node, "/run/xbeat/shims/crm_attribute", "-N", node, "-n", f"n{number}", "-v", str(number),
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
                 for number in range(CHANGES) for node in scene.NODES]
    for process in processes:
        said = process.communicate(timeout=120)[0]
        scene.expect_equal(process.returncode, 0, f"exit code of one of many: {said}")
    for node in scene.NODES:
        for number in range(CHANGES):
            scene.expect_equal(tool(f"crm_attribute -N {node} -n n{number} -G -q"), f"{number}\n", "one of many changes")


def run():
    with agents_lab.lab(BODY), tempfile.TemporaryDirectory(dir="/tmp") as folder:
        agents_lab.wait_idle()
        looks()
        wrong_words()
        changes()
        nobody_is_lost(pathlib.Path(folder))
        full = xblab.run("pm01", "sh", "-c", "/run/xbeat/shims/cibadmin -Q >/dev/full", check=False)
        scene.expect_equal(full.returncode, 74, f"exit code with a full disk: {full.stderr}")
        scene.expect("cannot write the answer" in full.stderr, f"and its words: {full.stderr}")
        closed = xblab.run("pm01", "bash", "-c", "set -o pipefail; /run/xbeat/shims/cibadmin -Q | true", check=False)
        scene.expect_equal((closed.returncode, closed.stderr), (0, ""), "a reader that has gone away")
        scene.expect_equal(scene.status("pm01")["failed_actions"], [], "failed actions")

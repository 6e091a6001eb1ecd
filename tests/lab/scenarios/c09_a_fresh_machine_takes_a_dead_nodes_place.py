"""A node died for good. The survivor invites a fresh machine in its place, under the same name and later under another one."""
import json
import subprocess

import cluster
import scene
import xblab

QUICK = True
UNSAFE = 107

BODY = """primitive ip ocf:pacemaker:Dummy op monitor interval=10s
location ip-second ip 100: pm02
"""


def forget_everything(node):
    """What makes it another machine: no file, no key, no state of before."""
    xblab.run(node, "sh", "-c", "rm -rf /etc/xbeat/xbeat.toml /etc/xbeat/keys /var/lib/xbeat/*")


def token_of(invite):
    for line in invite.stdout:
        if "xbeat join" in line:
            return line.split()[-1]
    raise AssertionError("invite ended without a token")


def invited(*words, joins=()):
    """invite on pm01 and join on pm02, as two people would do it; what invite said at its end."""
    invite = xblab.start("pm01", "xbeat", "invite", *words, "--foreground", stdout=subprocess.PIPE, text=True)
    try:
        xblab.run("pm02", "xbeat", "join", token_of(invite), *joins)
        rest = invite.communicate(timeout=60)[0]
        scene.expect_equal(invite.returncode, 0, f"exit code of invite: {rest}")
        return rest
    finally:
        invite.kill()
        invite.wait()


def daemon(node, verb):
    xblab.ask("daemon", node, verb)


def places():
    return scene.places("pm01", "ip")


def same_name():
    refused = xblab.run("pm01", "xbeat", "invite", check=False)
    scene.expect_equal(refused.returncode, UNSAFE, f"an invitation while the node is there: {refused.stderr}")
    scene.expect("xbeat shutdown" in refused.stderr, f"what to do: {refused.stderr}")
    before = xblab.run("pm01", "cat", "/etc/xbeat/xbeat.toml").stdout
    cluster.leave("pm02")
    forget_everything("pm02")
    xblab.run("pm01", "xbeat", "invite", "--dry-run")
    rest = invited()
    scene.expect("pm02 has joined" in rest and "systemctl start xbeatd" in rest, f"what invite says: {rest}")
    scene.expect_equal(xblab.run("pm01", "cat", "/etc/xbeat/xbeat.toml").stdout, before, "the survivor's file")
    keys = [xblab.run(node, "sha256sum", "/etc/xbeat/keys/cluster.key").stdout.split()[0] for node in cluster.NODES]
    scene.expect_equal(keys[0], keys[1], "the key")
    daemon("pm02", "start")
    cluster.wait_joined()
    xblab.wait_until("the newcomer serves", lambda: places() == ["pm02"], 60)
    found = json.loads(xblab.run("pm02", "xbeat", "doctor", "--json", check=False).stdout)
    wrong = [row for row in found["findings"] if row["health"] == "FAIL"]
    about = [row["about"] for row in wrong if not row["about"].startswith("other")]
    scene.expect_equal(about, ["fencing"], "what the doctor finds, in a pair without fence devices")


def other_name():
    cluster.leave("pm02")
    forget_everything("pm02")
    xblab.wait_until("pm01 serves", lambda: places() == ["pm01"], 60)
    rest = invited("pm03", joins=("--self", "pm03"))
    scene.expect("restart xbeatd" in rest, f"what invite says: {rest}")
    xblab.inject("kill", "pm01", "xbeatd")  # and its supervisor starts it anew
    daemon("pm02", "start")
    xblab.wait_until("pm03 is a member", lambda: cluster.is_member("pm01", "pm03"), 60)
    xblab.wait_until("the newcomer serves", lambda: places() == ["pm03"], 60)
    text = cluster.shell("pm01", "configure", "show").stdout
    scene.expect("pm02" not in text and "pm03" in text, f"the configuration: {text}")
    scene.expect_equal(scene.status("pm01")["failed_actions"], [], "failed actions")


def run():
    with scene.lab(scene.pair(BODY, stickiness="0")):
        cluster.wait_settled("pm01")
        xblab.wait_until("pm02 serves", lambda: places() == ["pm02"])
        same_name()
        other_name()

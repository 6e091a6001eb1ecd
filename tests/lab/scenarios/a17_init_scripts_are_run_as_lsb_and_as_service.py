"""Init scripts run as class lsb and service: their codes are understood, a dead process is restarted, a wrong one is told."""
import agents_lab
import cluster
import scene
import xblab

QUICK = True

# /etc is the node's own. A service that keeps its PID in a file; `started` shows how often it was begun.
SCRIPT = """#!/bin/sh
pid=/run/$(basename "$0").pid
case $1 in
start) kill -0 "$(cat $pid 2>/dev/null)" 2>/dev/null && exit 0
    sleep 86398 >/dev/null 2>&1 &
    echo $! >$pid; echo x >>$pid.started;;
stop) [ -e $pid ] || exit 0
    kill "$(cat $pid)" 2>/dev/null; rm -f $pid;;
status) [ -e $pid ] || exit 3
    kill -0 "$(cat $pid)" 2>/dev/null || exit 1;;
*) exit 3;;
esac
exit 0
"""
ODD = """#!/bin/sh
[ "$1" = status ] && exit 150
exit 5
"""

BODY = """primitive plain lsb:xblab-plain op monitor interval=1s timeout=20s
primitive either service:xblab-either op monitor interval=1s timeout=20s
primitive odd lsb:xblab-odd op monitor interval=10s timeout=20s
primitive absent lsb:xblab-absent op monitor interval=10s timeout=20s
primitive nowhere service:xblab-nowhere op monitor interval=10s timeout=20s
location plain-here plain inf: pm01
location either-here either inf: pm01
"""


def running(node, name):
    return xblab.run(node, "sh", "-c", f"kill -0 $(cat /run/{name}.pid)", check=False).returncode == 0


def begun(name):
    return xblab.run("pm01", "cat", f"/run/{name}.pid.started").stdout


def run():
    with scene.lab():
        for node in scene.NODES:
            for name, text in (("plain", SCRIPT), ("either", SCRIPT), ("odd", ODD)):
                xblab.run(node, "mkdir", "-p", "/etc/init.d")
                xblab.run(node, "tee", f"/etc/init.d/xblab-{name}", text=text)
                xblab.run(node, "chmod", "755", f"/etc/init.d/xblab-{name}")
        cluster.configure("pm01", agents_lab.HEAD + BODY)
        agents_lab.wait_idle()
        for name in ("plain", "either"):
            scene.expect_equal(scene.places("pm01", name), ["pm01"], f"where {name} runs")
            scene.expect(running("pm01", f"xblab-{name}"), f"the process of {name} lives")
            scene.expect(not running("pm02", f"xblab-{name}"), f"{name} runs once")
        for name in ("odd", "absent"):
            scene.expect_equal(scene.places("pm01", name), [], f"where {name} runs")
        failed = scene.status("pm01")["failed_actions"]
        for name in ("odd", "absent"):
            rows = [row for row in failed if row["resource"] == name]
            scene.expect(rows and all(row["rc"] == 5 for row in rows), f"{name} is not installed: {failed}")
        reasons = [row["exit_reason"] for row in failed if row["resource"] == "nowhere"]
        scene.expect(reasons and all("systemd" in reason for reason in reasons), f"why nowhere does not run: {reasons}")

        xblab.run("pm01", "sh", "-c", "kill -9 $(cat /run/xblab-plain.pid)")
        # Its PID says nothing for a moment: a killed process can be signalled until its parent has heard of its end.
        xblab.wait_until("plain was begun again", lambda: begun("xblab-plain") == "x\nx\n", 30)
        agents_lab.wait_idle()
        scene.expect(running("pm01", "xblab-plain"), "its new process lives")
        scene.expect_equal(begun("xblab-plain"), "x\nx\n", "how often it was started")
        scene.expect_equal(scene.fail_count("pm01", "plain", "pm01"), "1", "its fail count")

        cluster.shell("pm01", "node", "standby", "pm01")
        agents_lab.wait_idle()
        scene.expect(not running("pm01", "xblab-plain"), "it was stopped")
        cluster.shell("pm01", "node", "online", "pm01")
        xblab.wait_until("it is back", lambda: running("pm01", "xblab-either"), 30)

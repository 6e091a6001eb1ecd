"""Stopped daemons, busy processors and real-time load fail nothing over and fence nobody."""
import contextlib
import os
import pathlib
import signal
import subprocess
import time

import cluster
import scene
import xblab

QUICK = True
STALLS_MS = (20, 100, 500, 2000, 5000)
HOGS = 8


def daemon_pids(node):
    found = subprocess.run(["ip", "netns", "pids", xblab.PREFIX + node], capture_output=True, text=True,
                           check=True).stdout.split()
    return [int(pid) for pid in found if pathlib.Path(f"/proc/{pid}/comm").read_text().strip() == "xbeatd"]


def stall(node, milliseconds):
    pids = daemon_pids(node)
    scene.expect(pids, f"a daemon runs on {node}")
    try:
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        time.sleep(milliseconds / 1000)
    finally:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


def real_time_burst():
    """One second of SCHED_FIFO on each core; the timeout itself is outside the hog's priority."""
    hogs = [subprocess.Popen(["timeout", "1", "chrt", "-f", "50", "sh", "-c", "while :; do :; done"])
            for _ in range(os.cpu_count())]
    for hog in hogs:
        hog.wait()


def run():
    with scene.lab(scene.web()):
        since = {node: cluster.last_event(node) for node in scene.NODES}

        for node in scene.NODES:
            for milliseconds in STALLS_MS:
                stall(node, milliseconds)
        for _ in range(5):
            real_time_burst()
        busy = [subprocess.Popen(["timeout", "10", "sh", "-c", "while :; do :; done"]) for _ in range(HOGS)]
        for process in busy:
            process.wait()

        for node in scene.NODES:
            cluster.wait_settled(node)
            dead = [row for row in cluster.events(node, since[node]) if row["kind"] == "peer-dead"]
            scene.expect_equal(dead, [], f"false verdicts on {node}")
        stalled = [row for row in cluster.events("pm01", since["pm01"]) if row["kind"] == "peer-stalled"]
        scene.expect(stalled, "pm01 noted that pm02's daemon made no progress")
        scene.expect_no_fencing()
        scene.expect_equal(cluster.where(), ["pm01"], "where the address is")

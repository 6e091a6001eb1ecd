"""Stopped daemons, busy processors and real-time load fail nothing over and fence nobody."""
import time

import cluster
import scene
import xblab

QUICK = True
ALONE = True
STALLS_MS = (20, 100, 500, 2000, 5000)
BUSY_S = 10


def stall(node, milliseconds):
    pids = xblab.processes(node, "xbeatd")
    scene.expect(pids, f"a daemon runs on {node}")
    with xblab.stopped(pids):
        time.sleep(milliseconds / 1000)  # the disturbance itself, not a wait


def run():
    with scene.lab(scene.web()):
        since = {node: cluster.last_event(node) for node in scene.NODES}

        for node in scene.NODES:
            for milliseconds in STALLS_MS:
                stall(node, milliseconds)
        for _ in range(5):
            xblab.real_time_burst()
        xblab.busy(BUSY_S)

        for node in scene.NODES:
            cluster.wait_settled(node)
            dead = [row for row in cluster.events(node, since[node]) if row["kind"] == "peer-dead"]
            scene.expect_equal(dead, [], f"false verdicts on {node}")
        stalled = [row for row in cluster.events("pm01", since["pm01"]) if row["kind"] == "peer-stalled"]
        scene.expect(stalled, "pm01 noted that pm02's daemon made no progress")
        scene.expect_no_fencing()
        scene.expect_equal(cluster.where(), ["pm01"], "where the address is")

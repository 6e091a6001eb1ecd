"""A node whose daemon hung for too long is replaced; its new daemon gets no lease before the old address is gone."""
import os
import signal

import cluster
import scene
import xblab


def run():
    with scene.lab(scene.web(fencing=False), "--arbiter", "witness"):
        probe = xblab.Probe("http")
        probe.wait_served()
        scene.wait_served_by("pm01")

        daemon, = xblab.processes("pm01", "xbeatd")
        os.kill(daemon, signal.SIGSTOP)
        probe.wait_for(lambda item: item["event"] == "outage" and item.get("server") == "pm02",
                       "served by pm02", 60)
        scene.expect(xblab.has_address("pm01"), "nothing has taken the address from pm01 yet")
        os.kill(daemon, signal.SIGKILL)  # and it is started again
        xblab.wait_until("pm01 is a member that runs nothing",
                         lambda: scene.node_row("pm02", "pm01")["online"] and not xblab.has_address("pm01"), 60)
        cluster.wait_settled("pm02")
        total = probe.stop()

        scene.expect_equal([row["name"] for row in total["servers"]], ["pm01", "pm02"], "who answered, in order")
        scene.expect_equal(cluster.where(), ["pm02"], "where the address is")
        xblab.wait_until("pm01 is granted a lease again",
                         lambda: cluster.status("pm01")["lease"]["gate"]["is_open"], 30)
        scene.expect_no_fencing()

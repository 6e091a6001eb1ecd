"""A cut-off node whose daemon hangs for good stops its services all the same, in order; the next daemon finds none of them."""
import os
import pathlib
import signal

import cluster
import scene
import xblab


def state_of(pid):
    return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]


def run():
    with scene.lab(scene.web(fencing=False), "--arbiter", "witness"):
        probe = xblab.Probe("http")
        probe.wait_served()
        scene.wait_served_by("pm01")
        # The last will follows what runs within seconds; its socket is there from the first one on.
        xblab.wait_until("pm01's executor was left a last will",
                         lambda: xblab.run("pm01", "test", "-S", "/run/xbeat/last-will", check=False).returncode == 0)
        servers = xblab.processes("pm01", "nginx")
        scene.expect(servers, "nginx runs on pm01")
        daemon, = xblab.processes("pm01", "xbeatd")

        os.kill(daemon, signal.SIGSTOP)
        for link in ("svc", "ic0", "ic1"):
            xblab.inject("cut", "pm01", link)
        probe.wait_for(lambda item: item["event"] == "outage" and item.get("server") == "pm02", "served by pm02", 60)
        xblab.wait_until("nothing of the group runs on pm01",
                         lambda: not xblab.processes("pm01", "nginx") and not xblab.has_address("pm01"), 60)
        scene.expect_equal(state_of(daemon), "T", "pm01's daemon, which has done nothing of it")
        scene.expect_equal(xblab.machine_state("pm01"), "running", "pm01, which nothing has reset")
        log = xblab.lab("log", "pm01")
        stopped = [line for line in log.splitlines() if "kind=last-will-ended" in line]
        scene.expect_equal(len(stopped), 1, f"times that the will was carried out: {stopped}")
        scene.expect(stopped[0].index("httpd") < stopped[0].index("address"), f"the order in {stopped[0]}")

        for link in ("svc", "ic0", "ic1"):
            xblab.inject("mend", "pm01", link)
        os.kill(daemon, signal.SIGCONT)  # it finds itself overtaken and ends; init starts the next one
        xblab.wait_until("another daemon runs on pm01",
                         lambda: daemon not in xblab.processes("pm01", "xbeatd") and cluster.answers("pm01"), 60)
        scene.wait_event("pm01", "last-will-carried-out", 0, 60)
        xblab.wait_until("pm01 is a member again", lambda: scene.node_row("pm02", "pm01")["online"], 60)
        cluster.wait_settled("pm02")
        total = probe.stop()

        scene.expect_equal(cluster.where(), ["pm02"], "where the address is")
        for name in scene.GROUP:
            scene.expect_equal(scene.places("pm01", name), ["pm02"], f"where {name} runs, asked on pm01")
        scene.expect_equal([row["name"] for row in total["servers"]], ["pm01", "pm02"], "who answered, in order")
        scene.expect_no_fencing()

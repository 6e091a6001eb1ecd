"""A node that stood still, was replaced without fencing and goes on again emits nothing from the managed address."""
import json
import subprocess
import sys

import cluster
import scene
import xblab

# Runs in the switch's namespace: every frame that leaves pm01's service NIC in the address's name.
WATCH = r"""
import json, select, socket, sys, time
port, address = sys.argv[1], socket.inet_aton(sys.argv[2])
tap = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
tap.bind((port, 0))
print("ready", flush=True)
while True:
    ready, _, _ = select.select([tap, sys.stdin], [], [])
    if sys.stdin in ready:
        break
    frame, where = tap.recvfrom(65535)
    if where[2] == 4:  # outgoing: towards the node
        continue
    kind = frame[12:14]
    source = frame[26:30] if kind == b"\x08\x00" else frame[28:32] if kind == b"\x08\x06" else b""
    if source == address:
        print(json.dumps({"at_ns": time.clock_gettime_ns(time.CLOCK_BOOTTIME), "type": kind.hex()}), flush=True)
"""


class Watch:
    """What a node's service NIC says in the name of the address, seen from the switch's port."""

    def __init__(self, node):
        self._process = subprocess.Popen(
            ["ip", "netns", "exec", xblab.PREFIX + "sw", sys.executable, "-c", WATCH, f"{node}.svc",
             xblab.SERVICE_ADDRESS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        scene.expect_equal(self._process.stdout.readline().strip(), "ready", "the watch on the switch")

    def stop(self):
        out, _ = self._process.communicate("end\n", timeout=30)
        return [json.loads(line)["at_ns"] for line in out.splitlines()]


def run():
    with scene.lab(scene.web(fencing=False), "--arbiter", "witness"):
        probe = xblab.Probe("http")
        probe.wait_served()
        watch = Watch("pm01")
        try:
            xblab.inject("freeze", "pm01")
            probe.wait_for(lambda event: event["event"] == "outage" and event.get("server") == "pm02",
                           "served by pm02", 60)
            replaced_ns = xblab.now_ns()
            xblab.inject("thaw", "pm01")
            thawed_ns = xblab.now_ns()
            # It finds that it was replaced, stops everything, and comes back with nothing.
            xblab.wait_until("pm01 is a member again with nothing on it",
                             lambda: scene.node_row("pm02", "pm01")["online"] and not xblab.has_address("pm01"), 60)
        finally:
            said = watch.stop()
        total = probe.stop()

        scene.expect(any(at < replaced_ns for at in said), "the watch saw pm01 serve before")
        late = [at for at in said if at >= replaced_ns]
        scene.expect_equal(late, [], f"frames of pm01 in the address's name after {replaced_ns} (thawed {thawed_ns})")
        scene.expect_equal(cluster.where(), ["pm02"], "where the address is")
        scene.expect_equal([row["name"] for row in total["servers"]], ["pm01", "pm02"], "who answered")
        scene.expect_no_fencing()

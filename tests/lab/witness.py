"""A pair whose tie is broken by a witness: its configuration, and what stands between the two and the witness."""
import contextlib
import json
import re
import subprocess

import cluster
import scene
import xblab

ADDRESS = "10.77.0.101"
PORT = 7456

# Stands at the witness's port and passes datagrams on to the real one. argv: own port, the witness's, what it does.
RELAY = r"""
import collections, random, select, socket, sys, time
port, real, how = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
front = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
front.bind(("10.77.0.101", port))
back = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
back.connect(("127.0.0.1", real))
asked, recorded, waiting = {}, collections.deque(maxlen=200), []
while True:
    pause = max(0.0, waiting[0][0] - time.monotonic()) if waiting else 1.0
    ready, _, _ = select.select([front, back], [], [], pause)
    now = time.monotonic()
    if front in ready:
        data, sender = front.recvfrom(2048)
        asked[data[24:40]] = sender
        recorded.append((data, sender))
        try:
            back.send(data)
            if how == "twice":
                back.send(data)
            if how == "replay":
                for old, _ in random.sample(list(recorded), min(5, len(recorded))):
                    back.send(old)
        except ConnectionRefusedError:
            pass
    if back in ready:
        try:
            data = back.recv(2048)
        except ConnectionRefusedError:
            continue
        sender = asked.get(data[24:40])
        if sender:
            delay = 2.0 if how == "late" else 0.0
            waiting.append((now + delay, data, sender))
            if how == "twice":
                waiting.append((now + delay + 0.05, data, sender))
            if how == "replay":
                waiting.append((now + 0.3, data, sender))
            waiting.sort(key=lambda row: row[0])
    while waiting and waiting[0][0] <= time.monotonic():
        _, data, sender = waiting.pop(0)
        front.sendto(data, sender)
"""


def fast():
    """docs/examples/fast.crm without its fence devices: the built-in agents, and the witness alone to prove anything."""
    text = (xblab.ROOT / "docs/examples/fast.crm").read_text()
    text = re.sub(r"primitive fence-pm0\d .*\n( .*\n)*", "", text)
    text = re.sub(r"location fence-.*\n", "", text)
    return text.replace("stonith-enabled=true", "stonith-enabled=false").replace("on-fail=fence", "on-fail=block")


def status(node="pm01", check=True):
    """What `xbeat witness status --json` says, or {} if nothing answers and that is no failure."""
    done = cluster.shell(node, "witness", "status", "--json", check=check)
    return json.loads(done.stdout) if done.returncode == 0 else {}


def wait_ready(node="pm01", limit_s=40):
    """Until the witness grants: after its start it waits the longest lease out."""
    xblab.wait_until("the witness grants", lambda: status(node, check=False).get("starting") is False, limit_s)


@contextlib.contextmanager
def pair(*options):
    """A pair with the fast configuration and a witness that grants; the service is an echo server."""
    with scene.lab(fast(), "--arbiter", "witness", *options):
        wait_ready()
        yield


def stop():
    xblab.ask("daemon", "witness", "stop")


def start():
    xblab.ask("daemon", "witness", "start")


@contextlib.contextmanager
def relay(how):
    """The real witness behind a relay that answers late, twice, or replays what it recorded."""
    stop()
    xblab.wait_until("the witness has ended", lambda: not xblab.processes("witness", "xbeat-witness"))
    started = [xblab.start("witness", "/usr/sbin/xbeat-witness", "--port", PORT + 1, stderr=subprocess.DEVNULL),
               xblab.start("witness", "/usr/bin/python3", "-c", RELAY, PORT, PORT + 1, how)]
    try:
        yield
    finally:
        for process in started:
            process.terminate()
            process.wait(10)


def crash_and_wait(node, probe, limit_s=60):
    """Crashes the serving node; the outage that its peer ended, in milliseconds."""
    at_ns = xblab.inject("crash", node)
    outage = probe.wait_outage(at_ns, limit_s, server=cluster.other(node))
    return (outage["to_ns"] - outage["from_ns"]) / 1e6


def expect_nothing_lost(probe, total, node="pm01"):
    """Not one request; if some were, what the gate and the client saw."""
    if total["lost"]:
        gate = cluster.status(node).get("lease", {}).get("gate")
        raise AssertionError(f"{total['lost']} requests lost: gate of {node}: {gate}; outages {probe.outages()}; {total}")


def expect_one_server(total, allowed):
    scene.expect_equal(sorted(row["name"] for row in total["servers"]), sorted(allowed), "who answered")

"""Rubbish and forged requests end in the witness's kernel program, counted by reason, and a crash beside them is taken over."""
import json
import os
import re
import signal
import subprocess

import scene
import witness
import xblab

# argv: the witness's address and port. A third each of no request at all, an unknown cluster's, and a known one's with a wrong tag.
FLOOD = r"""
import os, socket, sys, time
line = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
line.connect((sys.argv[1], int(sys.argv[2])))
known = bytes.fromhex(sys.argv[3])[::-1]
print("ready", flush=True)
end = time.monotonic() + 30
while time.monotonic() < end:
    for _ in range(30):
        for datagram in (os.urandom(96), b"xrWQ" + bytes(4) + os.urandom(88), b"xrWQ" + bytes(4) + known + os.urandom(80)):
            try:
                line.send(datagram)
            except OSError:
                pass
    time.sleep(0.001)
"""


def counters():
    """The newest counters that the witness logged, after it was asked for them."""
    log = xblab.DIRECTORY / "witness/log/xbeatd.log"
    before = log.read_text().count("kind=counters")
    for pid in xblab.processes("witness", "xbeat-witness"):
        os.kill(pid, signal.SIGUSR1)
    xblab.wait_until("the witness logs its counters", lambda: log.read_text().count("kind=counters") > before)
    line = [line for line in log.read_text().splitlines() if "kind=counters" in line][-1]
    return {name: value.strip('"') for name, value in re.findall(r'(\w+)=("[^"]*"|\S+)', line)}


def run():
    with witness.pair():
        mode = counters().get("mode", "")
        if "native" not in mode and "generic" not in mode:
            raise scene.Skip(f"no fast path here: {mode or 'plain sockets'}")
        keys = xblab.run("witness", "cat", "/etc/xbeat/witness.keys").stdout.split()
        probe = xblab.Probe("udp")
        probe.wait_served()
        flood = xblab.start("client", "/usr/bin/python3", "-c", FLOOD, witness.ADDRESS, witness.PORT, keys[1],
                            stdout=subprocess.PIPE, text=True)
        try:
            scene.expect_equal(flood.stdout.readline().strip(), "ready", "the flood")
            xblab.wait_until("the flood arrives", lambda: int(counters()["xdp_wrong_tag"]) > 1000)
            witness.crash_and_wait("pm01", probe)
            scene.wait_served_by("pm02")
        finally:
            flood.terminate()
            flood.wait(10)
        seen = counters()
        for reason in ("malformed", "unknown_cluster", "wrong_tag"):
            scene.expect(int(seen[f"xdp_{reason}"]) > 1000, f"dropped in the kernel as {reason}: {seen}")
            scene.expect_equal(seen[reason], "0", f"what reached the socket as {reason}")
        told = xblab.run("witness", "xbeat", "witness", "status").stdout
        scene.expect("xdp: " in told and "with a wrong tag" in told, f"xbeat witness status on its host: {told}")
        own = json.loads(xblab.run("witness", "xbeat", "witness", "status", "--json").stdout)["own"]
        scene.expect(own["xdp_wrong_tag"] >= int(seen["xdp_wrong_tag"]) and own["clusters"] == 1, f"the same as JSON: {own}")
        witness.expect_one_server(probe.stop(), ["pm01", "pm02"])
        scene.expect("datagram-dropped" not in (xblab.DIRECTORY / "witness/log/xbeatd.log").read_text(),
                     "nothing of it reached the socket")

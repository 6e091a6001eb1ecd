"""A daemon records its manager's run through a failover; replayed elsewhere every output is the same, and it stops where asked."""
import base64
import json
import pathlib
import subprocess
import tempfile
from xml.etree import ElementTree

import agents_lab
import cluster
import scene
import xblab

RECORDING = "/var/lib/xbeat/recording.0"
# Two interconnects and fencing, so that there is a verdict, a proof and a plan in it.
SECRET = "hush-hush"
BODY = f"""primitive d ocf:pacemaker:Dummy params passwd={SECRET} op monitor interval=1s timeout=20s
location d-first d 10: pm01
"""


def replay(file, *words):
    """On this machine, outside of the lab: no daemon, no node, another place."""
    return subprocess.run([xblab.BUILD / "xbeat", "replay", file, *words], capture_output=True, text=True, timeout=120, check=False)


def run():
    with scene.lab(), tempfile.TemporaryDirectory() as folder:
        scene.change_toml(lambda text: text + "\n[recording]\nmegabytes = 64\n")
        cluster.configure("pm01", scene.pair(BODY, fencing=True))
        agents_lab.wait_idle()
        xblab.run("pm01", "rm", "-f", "/run/Dummy-d.state")
        xblab.wait_until("the failure was seen", lambda: scene.fail_count("pm01", "d", "pm01") != "0", 30)
        agents_lab.wait_idle("pm02")
        xblab.inject("crash", "pm01")
        xblab.wait_until("d runs on pm02", lambda: scene.places("pm02", "d") == ["pm02"], 60)
        cluster.wait_settled("pm02")
        mode = xblab.run("pm02", "stat", "-c", "%a %U", RECORDING).stdout.strip()
        scene.expect_equal(mode, "600 root", "who may read it")
        cluster.leave("pm02")  # so that the file is whole
        packed = xblab.run("pm02", "base64", "-w0", RECORDING).stdout
        whole = base64.b64decode(packed)
        file = pathlib.Path(folder) / "recording"
        file.write_bytes(whole)

        done = replay(file)
        scene.expect_equal(done.returncode, 0, f"exit code of the replay: {done.stderr}")
        scene.expect("events replayed, every output as recorded" in done.stdout, f"what it says: {done.stdout[-300:]}")
        scene.expect(SECRET not in done.stdout, "no secret is shown")
        stopped = replay(file, "--until", "peer-dead")
        scene.expect_equal(stopped.returncode, 0, f"exit code with --until: {stopped.stderr}")
        scene.expect("peer pm01: dead, member" in stopped.stdout or "peer pm01: dead" in stopped.stdout,
                     f"what was known at the verdict: {stopped.stdout[-500:]}")
        scene.expect("fence-requested" not in stopped.stdout.split("peer-dead")[0], "nothing was shot before the verdict")
        number = stopped.stdout.split("state after event ")[1].split(":")[0]
        document = json.loads(replay(file, "--until", "peer-dead", "--json").stdout)
        peers = {row["name"]: row["state"] for row in document["state"]["peers"]}
        scene.expect_equal((document["is_same"], document["events"], peers), (True, int(number), {"pm01": "dead"}), "as JSON")
        tree = ElementTree.fromstring(replay(file, "--until", "peer-dead", "--xml").stdout)
        scene.expect("peer-dead" in ElementTree.tostring(tree, encoding="unicode"), "as XML")
        scene.expect_equal(replay(file, "--until", number).stdout, stopped.stdout, "the same stop, by its number")
        scene.expect_equal(replay(file, "--until", "no-such-event").returncode, 105, "exit code of an event that never came")

        middle = len(whole) // 2  # may be in a frame's length: then it seems to be cut
        damaged = whole[:middle] + bytes([whole[middle] ^ 0x80]) + whole[middle + 1:]
        for text, words in ((whole[:-3], "is cut"), (damaged, "damaged"),
                            (b"<cib/>", "no recording"), (b"", "no recording")):
            file.write_bytes(text)
            done = replay(file, "--quiet")
            scene.expect(done.returncode not in (0, 1) and words in done.stderr, f"{words}: {done.returncode} {done.stderr}")
        print(f"  {number} events until the verdict, {len(whole)} bytes")

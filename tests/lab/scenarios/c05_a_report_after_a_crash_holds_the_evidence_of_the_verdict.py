"""A report made after a crash holds the heart as it stood at the verdict, with stamps that agree with the crash."""
import io
import json
import tarfile
import time

import cluster
import scene
import xblab

SECOND = 1_000_000_000
PM01 = 1  # its id


def verdicts_in(report):
    """What the report's heart.json has of the flight recorder, oldest first."""
    with tarfile.open(fileobj=io.BytesIO(report)) as archive:
        member = next(one for one in archive.getmembers() if one.name.endswith("/heart.json"))
        return json.load(archive.extractfile(member))["verdicts"]


def run():
    with scene.lab(scene.web()):
        scene.wait_served_by("pm01")
        before_s = int(time.time())
        crashed_ns = xblab.inject("crash", "pm01")
        scene.wait_served_by("pm02")

        cluster.shell("pm02", "report", "/var/lib/report.tar.gz")
        # All nodes of a lab have one clock, so stamps of this node may be compared with the crash.
        looked_ns = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        verdicts = verdicts_in((xblab.DIRECTORY / "pm02/lib/report.tar.gz").read_bytes())
        dead = [row for row in verdicts if row["state"] == "dead" and row["judged_at_ns"] > crashed_ns]
        scene.expect_equal([row["peer"] for row in dead], [PM01], f"who was judged dead: {verdicts}")
        verdict = dead[0]
        scene.expect(crashed_ns < verdict["judged_at_ns"] < looked_ns, f"when it was judged: {verdict['judged_at_ns']}")
        scene.expect(verdict["judged_at_ns"] - crashed_ns < SECOND, "within a second of the crash")
        # An answer may have been under way when the cables were cut.
        for stamp in ("last_answer_ns", "last_heard_ns"):
            scene.expect(crashed_ns - SECOND < verdict[stamp] < verdict["judged_at_ns"], f"{stamp}: {verdict[stamp]}")
        scene.expect(before_s <= verdict["time_s"] <= int(time.time()), f"calendar time: {verdict['time_s']}")
        scene.expect(verdict["unanswered"] > 0, f"probes without an answer: {verdict['unanswered']}")

        heart = verdict["heart"]
        peer = next(row for row in heart["peers"] if row["id"] == PM01)
        scene.expect(peer["paths"], "the paths as they stood then")
        for path in peer["paths"]:
            scene.expect(path["sent"] > path["answered"] > 0, f"path {path['name']}: {path['sent']} sent, {path['answered']} answered")
            scene.expect(path["histogram"], f"round trips of {path['name']}")
        stamps = [row["judged_at_ns"] for row in verdicts]
        scene.expect_equal(stamps, sorted(stamps), "oldest first")

"""Under a real journald each note is found by its MESSAGE_ID, with its fields: journalctl tells of a crash without a word of the sentence."""
import contextlib
import json
import os
import re

import cluster
import scene
import xblab

JOURNALD = "/lib/systemd/systemd-journald"
# As systemd starts a service: standard error is a stream of journald, and the environment says so.
UNDER_JOURNALD = """
import os, socket, sys
stream = socket.socket(socket.AF_UNIX)
stream.connect("/run/systemd/journal/stdout")
stream.sendall(b"xbeatd\\nxbeatd.service\\n6\\n1\\n0\\n0\\n0\\n")
about = os.fstat(stream.fileno())
os.environ["JOURNAL_STREAM"] = f"{about.st_dev}:{about.st_ino}"
os.dup2(stream.fileno(), 2)
os.dup2(stream.fileno(), 1)
os.execvp(sys.argv[1], sys.argv[1:])
"""


def message_id(kind):
    """The one that docs/journal.md promises."""
    table = (xblab.ROOT / "docs/journal.md").read_text(encoding="utf-8")
    return re.search(rf"^\| `{kind}` .*`([0-9a-f]{{32}})` \|$", table, re.MULTILINE)[1]


def entries(kind):
    """What journalctl has of this kind on pm02, oldest first."""
    done = xblab.run("pm02", "journalctl", "-D", "/run/log/journal", "-o", "json", f"MESSAGE_ID={message_id(kind)}",
                     check=False)
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


@contextlib.contextmanager
def under_journald():
    """pm02's daemon ends, and runs again as a service of a journald of the node's own."""
    cluster.leave("pm02")
    xblab.run("pm02", "mkdir", "-p", "/run/systemd/journal", "/run/log")
    with open(os.devnull, "w", encoding="ascii") as nowhere:
        started = [xblab.start("pm02", JOURNALD, stdout=nowhere, stderr=nowhere)]
        try:
            xblab.wait_until("journald listens", lambda: xblab.run(
                "pm02", "test", "-S", "/run/systemd/journal/stdout", check=False).returncode == 0)
            started.append(xblab.start("pm02", "python3", "-c", UNDER_JOURNALD, "xbeatd", stdout=nowhere, stderr=nowhere))
            cluster.wait_joined()
            yield
        finally:
            for process in reversed(started):
                process.terminate()
                process.wait(timeout=60)


def run():
    if not os.path.exists(JOURNALD):
        raise scene.Skip("systemd-journald is not installed")
    with scene.lab(scene.web()), under_journald():
        xblab.wait_until("the start is in the journal", lambda: entries("daemon-started"))
        scene.expect_equal(entries("peer-dead"), [], "verdicts before the crash")
        xblab.inject("crash", "pm01")
        xblab.wait_until("the verdict is in the journal", lambda: entries("peer-dead"))

        entry = entries("peer-dead")[0]
        for field, value in (("PRIORITY", "3"), ("XBEAT_KIND", "peer-dead"), ("XBEAT_NODE", "pm01"),
                             ("SYSLOG_IDENTIFIER", "xbeatd")):
            scene.expect_equal(entry.get(field), value, f"{field} of {entry}")
        scene.expect("pm01" in entry["MESSAGE"], f"the sentence: {entry['MESSAGE']}")
        evidence = [field for field in entry if field.startswith("XBEAT_") and field not in ("XBEAT_KIND", "XBEAT_NODE")]
        scene.expect(evidence, f"the evidence has fields: {sorted(entry)}")

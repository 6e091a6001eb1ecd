"""`xbeat report` collects both nodes' configuration, state and events of a time range in one archive, without secrets."""
import io
import tarfile

import cluster
import scene
import xblab

SECRET = "correct-horse-battery"

# In place of ssh, of which there is none in the lab: what the other node's report was.
SSH = """#!/bin/sh
echo "$@" >/run/xblab/ssh-words
exec cat /run/xblab/other-report
"""


def unpacked(data):
    """File name (without the leading folder) -> bytes."""
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        return {member.name.split("/", 1)[-1]: archive.extractfile(member).read()
                for member in archive.getmembers() if member.isfile()}


def fetch(node, path):
    return (xblab.DIRECTORY / node / "lib" / path).read_bytes()


def run():
    with scene.lab(scene.web().replace("pcmk_host_list=pm01", f"pcmk_host_list=pm01 passwd={SECRET}")):
        xblab.inject("kill", "pm01", "nginx")
        scene.wait_served_by("pm02")

        cluster.shell("pm02", "report", "/var/lib/report.tar.gz")
        xblab.run("pm01", "mkdir", "-p", "/var/lib/bin")
        xblab.run("pm01", "tee", "/var/lib/bin/ssh", text=SSH)
        xblab.run("pm01", "chmod", "755", "/var/lib/bin/ssh")
        (xblab.DIRECTORY / "pm01/lib/other-report").write_bytes(fetch("pm02", "report.tar.gz"))
        xblab.run("pm01", "cp", "/var/lib/other-report", "/run/xblab/other-report")
        xblab.run("pm01", "env", "PATH=/var/lib/bin:" + xblab.NODE_ENVIRONMENT["PATH"], "xbeat", "report",
                  "/var/lib/report.tar.gz", "--since", "1h", "--ssh", "pm02")

        mode = xblab.run("pm01", "stat", "-c", "%a", "/var/lib/report.tar.gz").stdout.strip()
        scene.expect_equal(mode, "600", "the report's mode")
        files = unpacked(fetch("pm01", "report.tar.gz"))
        inner = {name: data for name, data in files.items() if name.endswith(".tar.gz")}
        scene.expect(inner, f"pm02's report is in it: {sorted(files)}")
        parts = [files, *[unpacked(data) for data in inner.values()]]
        key = (xblab.DIRECTORY / "pm01/etc/xbeat/keys/cluster.key").read_bytes()
        texts = [b"\n".join(data for name, data in part.items() if not name.endswith(".tar.gz")) for part in parts]
        # Who plans tells the story, so one of the two has it.
        scene.expect(any(b"failover-started" in text for text in texts), "the story of the failover")
        for part, text in zip(parts, texts):
            for word in (b"primitive httpd", b"fail-count", b"key_file"):
                scene.expect(word in text, f"{word} is in a report of {sorted(part)}")
            scene.expect(SECRET.encode() not in text, "a secret parameter is not in it")
            scene.expect(key not in text and key.hex().encode() not in text, "nor the key")

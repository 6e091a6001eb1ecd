"""A hung daemon, a stranger, a second operator, a closed pipe and far too many words: each is told in one sentence with its own exit code."""
import os
import pathlib
import subprocess
import tempfile

import cluster
import scene
import xblab

TIMED_OUT, DENIED, OUTDATED, USAGE = 124, 77, 103, 64
MEGABYTES = 10


def one_line(done):
    scene.expect_equal(done.stdout, "", "what was printed beside the error")
    scene.expect_equal(len(done.stderr.splitlines()), 1, f"lines of the error: {done.stderr!r}")
    return done.stderr


def hung_daemon():
    """Alone: a peer fences a node whose daemon hangs for as long as this takes."""
    cluster.leave("pm01")
    pids = xblab.processes("pm02", "xbeatd")
    with xblab.stopped(pids):
        done = xblab.run("pm02", "xbeat", "status", check=False)
        scene.expect_equal(done.returncode, TIMED_OUT, f"exit code beside a stopped daemon: {done.stderr}")
        scene.expect("hangs" in one_line(done), f"the reason: {done.stderr}")
        done = xblab.run("pm02", "xbeat", "node", "standby", "pm02", check=False)
        scene.expect_equal(done.returncode, TIMED_OUT, f"exit code of a change: {done.stderr}")
        scene.expect("may still be done" in one_line(done), f"what became of the change: {done.stderr}")


def stranger():
    for words, group in ((("status",), "xbeat"), (("resource", "cleanup"), "xbeat-operator"), (("configure", "property", "a=b"), "xbeat-admin")):
        done = xblab.run("pm01", "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "xbeat", *words, check=False)
        scene.expect_equal(done.returncode, DENIED, f"exit code of {words} as nobody: {done.stderr}")
        scene.expect(f"group {group}" in one_line(done), f"the group that may: {done.stderr}")


def two_operators(folder):
    """The first one's editor is open, or file saved, while the second one changes something else."""
    saved, slow_editor = folder / "saved.crm", folder / "editor"
    xblab.run("pm02", "xbeat", "configure", "save", saved)
    editor = "xbeat configure property stop-orphan-resources=false && sed -i 's/migration-threshold=1/migration-threshold=3/'"
    script = f"#!/bin/sh\n{editor} \"$1\"\n"
    slow_editor.write_text(script)
    slow_editor.chmod(0o755)
    done = xblab.run("pm01", "env", f"EDITOR={slow_editor}", "xbeat", "configure", "edit", "--yes", check=False)
    scene.expect_equal(done.returncode, OUTDATED, f"exit code of the slower operator: {done.stdout}{done.stderr}")
    scene.expect("somebody else changed" in done.stderr and "root on pm01" in done.stderr and "is kept in" in done.stderr, f"what it says: {done.stderr}")
    shown = cluster.shell("pm01", "configure", "show").stdout
    scene.expect("stop-orphan-resources=false" in shown, "the faster operator's change is there")
    scene.expect("migration-threshold=1" in shown, "the slower one's is not")
    for words, code in (((), OUTDATED), (("--force",), 0)):
        done = xblab.run("pm02", "xbeat", "configure", "load", "replace", saved, *words, check=False)
        scene.expect_equal(done.returncode, code, f"exit code of the older file, {words}: {done.stdout}{done.stderr}")
        if code == OUTDATED:
            told = "root on pm01" in done.stderr and "stop-orphan-resources" in done.stderr
            scene.expect(told, f"who changed what: {done.stderr}")
    shown = cluster.shell("pm01", "configure", "show").stdout
    scene.expect("stop-orphan-resources" not in shown, "the older file is in force")


def closed_pipe():
    for words in (("status", "-rfAot"), ("configure", "show"), ("events", "--rows", "1000", "--debug"), ("--help",)):
        reader, writer = os.pipe()
        os.close(reader)
        process = xblab.start("pm01", "xbeat", *words, stdout=writer, stderr=subprocess.PIPE)
        os.close(writer)
        _, noise = process.communicate(timeout=60)
        scene.expect_equal(noise, b"", f"noise of {words} into a closed pipe")
        scene.expect_equal(process.returncode, 0, f"exit code of {words} into a closed pipe")


def far_too_many_words():
    """As many as the kernel lets through in one call, each as long as it may be."""
    words = ["x" * 100_000] * (MEGABYTES * 10)
    try:
        done = xblab.run("pm01", "xbeat", *words, check=False)
    except OSError as error:  # the kernel's own limit, which is a quarter of the stack's
        scene.expect_equal(error.errno, 7, f"why not: {error}")
        done = xblab.run("pm01", "xbeat", *words[:15], check=False)
    scene.expect_equal(done.returncode, USAGE, "exit code of megabytes of words")
    scene.expect(len(done.stderr) < 1000, f"length of the error: {len(done.stderr)}")


def run():
    with scene.lab(scene.web()):
        scene.wait_served_by("pm01")
        stranger()
        with tempfile.TemporaryDirectory() as folder:
            two_operators(pathlib.Path(folder))
        closed_pipe()
        far_too_many_words()
        hung_daemon()
        scene.expect_no_fencing()

"""The lab leaves no namespace, mount, process or cgroup behind, however it ends."""
import pathlib
import signal
import subprocess

import scene
import xblab

QUICK = True
SCRIPT = xblab.ROOT / "scripts/lab"


def expect_nothing():
    shown = subprocess.run([SCRIPT, "status"], capture_output=True, text=True, check=False)
    scene.expect_equal(shown.returncode, 3, f"exit of status ({shown.stdout})")
    mounts = pathlib.Path("/proc/self/mountinfo").read_text()
    scene.expect(str(xblab.DIRECTORY) not in mounts, "no mount is left")
    spaces = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=True).stdout
    scene.expect(xblab.PREFIX not in spaces, f"no namespace is left: {spaces}")
    scene.expect(not xblab.DIRECTORY.exists(), "no folder is left")
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            scene.expect(str(xblab.DIRECTORY).encode() not in words, f"no process is left: {words}")


def run():
    expect_nothing()
    try:
        xblab.lab("up", "--bare")
        xblab.start("pm01", "sleep", "1000")
        xblab.inject("freeze", "pm01")
        again = subprocess.run([SCRIPT, "up", "--bare"], capture_output=True, text=True, check=False)
        scene.expect(again.returncode == 1 and "already" in again.stderr, "a second lab is refused")
        scene.expect_equal(xblab.machine_state("pm02"), "running", "the first lab after that")
    finally:
        xblab.lab("down")
    expect_nothing()
    xblab.lab("down")

    for end in (signal.SIGTERM, signal.SIGKILL):
        script = subprocess.Popen([SCRIPT, "up", "--bare"], stderr=subprocess.DEVNULL)
        xblab.wait_until("the switch has started", lambda: (xblab.DIRECTORY / "admin.sock").exists(), 10, 0.005)
        script.send_signal(end)
        script.wait(30)
        if end == signal.SIGKILL:
            xblab.lab("down")
        expect_nothing()

    broken = subprocess.run([SCRIPT, "up", "--config", "/dev/null", "--profile", "no-such-profile"],
                            capture_output=True, text=True, check=False)
    scene.expect(broken.returncode != 0, "a profile that does not exist is refused")
    expect_nothing()

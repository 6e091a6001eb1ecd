"""A disk whose reads do not come back is found by the deadline, moves the group, and is normal when it answers again."""
import subprocess
import sys

import agents_lab
import cluster
import scene
import xblab

DISK = "/var/lib/xblab-disk"

# A file system of one file, as FUSE's protocol has it. Reads wait while a line "hang" was the last one said.
SERVER = r"""
import ctypes, os, select, struct, sys
path = sys.argv[1]
device = os.open("/dev/fuse", os.O_RDWR)
libc = ctypes.CDLL(None, use_errno=True)
options = f"fd={device},rootmode=100644,user_id=0,group_id=0,allow_other".encode()
if libc.mount(b"xblab", path.encode(), b"fuse", 6, options):
    sys.exit(os.strerror(ctypes.get_errno()))
print("ready", flush=True)
hangs, held = False, []
ATTRIBUTES = struct.pack("=QQQQQQIIIIIIIIII", 1, 8192, 16, 0, 0, 0, 0, 0, 0, 0o100644, 1, 0, 0, 0, 4096, 0)
def answer(unique, body=b"", error=0):
    os.write(device, struct.pack("=IiQ", 16 + len(body), -error, unique) + body)
def read(unique, request):
    offset, size = struct.unpack_from("=QI", request, 48)
    answer(unique, bytes(max(0, min(size, 8192 - offset))))
while True:
    ready, _, _ = select.select([device, sys.stdin], [], [])
    if sys.stdin in ready:
        line = sys.stdin.readline()
        if not line:
            break
        hangs = line.strip() == "hang"
        while held and not hangs:
            read(*held.pop())
        print("done", flush=True)
        continue
    request = os.read(device, 1 << 20)
    _, opcode, unique = struct.unpack_from("=IIQ", request)
    if opcode == 26:  # INIT
        answer(unique, struct.pack("=IIIIHHIIHHI7I", 7, 31, 0, 0, 12, 9, 4096, 1, 0, 0, 0, *[0] * 7))
    elif opcode in (3, 4):  # GETATTR, SETATTR
        answer(unique, struct.pack("=QII", 0, 0, 0) + ATTRIBUTES)
    elif opcode == 14:  # OPEN; past the page cache
        answer(unique, struct.pack("=QII", 1, 1, 0))
    elif opcode == 15 and hangs:  # READ
        held.append((unique, request))
    elif opcode == 15:
        read(unique, request)
    elif opcode in (18, 25):  # RELEASE, FLUSH
        answer(unique)
    elif opcode not in (2, 36, 42):  # FORGET, INTERRUPT, BATCH_FORGET have no answer
        answer(unique, error=38)
"""


class SlowDisk:
    """A file on a node whose reads can be held back."""

    def __init__(self, node):
        xblab.run(node, "touch", DISK)
        self._process = xblab.start(node, sys.executable, "-c", SERVER, DISK, stdin=subprocess.PIPE,
                                    stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        word = self._process.stdout.readline().strip()
        if word != "ready":
            raise scene.Skip(f"no FUSE here: {self._process.stderr.read().strip()}")

    def say(self, word):
        self._process.stdin.write(word + "\n")
        self._process.stdin.flush()
        scene.expect_equal(self._process.stdout.readline().strip(), "done", "the slow disk's answer")

    def end(self):
        self._process.stdin.close()
        self._process.wait(30)


def config():
    return scene.web(stopped=True) + (
        f"primitive disk ocf:xbeat:disk params device={DISK} deadline=500ms op monitor interval=500ms timeout=10s\n"
        "clone disks disk\n"
        "location web-disk web rule -inf: not_defined diskd or diskd eq ERROR\n")


def run():
    with scene.lab():
        disk = SlowDisk("pm01")
        try:
            xblab.run("pm02", "sh", "-c", f"head -c 8192 /dev/zero >{DISK}")
            cluster.configure("pm01", config())
            agents_lab.start_once_probed("web", "diskd", "normal")
            scene.wait_served_by("pm01")
            scene.expect_equal(agents_lab.attribute("pm01", "pm01", "diskd"), "normal", "the disk before")

            disk.say("hang")

            scene.wait_served_by("pm02")
            scene.expect_equal([agents_lab.attribute("pm02", node, "diskd") for node in scene.NODES],
                               ["ERROR", "normal"], "disks of pm01, pm02")
            scene.expect_equal(scene.status("pm02")["failed_actions"], [], "failed actions")
            scene.expect_no_fencing()

            disk.say("go on")
            agents_lab.wait_attribute("pm02", "pm01", "diskd", "normal")
        finally:
            disk.end()

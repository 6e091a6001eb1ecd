"""A split brain without fencing: the standby's start fails because the owner of the disk's lock is alive."""
import pathlib
import subprocess

import cluster
import scene
import xblab


class SharedDisk:
    """A block device that both nodes see."""

    def __enter__(self):
        self._file = xblab.DIRECTORY / "shared-disk"
        with open(self._file, "wb") as file:
            file.truncate(1 << 20)
        done = subprocess.run(["losetup", "-f", "--show", self._file], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise scene.Skip(f"no loop device: {done.stderr.strip()}")
        self.path = done.stdout.strip()
        return self

    def __exit__(self, *what):
        subprocess.run(["losetup", "-d", self.path], check=False)


def agent():
    """sfex where it can run: it insists on /proc/sysrq-trigger."""
    can_run = pathlib.Path("/usr/sbin/sfex_init").exists() and pathlib.Path("/proc/sysrq-trigger").exists()
    return "ocf:heartbeat:sfex" if can_run else "ocf:xblab:DiskLock"


def config(device):
    own = "collision_timeout=1 monitor_interval=1" if agent().endswith("sfex") else ""
    lock = (f"primitive lock {agent()} params device={device} {own} lock_timeout=3 "
            "op start interval=0 timeout=20s op monitor interval=1s timeout=10s "
            "op stop interval=0 timeout=20s on-fail=block\n")
    return scene.web(fencing=False, members=lock + scene.tunable("service", stop_on_fail="block"))


def run():
    with scene.lab():
        scene.change_toml(lambda text: "unsafe_takeover = true\n" + text)
        with SharedDisk() as disk:
            if agent().endswith("sfex"):
                subprocess.run(["sfex_init", disk.path], check=True, capture_output=True)
            cluster.configure("pm01", config(disk.path))
            xblab.wait_until("the group runs on pm01", lambda: scene.places("pm01", "service") == ["pm01"], 60)
            cluster.wait_settled("pm01")
            before = len(scene.calls("pm01"))

            scene.cut_interconnects()

            failed = xblab.wait_until("the lock was refused on pm02", lambda: scene.failed_action(
                "pm02", "lock", "pm02", "start"), 60)
            scene.expect(failed["rc"] == 1 and failed["op_status"] == 0, f"refused, not timed out: {failed}")
            cluster.wait_settled("pm02")
            scene.expect_equal(scene.order_of(scene.calls("pm02"), "start"), [], "starts of the service on pm02")
            cluster.wait_settled("pm01")
            scene.expect_equal(scene.calls_since("pm01", before), [], "what the service on pm01 was asked")
            scene.expect_equal(scene.places("pm01", "lock"), ["pm01"], "where pm01 has the lock")

            # The cables are back: one cluster, and the service has not moved.
            scene.cut_interconnects(verb="mend")
            cluster.wait_joined()
            cluster.wait_settled("pm01")
            for node in scene.NODES:
                scene.expect_equal(scene.places(node, "service"), ["pm01"], f"where it runs, asked on {node}")
            scene.expect_equal(scene.calls_since("pm01", before), [], "what the service on pm01 was asked")
            for node in ("pm02", "pm01"):  # who holds the lock must let go of the disk
                cluster.leave(node)

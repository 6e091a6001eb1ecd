"""Two machines that know nothing become a pair that serves an address, with init, join and few other commands."""
import contextlib
import json
import subprocess

import cluster
import scene
import xblab

QUICK = True
COMMANDS_MAX = 12  # until the address is served


class Operator:
    """Runs commands as a person would, and counts them."""

    def __init__(self):
        self.count = 0

    def run(self, node, *words, **options):
        self.count += 1
        return xblab.run(node, *words, **options)


@contextlib.contextmanager
def daemons(operator):
    started = []
    try:
        for node in cluster.NODES:
            operator.count += 1
            with open("/dev/null", "w", encoding="ascii") as nowhere:
                started.append(xblab.start(node, "xbeatd", stdout=nowhere, stderr=nowhere))
        yield
    finally:
        for process in started:
            process.terminate()
        for process in started:
            process.wait(timeout=60)


def token_of(init):
    """The token that a waiting init has printed: it prints nothing more before somebody joins."""
    for line in init.stdout:
        if "xbeat join" in line:
            return line.split()[-1]
    raise AssertionError("init ended without a token")


INIT = ("xbeat", "init", "--cluster", "five", "--peer", "pm02", "--profile", "vm", "--arbiter", "none",
        "--link", "ic0=10.77.1.2", "--link", "ic1=10.77.2.2")


def token_in(text):
    return next(line.split()[-1] for line in text.splitlines() if "xbeat join" in line)


def join_by_a_script():
    """Without a terminal init returns, and what waits in the background ends with the one that joined."""
    old = token_in(xblab.run("pm01", *INIT).stdout)
    token = token_in(xblab.run("pm01", *INIT, "--force").stdout)
    refused = xblab.run("pm02", "xbeat", "join", old, check=False)
    scene.expect(refused.returncode != 0, f"a token of before --force: {refused.stdout}")
    xblab.run("pm02", "xbeat", "join", token)
    xblab.wait_until("nobody waits in the background", lambda: not xblab.processes("pm01", "xbeat"))
    for node in cluster.NODES:
        xblab.run(node, "rm", "-r", "/etc/xbeat/xbeat.toml", "/etc/xbeat/keys")


def join_with_the_token(operator):
    operator.count += 1
    init = xblab.start("pm01", *INIT, "--foreground", stdout=subprocess.PIPE, text=True)
    try:
        token = token_of(init)
        cut = xblab.run("pm02", "xbeat", "join", token[:-9], check=False)
        scene.expect(cut.returncode != 0 and "cut or mistyped" in cut.stderr, f"half a token: {cut.stderr}")
        xblab.run("pm02", "xbeat", "join", token, "--dry-run")
        operator.run("pm02", "xbeat", "join", token)
        rest = init.communicate(timeout=60)[0]
        scene.expect("pm02 has joined from 10.77.1.2" in rest, f"what init says: {rest}")
        scene.expect_equal(init.returncode, 0, "exit code of init")
    finally:
        init.kill()
        init.wait()
    again = xblab.run("pm02", "xbeat", "--config", "/root/other.toml", "join", token, "--key-file", "/root/other.key",
                      check=False)
    scene.expect(again.returncode != 0 and "used already" in again.stderr, f"a second use: {again.stderr}")


def run():
    operator = Operator()
    with scene.lab(None, "--bare"):
        join_by_a_script()
        join_with_the_token(operator)
        twice = xblab.run("pm01", "xbeat", "init", "--peer", "pm02", "--link", "ic0=10.77.1.2", check=False)
        scene.expect_equal(twice.returncode, 108, "a second init")
        key = xblab.run("pm02", "stat", "-c", "%a", "/etc/xbeat/keys/cluster.key").stdout.strip()
        scene.expect_equal(key, "400", "mode of the key")

        with daemons(operator):
            cluster.wait_joined()
            operator.run("pm01", "xbeat", "configure", "property", "stonith-enabled=false")
            operator.run("pm01", "xbeat", "configure", "primitive", "ip", "ocf:heartbeat:IPaddr2", "params",
                         f"ip={xblab.SERVICE_ADDRESS}", "cidr_netmask=24", "nic=svc", "op", "monitor",
                         "interval=10s", "--wait")
            scene.expect_equal(len(cluster.where()), 1, "nodes that have the address")
            scene.expect(operator.count <= COMMANDS_MAX, f"{operator.count} commands")

            found = json.loads(xblab.run("pm01", "xbeat", "doctor", "--json", check=False).stdout)
            wrong = [row for row in found["findings"] if row["health"] == "FAIL"]
            scene.expect_equal([row["about"] for row in wrong if not row["about"].startswith("other")], [], "doctor")
            health = xblab.run("pm02", "xbeat").stdout
            scene.expect(len(health.splitlines()) <= 10, f"health: {health!r}")

            # The past: undo takes the address away again, and the history says what happened.
            cluster.shell("pm01", "configure", "undo", "--yes", "--wait")
            xblab.wait_until("the address is gone", lambda: cluster.where() == [])
            listed = cluster.shell("pm01", "history", "list").stdout
            scene.expect("transition" in listed and "configuration" in listed, f"history: {listed!r}")

"""The lab and its measuring client, for tests, demo and benchmark.

Everything waits for an event or a state, with a limit; nothing sleeps for a guessed time. Times are
nanoseconds of CLOCK_BOOTTIME, the clock of all of the lab's programs.
"""
import contextlib
import json
import os
import pathlib
import queue
import re
import signal
import subprocess
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("XB_BUILD") or ROOT / "build").resolve()
NAME = os.environ.get("XB_LAB", "")
DIRECTORY = pathlib.Path("/run/xb-lab") / (NAME or "default")
PREFIX = f"xb.{NAME}-" if NAME else "xb-"
SERVICE_ADDRESS = "10.77.0.200"
ECHO_PORT = 7000
NODE_ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
    "LANG": "C.UTF-8",
}


class LabError(Exception):
    """The lab did not do what it was told; the text says what."""


def now_ns():
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


def wait_until(what, question, limit_s=30.0, pause_s=0.02):
    """The first true answer of `question()`. LabError with `what` and the last answer past the limit."""
    end = now_ns() + int(limit_s * 1e9)
    while True:
        answer = question()
        if answer:
            return answer
        if now_ns() > end:
            raise LabError(f"after {limit_s:g} s still not: {what} (last answer: {answer!r})")
        time.sleep(pause_s)


def lab(*words, check=True, limit_s=120):
    """Runs scripts/lab; returns what it printed."""
    done = subprocess.run([ROOT / "scripts/lab", *map(str, words)], capture_output=True, text=True,
                          timeout=limit_s, env={**os.environ, "XB_BUILD": str(BUILD)}, check=False)
    if check and done.returncode != 0:
        raise LabError(f"scripts/lab {' '.join(map(str, words))}: {done.stderr.strip()}")
    return done.stdout


def ask(*words):
    """One request to the power switch, without the script's start-up. Returns its key=value words."""
    done = subprocess.run([BUILD / "lab/xblab-switch", "ask", DIRECTORY / "admin.sock", *map(str, words)],
                          capture_output=True, text=True, timeout=60, check=False)
    if done.returncode != 0:
        raise LabError(f"{' '.join(map(str, words))}: {done.stderr.strip()}")
    return dict(word.split("=", 1) for word in done.stdout.split() if "=" in word)


def inject(verb, *words):
    """A fault; returns when it happened."""
    return int(ask(verb, *words)["at_ns"])


def machine_state(node):
    return ask("states")[node]


def _entry(node):
    pid = (DIRECTORY / node / "init.pid").read_text().strip()
    return ["nsenter", "-t", pid, "--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup"]


def cgroup(node):
    """The node's folder in the cgroup2 tree, or None where there is no such tree."""
    tree = subprocess.run(["findmnt", "-n", "-t", "cgroup2", "-o", "TARGET"], capture_output=True, text=True,
                          check=False).stdout.split()
    path = pathlib.Path(tree[0]) / f"xb-lab-{NAME or 'default'}" / node if tree else None
    return path if path and path.exists() else None


def start(node, *command, **options):
    """Starts a command inside a running node; a Popen."""
    group = cgroup(node)
    procs = group / "cgroup.procs" if group and machine_state(node) == "running" else None

    def join():
        if procs:
            procs.write_text(str(os.getpid()))

    return subprocess.Popen([*_entry(node), *map(str, command)], env=NODE_ENVIRONMENT, preexec_fn=join,
                            **options)


def run(node, *command, check=True, limit_s=60, text=None):
    """Runs a command inside a node; a CompletedProcess with text."""
    done = subprocess.run([*_entry(node), *map(str, command)], env=NODE_ENVIRONMENT, capture_output=True,
                          text=True, timeout=limit_s, input=text, check=False)
    if check and done.returncode != 0:
        raise LabError(f"{node}: {' '.join(map(str, command))}: exit {done.returncode}: "
                       f"{done.stderr.strip() or done.stdout.strip()}")
    return done


def processes(node, pattern):
    """The host's PIDs of the node's processes whose name matches the regular expression whole."""
    found = subprocess.run(["ip", "netns", "pids", PREFIX + node], capture_output=True, text=True, check=True)
    pids = []
    for pid in found.stdout.split():
        with contextlib.suppress(OSError):  # it ended meanwhile
            if re.fullmatch(pattern, pathlib.Path(f"/proc/{pid}/comm").read_text().strip()):
                pids.append(int(pid))
    return pids


@contextlib.contextmanager
def stopped(pids):
    """Processes that are stopped for the length of the block, and continued whatever happens."""
    try:
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        yield
    finally:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


def real_time_burst():
    """One second of SCHED_FIFO on every core. The timeout is outside the hog's priority, or it would never run."""
    hogs = [subprocess.Popen(["timeout", "1", "chrt", "-f", "50", "sh", "-c", "while :; do :; done"])
            for _ in range(os.cpu_count())]
    for hog in hogs:
        hog.wait()


def busy(seconds, count=8):
    """That many ordinary busy processes for that long."""
    hogs = [subprocess.Popen(["timeout", str(seconds), "sh", "-c", "while :; do :; done"]) for _ in range(count)]
    for hog in hogs:
        hog.wait()


def has_address(node, address=SERVICE_ADDRESS):
    """Whether the node's kernel has the address; also of a frozen node, false for one that is off."""
    done = subprocess.run(["ip", "-n", PREFIX + node, "-o", "addr", "show", "to", address],
                          capture_output=True, text=True, check=False)
    return address in done.stdout


class Probe:
    """xblab-probe on the client: one request a millisecond, every one accounted.

    A request that is not answered within `timeout_ms` is lost.
    """

    def __init__(self, kind, address=SERVICE_ADDRESS, port=None, period_us=1000, timeout_ms=100):
        port = port or (80 if kind == "http" else ECHO_PORT)
        self.events = []
        self._news = queue.Queue()
        self._process = start("client", "/usr/sbin/xblab-probe", kind, address, port, "--period-us", period_us,
                              "--timeout-ms", timeout_ms, stdout=subprocess.PIPE, text=True)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self._process.stdout:
            event = json.loads(line)
            event["seen_ns"] = now_ns()
            self._news.put(event)
        self._news.put(None)

    def wait_for(self, wanted, what, limit_s=30.0):
        """The first event, old or new, for which `wanted(event)` holds."""
        end = now_ns() + int(limit_s * 1e9)
        checked = 0
        while True:
            for event in self.events[checked:]:
                if wanted(event):
                    return event
            checked = len(self.events)
            try:
                event = self._news.get(timeout=max(0.001, (end - now_ns()) / 1e9))
            except queue.Empty:
                raise LabError(f"the client did not see within {limit_s:g} s: {what}") from None
            if event is None:
                raise LabError(f"the client ended before: {what}")
            self.events.append(event)

    def wait_served(self, limit_s=60.0):
        return self.wait_for(lambda event: event["event"] == "ready", "the service answers", limit_s)

    def wait_outage(self, since_ns, limit_s=60.0, server=None):
        """The outage that was ended after `since_ns` (by `server`, if named)."""
        return self.wait_for(lambda event: event["event"] == "outage" and event["to_ns"] > since_ns and
                             (server is None or event["server"] == server),
                             f"service again{' from ' + server if server else ''}", limit_s)

    def stop(self):
        """Ends the client; returns its sum. The outages are in .events."""
        # nsenter waits for the client, so the client itself gets the signal.
        subprocess.run(["pkill", "-TERM", "-P", str(self._process.pid)], check=False)
        event = self.wait_for(lambda item: item["event"] == "sum", "its sum", 10)
        self._process.wait(10)
        return event

    def drain(self):
        """Takes in what the client has said by now; returns .events."""
        while True:
            try:
                event = self._news.get_nowait()
            except queue.Empty:
                return self.events
            if event is None:
                raise LabError("the client ended")
            self.events.append(event)

    def answers(self, since_ns=0):
        """The ledger of who answered: [(at_ns, server)], a row for each time that it was another one than before."""
        rows = []
        for event in self.drain():
            if event["event"] in ("ready", "moved"):
                rows.append((event["at_ns"], event["server"]))
            elif event["event"] == "outage" and event["to_ns"]:
                rows.append((event["to_ns"], event["server"]))
        changes = [row for at, row in enumerate(rows) if at == 0 or rows[at - 1][1] != row[1]]
        return [row for row in changes if row[0] >= since_ns]

    def outages(self, since_ns=0, until_ns=None):
        return [event for event in self.events if event["event"] == "outage" and
                (event["to_ns"] == 0 or event["to_ns"] > since_ns) and
                (until_ns is None or event["from_ns"] < until_ns)]

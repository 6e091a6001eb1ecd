#!/usr/bin/env python3
"""How long the command line takes to answer in a cluster of 1 000 resources.

    cli_bench.py --xbeat PROGRAM [--resources N] [--rounds N] [--limit-ms MS] [--tool-limit-ms MS] [--mon-seconds S]

A daemon that answers at once stands on the other side, so that what is measured is the program: its start, the answer's reading,
the scheduler where one is asked for, and the printing. Each row is a whole process; the median of its times on the clock and of its
processor time; of `mon` it is the share of a processor on a terminal while nothing happens. Exit code 1 if a median of processor time passes the limit (50 ms; 5 ms for what
agents ask in each of their monitors): the clock is shown, but a busy machine spoils it.
"""
import argparse
import json
import os
import pathlib
import resource
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from xml.etree import ElementTree

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lab"))
import terminal  # noqa: E402
from schedule_clusters import cluster  # noqa: E402

MON_SHARE_MAX = 0.02

COMMANDS = (
    (), ("status",), ("status", "-rfAot"), ("status", "--json"), ("status", "--xml"), ("mon", "-1"), ("node", "list"),
    ("resource", "list"), ("resource", "list", "--json"), ("resource", "locate", "rsc00500"), ("resource", "constraints", "rsc00500"),
    ("resource", "operations", "rsc00500"), ("resource", "meta", "rsc00500", "show", "priority"), ("attribute", "show"), ("ticket", "list"),
    ("configure", "show"), ("configure", "show", "xml"), ("configure", "show", "rsc00500"), ("configure", "show", "--json"), ("verify",),
    ("why", "rsc00500"), ("simulate",), ("events",), ("timeline",), ("history", "list"), ("metrics",), ("tune",), ("version",),
    ("__complete", "resource", "move", "rsc005"),
)


# What agents ask, under the names of Pacemaker's tools.
TOOLS = (
    ("crm_node", "-n"), ("crm_node", "-l"), ("crm_node", "-p"), ("crm_attribute", "-N", "node01", "-l", "reboot", "-n", "master-db", "-G"),
    ("crm_attribute", "-N", "node01", "-l", "forever", "-n", "a", "-G"), ("crm_attribute", "-t", "crm_config", "-n", "a", "-G"),
    ("attrd_updater", "-Q", "-n", "pingd"), ("crm_master", "-G", "-r", "db"), ("crm_resource", "-W", "-r", "rsc00500"),
    ("crm_resource", "-r", "rsc00500", "-g", "state"), ("crm_failcount", "-G", "-r", "rsc00500"), ("crmadmin", "-D"), ("cibadmin", "-Q", "-o", "nodes"),
)


def part_of(cib, sections, resource):
    """What the daemon would answer: docs/control-protocol.md, `sections` and `resource`."""
    document = ElementTree.fromstring(cib)
    configuration, status = document.find("configuration"), document.find("status")
    for section in [each for each in configuration if each.tag not in sections]:
        configuration.remove(section)
    if resource:
        for section in configuration.findall("resources"):
            for each in [each for each in section if each.get("id") != resource]:
                section.remove(each)
    for state in list(status):
        if "status" in sections:
            for histories in state.iter("lrm_resources") if resource else ():
                for each in [each for each in histories if each.get("id") != resource]:
                    histories.remove(each)
        elif state.tag == "node_state" and "members" in sections:
            state[:] = []
        else:
            status.remove(state)
    return ElementTree.tostring(document, encoding="unicode")


class Daemon(threading.Thread):
    """Answers each line of JSON with what was prepared for its operation."""

    def __init__(self, folder, cib):
        super().__init__(daemon=True)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(folder / "admin.sock"))
        self.listener.listen(16)
        common = {"ok": True, "version": "0.1.0", "cluster": "bench", "node": "node01", "node_id": 1, "now_ns": 5_000_000_000,
                  "time_ms": 1_700_000_000_000, "coordinator": "node01", "activity": "idle", "peers": [], "events": [], "timelines": [],
                  "attributes": [], "entries": [], "message": "done"}
        self.common, self.cib = common, cib
        self.small = json.dumps(common).encode() + b"\n"
        self.parts = {(): self.with_cib(cib)}

    def with_cib(self, cib):
        return json.dumps({**self.common, "cib": cib, "cib_version": "0.1.1"}).encode() + b"\n"

    def answer(self, request):
        if request["op"] not in ("status", "cib"):
            return self.small
        wanted = tuple(request.get(name, "") for name in ("sections", "resource") if name in request)
        if wanted not in self.parts:
            self.parts[wanted] = self.with_cib(part_of(self.cib, request["sections"].split(), request.get("resource")))
        return self.parts[wanted]

    def run(self):
        while True:
            client, _ = self.listener.accept()
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        with client, client.makefile("rb") as lines:
            for line in lines:
                client.sendall(self.answer(json.loads(line)))


def measure(program, words, environment, rounds, name=None):
    clock, processor = [], []
    for _ in range(rounds):
        before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        done = subprocess.run([name or program, *words], executable=program, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment, check=False)
        clock.append((time.monotonic() - began) * 1000)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        processor.append((after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1000)
        if done.returncode not in (0, 78, 105):  # no such value; warnings
            sys.exit(f"xbeat {' '.join(words)}: exit {done.returncode}: {done.stderr.decode()}")
    return statistics.median(clock), statistics.median(processor)


def mon_share(program, environment, seconds):
    """The part of a processor that the live view takes on a real terminal while nothing happens."""
    screen = terminal.Terminal(80, 24)
    process = subprocess.Popen([program, "mon"], stdin=screen.slave, stdout=screen.slave, stderr=screen.slave,
                               env={**environment, "TERM": "vt100"})

    def spent():
        fields = pathlib.Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    screen.feed(3)
    before, began = spent(), time.monotonic()
    while time.monotonic() - began < seconds:
        screen.feed(1)
    share = (spent() - before) / (time.monotonic() - began)
    shown = any("rsc0" in line for line in screen.text())
    screen.press("q")
    screen.feed(1)
    process.wait(timeout=20)
    screen.close()
    if not shown:
        sys.exit("xbeat mon showed no resource")
    return share


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--xbeat", required=True)
    parser.add_argument("--resources", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--limit-ms", type=float, default=50)
    parser.add_argument("--tool-limit-ms", type=float, default=5)
    parser.add_argument("--mon-seconds", type=float, default=20)
    given = parser.parse_args()
    slow = 0
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        Daemon(folder, cluster(nodes=2, primitives=given.resources)).start()
        environment = {**os.environ, "XBEAT_RUN_DIR": name}
        print(f"{given.resources} resources, median of {given.rounds}{'clock':>30}{'processor':>13}")
        for words in COMMANDS:
            clock, processor = measure(given.xbeat, words, environment, given.rounds)
            is_slow = processor > given.limit_ms
            slow += is_slow
            print(f"  xbeat {' '.join(words):<44}{clock:>9.1f} ms{processor:>10.1f} ms{'  TOO SLOW' if is_slow else ''}", flush=True)
        for name, *words in TOOLS:
            clock, processor = measure(given.xbeat, words, environment, given.rounds, name)
            is_slow = processor > given.tool_limit_ms
            slow += is_slow
            print(f"  {' '.join((name, *words)):<50}{clock:>9.1f} ms{processor:>10.1f} ms{'  TOO SLOW' if is_slow else ''}", flush=True)
        share = mon_share(given.xbeat, environment, given.mon_seconds)
        print(f"  xbeat mon: {share * 100:.2f} % of a processor{'  TOO MUCH' if share > MON_SHARE_MAX else ''}")
        slow += share > MON_SHARE_MAX
    print(f"{slow} of {len(COMMANDS) + len(TOOLS) + 1} over the limit ({given.limit_ms:.0f} ms, tools {given.tool_limit_ms:.0f} ms, mon {MON_SHARE_MAX * 100:.0f} %)")
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""The same faults, the same client, side by side: xbeat, keepalived, Pacemaker.

    scripts/bench [--repeats N] [--only TEXT] [--skip-false] [--json FILE]

Every contender runs in the same lab, one after another, and is asked by the same client once a millisecond.
A figure is the median of N trials (at least 7 by default). "outage" is the client's: from the first request
that was not answered to the first that was; "served after" counts from the injection. "false verdicts"
are trials in which a healthy node lost its service or its power because its daemon was stopped for a
while or because both processors were kept busy by real-time load.
"""
import argparse
import contextlib
import datetime
import json
import os
import pathlib
import platform
import shutil
import statistics
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lab"))

import cluster  # noqa: E402
import contenders  # noqa: E402
import xblab  # noqa: E402

STALLS_MS = (20, 50, 200, 700, 2000, 5000)
LOAD_REPEATS = 5
BUSY_S = 60
IDLE_S = 10


class AddressWatch:
    """Records when a node's kernel got the service address."""

    def __init__(self, node):
        self._process = subprocess.Popen(["ip", "-n", xblab.PREFIX + node, "-o", "monitor", "address"],
                                         stdout=subprocess.PIPE, text=True)

    def stop(self):
        """Ends it; true if the address was added meanwhile."""
        self._process.terminate()
        lines = self._process.stdout.read().splitlines()
        self._process.wait(5)
        return any(xblab.SERVICE_ADDRESS in line and "Deleted" not in line for line in lines)


def wait_steady(contender, probe, limit_s=60):
    """One active node, which answers the client now."""
    contender.wait_ready(limit_s)
    active = contender.active()
    begin = xblab.now_ns()

    def is_quiet():
        # A new request every millisecond: none of the last 300 ms is in an outage.
        with contextlib.suppress(xblab.LabError):
            probe.wait_for(lambda event: event["event"] == "never", "", 0.3)
        events = [event for event in probe.events if event["event"] in ("lost", "outage", "ready", "moved")]
        return events[-1]["event"] != "lost" and xblab.now_ns() - begin > 300_000_000
    xblab.wait_until("the service answers without loss", is_quiet, limit_s)
    return active


def trial_crash(contender, probe):
    node = wait_steady(contender, probe)
    at_ns = xblab.inject("crash", node)
    outage = probe.wait_outage(at_ns, 90, server=contenders.other(node))
    fenced = xblab.machine_state(node) == "off"
    row = figures(at_ns, outage, fenced)
    if contender.daemon == "xbeatd":
        verdict = [event for event in cluster.events(contenders.other(node))
                   if event["kind"] == "peer-dead" and event["at_ns"] > at_ns]
        if verdict:
            row["verdict_ms"] = (verdict[0]["at_ns"] - at_ns) / 1e6
    contender.rejoin(node)
    return row


def trial_kill(contender, probe):
    node = wait_steady(contender, probe)
    at_ns = int(xblab.ask("kill", node, contender.service)["at_ns"])
    outage = probe.wait_outage(at_ns, 90)
    row = figures(at_ns, outage, xblab.machine_state(node) != "running")
    contender.wait_ready()
    contender.heal(node)
    return row


def trial_move(contender, probe):
    node = wait_steady(contender, probe)
    at_ns = xblab.now_ns()
    contender.move(node)

    def is_served_elsewhere(event):
        return event.get("server") == contenders.other(node) and event.get("to_ns", event.get("at_ns", 0)) > at_ns
    event = probe.wait_for(is_served_elsewhere, "served by the other node", 90)
    row = (figures(at_ns, event, False) if event["event"] == "outage" else
           {"outage_ms": 0.0, "served_ms": (event["at_ns"] - at_ns) / 1e6, "lost": 0, "fenced": False})
    contender.wait_ready()
    contender.moved(node)
    return row


def figures(at_ns, outage, fenced):
    return {"outage_ms": (outage["to_ns"] - outage["from_ns"]) / 1e6,
            "served_ms": (outage["to_ns"] - at_ns) / 1e6, "lost": outage["lost"], "fenced": fenced,
            "client_gap_ms": outage["own_gap_ns"] / 1e6}


def is_false(contender, probe, disturb):
    """Disturbs a healthy active node; true if its service was taken or a node lost its power."""
    node = wait_steady(contender, probe)
    watch = AddressWatch(contenders.other(node))
    disturb(node)
    time.sleep(contender_patience(contender))  # a verdict that is on its way must have time to show
    taken = watch.stop()
    fenced = [name for name in contenders.NODES if xblab.machine_state(name) != "running"]
    for name in fenced:
        contender.wait_ready()
        contender.rejoin(name)
    contender.wait_ready()
    return bool(taken or fenced)


def contender_patience(contender):
    return 3.0 if isinstance(contender, contenders.Pacemaker) else 1.0


def stop_daemon(contender, milliseconds):
    def disturb(node):
        with xblab.stopped(contender.daemon_pids(node)):
            time.sleep(milliseconds / 1000)
    return disturb


def node_cpu_s():
    """Processor seconds of all processes of both nodes, from their cgroups."""
    total = 0
    for node in contenders.NODES:
        stat = (xblab.cgroup(node) / "cpu.stat").read_text()
        total += int(next(line.split()[1] for line in stat.splitlines() if line.startswith("usage_usec")))
    return total / 1e6


def interrupt_s():
    """Processor seconds that the machine spent in interrupts and soft interrupts, for whomever."""
    fields = [int(word) for word in pathlib.Path("/proc/stat").read_text().splitlines()[0].split()[1:]]
    _user, _nice, _system, _idle, _wait, irq, softirq = fields[:7]
    return (irq + softirq) / os.sysconf("SC_CLK_TCK")


def idle_cost(contender):
    """What a node costs while nothing happens: percent of a core, and the software's memory."""
    time.sleep(2)  # the start's own work is not idle
    processes, interrupts = node_cpu_s(), interrupt_s()
    time.sleep(IDLE_S)
    processes, interrupts = node_cpu_s() - processes, interrupt_s() - interrupts
    rss = 0
    for pid in contender.load_pids(contender.active()):
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
        rss += int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS"))) * 1024
    nodes = len(contenders.NODES)
    return {"process_percent": 100 * processes / IDLE_S / nodes,
            "interrupt_percent": 100 * interrupts / IDLE_S / nodes, "rss_bytes": rss}


class Bench:
    """One contender in the lab with its client; brought up anew when a trial went astray."""

    def __init__(self, contender):
        self.contender = contender
        self.probe = None

    def up(self):
        print(f"{self.contender.name}: up", file=sys.stderr, flush=True)
        self.contender.up()
        self.probe = xblab.Probe(self.contender.probe)
        self.probe.wait_served()

    def again(self):
        xblab.lab("down")
        self.up()

    def attempt(self, name, trial):
        """One trial's row. A contender that never serves again is noted as such and starts afresh."""
        try:
            row = trial(self.contender, self.probe)
        except xblab.LabError as error:
            row = {"error": str(error)}
            self.again()
        print(f"  {name}: {row}", file=sys.stderr, flush=True)
        return row


def false_verdicts(bench):
    disturbances = {f"daemon stopped {ms} ms": stop_daemon(bench.contender, ms) for ms in STALLS_MS}
    for number in range(LOAD_REPEATS):
        disturbances[f"real-time load {number + 1}"] = lambda _node: xblab.real_time_burst()
    disturbances["8 busy processes"] = lambda _node: xblab.busy(BUSY_S)
    rows = {}
    for name, disturb in disturbances.items():
        row = bench.attempt(name, lambda contender, probe, disturb=disturb: {
            "false": is_false(contender, probe, disturb)})
        rows[name] = row.get("false", True)  # who does not find its way back was wrong as well
    return rows


def measure(contender, options):
    result = {"name": contender.name}
    bench = Bench(contender)
    try:
        bench.up()
        result["idle"] = idle_cost(contender)
        for name, trial in (("crash", trial_crash), ("kill", trial_kill), ("move", trial_move)):
            result[name] = summary([bench.attempt(name, trial) for _ in range(options.repeats)])
        if not options.skip_false:
            result["false_verdicts"] = false_verdicts(bench)
        result["client"] = bench.probe.stop()
    finally:
        xblab.lab("down")
    return result


def summary(rows):
    good = [row for row in rows if "error" not in row]
    if not good:
        raise xblab.LabError(f"no trial went well: {rows[-1]['error']}")
    keys = [key for key in ("outage_ms", "served_ms", "verdict_ms", "lost") if any(key in row for row in good)]
    medians = {key: statistics.median(row[key] for row in good if key in row) for key in keys}
    return {"median": medians, "fenced": sum(row["fenced"] for row in good), "errors": len(rows) - len(good),
            "trials": rows}


def table(results):
    """The medians as text, with each one's ratio to the first contender that serves the same kind of service."""
    lines = [f"{'contender':<24}{'crash: served after':>22}{'kill: outage':>18}{'move: outage':>18}"
             f"{'false':>10}{'idle':>9}{'RSS':>9}"]
    best = {}
    for result in results:
        cells = [f"{result['name']:<24}"]
        for fault, key, width in (("crash", "served_ms", 22), ("kill", "outage_ms", 18), ("move", "outage_ms", 18)):
            value = result[fault]["median"][key]
            best.setdefault(fault, value)
            ratio = f" ({value / best[fault]:.1f}x)" if best[fault] > 0 else ""
            cells.append(f"{value:.1f} ms{ratio}".rjust(width))
        false = result.get("false_verdicts")
        cells.append((f"{sum(false.values())}/{len(false)}" if false else "-").rjust(10))
        idle = result["idle"]["process_percent"] + result["idle"]["interrupt_percent"]
        cells.append(f"{idle:.1f} %".rjust(9))
        cells.append(f"{result['idle']['rss_bytes'] / 1e6:.0f} MB".rjust(9))
        errors = sum(result[fault]["errors"] for fault in best)
        lines.append("".join(cells) + (f"  ({errors} trials never served again)" if errors else ""))
    lines.append("")
    lines.append("Medians; ratio to the first row in brackets. idle: a node's processes and its half of the machine's\n"
                 "interrupts, percent of one core. RSS: the cluster software of one node.")
    return "\n".join(lines)


def installed(contender):
    needs = {"keepalived": ["keepalived"], "corosync": ["corosync", "pacemakerd", "crm"], "xbeatd": []}
    return all(shutil.which(program, path="/usr/sbin:/usr/bin:/sbin:/bin") for program in needs[contender.daemon])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--only", default="", help="contenders whose name contains this text")
    parser.add_argument("--skip-false", action="store_true", help="leave out the false-verdict trials")
    parser.add_argument("--json", type=pathlib.Path, default=xblab.BUILD / "bench.json")
    options = parser.parse_args()
    results, failed = [], []
    for contender in contenders.all_contenders():
        if options.only not in contender.name:
            continue
        if not installed(contender):
            print(f"{contender.name}: not installed (scripts/setup --rivals)", file=sys.stderr)
            continue
        try:
            results.append(measure(contender, options))
        except xblab.LabError as error:
            failed.append(contender.name)
            print(f"{contender.name}: {error}", file=sys.stderr, flush=True)
    report = {"when": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
              "kernel": platform.release(), "processors": os.cpu_count(), "repeats": options.repeats,
              "failed": failed, "results": results}
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(report, indent=1) + "\n")
    if results:
        print(table(results))
    print(f"all figures: {options.json}")
    return 1 if failed or not results else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/python3
"""The demonstration: a web server on two nodes, a client that asks every millisecond, and six things going wrong.

One table: what was done, after how long it was detected, after how long the service answered again, how many
requests were lost, and whether a node was fenced. Exit 1 if something did not go as it should.
"""
import contextlib
import sys
import time

sys.dont_write_bytecode = True

import cluster  # noqa: E402
import scene  # noqa: E402
import xblab  # noqa: E402

HOGS = 8
STALL_MS = 2000


class Row:
    def __init__(self, what):
        self.what = what
        self.at_ns = 0
        self.detected = ""
        self.served_ns = 0
        self.stayed = ""  # for what must not move: how the service fared
        self.lost = 0
        self.fenced = []
        self.wrong = []

    def check(self, condition, claim):
        if not condition:
            self.wrong.append(claim)

    def cells(self):
        served = self.stayed or f"{(self.served_ns - self.at_ns) / 1e6:.1f} ms"
        return [self.what, self.detected or "-", served, str(self.lost), ", ".join(self.fenced) or "no",
                "; ".join(self.wrong) or "ok"]


def milliseconds(event, at_ns):
    return f"{(event['at_ns'] - at_ns) / 1e6:.1f} ms" if event else "-"


def service_away(row, probe, target):
    """Takes the outage that the injection caused into the row."""
    outage = probe.wait_outage(row.at_ns, 30, server=target)
    row.served_ns = outage["to_ns"]
    row.lost = outage["lost"]
    scene.wait_served_by(target)


def finish(row, expected_fenced=()):
    row.fenced = [node for node in scene.NODES if xblab.machine_state(node) != "running"]
    row.check(row.fenced == list(expected_fenced),
              f"fenced {row.fenced or 'nobody'}, wanted {list(expected_fenced) or 'nobody'}")
    return row


def lost_since(probe, at_ns):
    with contextlib.suppress(xblab.LabError):  # takes in what the client has said so far
        probe.wait_for(lambda event: event["event"] == "never", "", 0.3)
    return probe.outages(since_ns=at_ns)


def kill_service(probe):
    row = Row("web server killed on pm01")
    since = cluster.last_event("pm01")
    row.at_ns = xblab.inject("kill", "pm01", "nginx")
    service_away(row, probe, "pm02")
    event = scene.wait_event("pm01", "process-exited", since)
    row.detected = milliseconds(event, row.at_ns)
    row.check(scene.fail_count("pm02", "httpd", "pm01") == "1", "fail count is not 1")
    cluster.cleanup("pm02")
    return finish(row)


def move_by_hand(probe):
    row = Row("group moved by hand from pm02")
    row.at_ns = xblab.now_ns()
    # Without a node: away from here. A preference for pm01 would be a tie with stickiness INFINITY.
    cluster.shell("pm02", "resource", "move", "web")
    service_away(row, probe, "pm01")
    cluster.shell("pm01", "resource", "clear", "web")
    cluster.wait_settled("pm01")
    row.check(cluster.where() == ["pm01"], "the group did not stay after the clear")
    return finish(row)


def cut_interconnect(probe):
    row = Row("one interconnect of two cut")
    since = cluster.last_event("pm02")
    row.at_ns = xblab.inject("cut", "pm01", "ic0")
    row.detected = milliseconds(scene.wait_event("pm02", "path-down", since), row.at_ns)
    xblab.inject("mend", "pm01", "ic0")
    scene.wait_event("pm02", "path-up", since)
    outages = lost_since(probe, row.at_ns)
    row.lost = sum(outage["lost"] for outage in outages)
    row.stayed = "not interrupted"
    row.check(not outages, "the service was interrupted")
    return finish(row)


def stall_daemon(probe):
    row = Row(f"daemon of pm01 stopped for {STALL_MS / 1000:g} s")
    since = cluster.last_event("pm02")
    pids = xblab.processes("pm01", "xbeatd")
    row.check(pids, "no daemon to stop")
    row.at_ns = xblab.now_ns()
    with xblab.stopped(pids):
        time.sleep(STALL_MS / 1000)
    stalled = scene.wait_event("pm02", "peer-stalled", since)
    row.detected = milliseconds(stalled, row.at_ns)
    cluster.wait_joined()
    cluster.wait_settled("pm01")
    outages = lost_since(probe, row.at_ns)
    row.lost = sum(outage["lost"] for outage in outages)
    row.stayed = "not interrupted"
    row.check(not outages, "the service was interrupted")
    row.check(not dead_since("pm02", since), "pm01 was called dead")
    return finish(row)


def dead_since(node, since):
    return [event for event in cluster.events(node, since) if event["kind"] == "peer-dead"]


def starve(probe):
    row = Row(f"all cores: {HOGS} busy processes, then 1 s of real-time load")
    since = {node: cluster.last_event(node) for node in scene.NODES}
    row.at_ns = xblab.now_ns()
    xblab.busy(4, HOGS)
    xblab.real_time_burst()
    cluster.wait_joined()
    cluster.wait_settled("pm01")
    for node in scene.NODES:
        row.check(not dead_since(node, since[node]), f"{node} called its peer dead")
    # The web server itself starves under real-time load: what it did not answer is not a fail-over.
    outages = lost_since(probe, row.at_ns)
    row.lost = sum(outage["lost"] for outage in outages)
    row.stayed = "stayed, starved itself" if outages else "not interrupted"
    row.check(cluster.where() == ["pm01"], "the group moved")
    return finish(row)


def crash(probe):
    row = Row("pm01 crashed")
    since = cluster.last_event("pm02")
    row.at_ns = xblab.inject("crash", "pm01")
    service_away(row, probe, "pm02")
    event = scene.wait_event("pm02", "peer-dead", since)
    row.detected = milliseconds(event, row.at_ns)
    row.fenced = ["pm01"] if xblab.machine_state("pm01") == "off" else []
    row.check(row.fenced == ["pm01"], "pm01 was not fenced")
    row.check(cluster.timelines("pm02")[-1]["succeeded"], "the timeline does not end well")
    print_budget()
    cluster.rejoin("pm01")
    row.check(cluster.where() == ["pm02"], "the returned node took something back")
    return row


def print_budget():
    print("\nWhere the time of the crash went (xbeat timeline):")
    print(cluster.shell("pm02", "timeline").stdout)


def print_table(rows):
    head = ["what was done", "detected after", "served again after", "lost", "fenced", "as it should"]
    lines = [head, *[row.cells() for row in rows]]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    for number, line in enumerate(lines):
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip())
        if number == 0:
            print("  ".join("-" * width for width in widths))


def main():
    begin = time.monotonic()
    config = xblab.ROOT / "docs/examples/web.crm"
    rows = []
    try:
        xblab.lab("up", "--config", config)
        probe = xblab.Probe("http")
        probe.wait_served()
        scene.wait_served_by("pm01")
        print(f"pm01 serves http://{xblab.SERVICE_ADDRESS}/, pm02 stands by, the client asks every millisecond\n",
              flush=True)
        for step in (kill_service, move_by_hand, cut_interconnect, stall_daemon, starve, crash):
            rows.append(step(probe))
            print(f"{rows[-1].what}: {rows[-1].cells()[-1]}", flush=True)
        total = probe.stop()
    except (xblab.LabError, OSError) as error:
        print(f"demo: {error}", file=sys.stderr)
        for node in scene.NODES:
            log = xblab.DIRECTORY / node / "log/xbeatd.log"
            if log.exists():
                print(f"--- last lines of {node}:\n" + "\n".join(log.read_text().splitlines()[-20:]), file=sys.stderr)
        return 1
    finally:
        xblab.lab("down")
    print()
    print_table(rows)
    print(f"\n{total['sent']} requests sent, {total['lost']} lost; {time.monotonic() - begin:.0f} s")
    return 1 if any(row.wrong for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())

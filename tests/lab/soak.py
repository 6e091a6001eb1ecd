#!/usr/bin/python3
"""Random faults, one after another, against pairs that live on: S22 to S32 and S38 to S40 as a soak.

    tests/lab/soak.py [--faults N] [--seed N] [--arbiter fence|witness|both] [--profile NAME] [--handicap TIME] [--only FAULT,...]

Each fault is chosen by the seed. What must follow is asserted from outside: by the client's ledger, which has who answered each
request, and by the state of the machines. Three things are counted apart:

    unsafe    two nodes answered for the address in turns within one fault, or a node that had been replaced answered again
    needless  the service moved although nothing said that it should
    stuck     the pair did not come to rest within its time

Any of them ends the soak with exit code 1; after `stuck` the pair is torn down and another one is made. The table and every
fault with its time, seed and outages is in BUILD/soak.json, the nodes' logs of a bad fault in BUILD/lab-logs/soak-N.
"""
import argparse
import contextlib
import dataclasses
import json
import pathlib
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True

import cluster  # noqa: E402
import scene  # noqa: E402
import witness  # noqa: E402
import xblab  # noqa: E402

LINKS = ("ic0", "ic1")
SETTLE_S = 120
FAULTS_A_PAIR = 40  # then a fresh one: what a pair gathers over its life is not what is looked for here


# ---- What the switch does to frames

def tc(*words):
    done = subprocess.run(["ip", "netns", "exec", xblab.PREFIX + "sw", "tc", *words], capture_output=True, text=True,
                          check=False)
    if done.returncode != 0:
        raise xblab.LabError(f"tc {' '.join(words)}: {done.stderr.strip()}")


@contextlib.contextmanager
def losing(percent, ports):
    """These ports of the switch lose that share of the frames towards their nodes."""
    made = []
    try:
        for port in ports:
            tc("qdisc", "add", "dev", port, "clsact")
            made.append(port)
            tc("filter", "add", "dev", port, "egress", "bpf", "da", "obj", str(xblab.BUILD / "lab/loss.bpf.o"), "sec",
               f"tc/loss{percent:02d}")
        yield
    finally:
        for port in made:
            # A node that was shot meanwhile has taken its cables along.
            with contextlib.suppress(xblab.LabError):
                tc("qdisc", "del", "dev", port, "clsact")


def interconnects(node):
    return [f"{node}.{link}" for link in LINKS]


# ---- The pair under test

class Pair:
    def __init__(self, arbiter, probe, rng):
        self.arbiter, self.probe, self.rng = arbiter, probe, rng

    def active(self):
        where = cluster.where()
        if len(where) != 1:
            raise xblab.LabError(f"the address is on {where}, not on one node")
        return where[0]

    def boot_what_is_off(self):
        for node in scene.NODES:
            if xblab.machine_state(node) in ("off", "crashed"):
                xblab.inject("boot", node)

    def mend(self):
        """A node that is off has no cables to be mended: it gets new ones when it boots."""
        for node in scene.NODES:
            for link in LINKS if xblab.machine_state(node) in ("running", "frozen") else ():
                xblab.inject("mend", node, link)

    def rest(self):
        """Everything is mended: until both are members, nothing is under way, and the client is served."""
        self.boot_what_is_off()
        cluster.wait_joined(limit_s=SETTLE_S)
        for node in scene.NODES:
            cluster.shell(node, "resource", "cleanup", check=False)
        cluster.wait_settled("pm01", SETTLE_S)
        xblab.wait_until("the address is on one node", lambda: len(cluster.where()) == 1, SETTLE_S)
        self.served_since(xblab.now_ns())

    def served_since(self, since_ns):
        """Until a request that was sent after that is answered: no outage is open."""
        def served():
            open_since = None
            for event in self.probe.drain():
                if event["event"] == "lost":
                    open_since = event["from_ns"]
                elif event["event"] == "outage":
                    open_since = None
            return open_since is None and xblab.now_ns() > since_ns + 300e6
        xblab.wait_until("the client is served", served, SETTLE_S)

    def wait_moved_to(self, node, since_ns):
        xblab.wait_until(f"{node} answers", lambda: any(server == node for _, server in self.probe.answers(since_ns)),
                         SETTLE_S)


@contextlib.contextmanager
def pair(arbiter, options, rng):
    text = (xblab.ROOT / "docs/examples/fast.crm").read_text() if arbiter == "fence" else witness.fast()
    with scene.lab(text, "--arbiter", arbiter, "--profile", options.profile, "--handicap", options.handicap):
        if arbiter == "witness":
            witness.wait_ready()
        probe = xblab.Probe("udp", timeout_ms=200)
        probe.wait_served()
        try:
            yield Pair(arbiter, probe, rng)
        finally:
            with contextlib.suppress(xblab.LabError, subprocess.TimeoutExpired):
                probe.stop()


# ---- The faults. Each returns who took over, or EITHER if that may be; None if the service has to stay where it is.

EITHER = "either"


def crash_active(pair):
    active = pair.active()
    at_ns = xblab.inject("crash", active)
    pair.wait_moved_to(cluster.other(active), at_ns)
    return cluster.other(active)


def crash_standby(pair):
    standby = cluster.other(pair.active())
    since = cluster.last_event(cluster.other(standby))
    xblab.inject("crash", standby)
    scene.wait_event(cluster.other(standby), "peer-dead", since, SETTLE_S)


def cut_all(pair):
    standby = cluster.other(pair.active())
    for link in LINKS:
        xblab.inject("cut", standby, link)
    hold_until_decided(pair, standby)
    pair.mend()


def one_way(pair):
    """Nothing reaches one node any more, and everything that it says arrives.

    The deaf one misses its peer first. So it may win although it served nothing; what counts is that one wins.
    """
    deaf = pair.rng.choice(scene.NODES)
    active = pair.active()
    with losing(100, interconnects(deaf)):
        hold_until_decided(pair, cluster.other(active))
    return EITHER


def hold_until_decided(pair, standby):
    """With fence devices one is off in the end; a witness names one."""
    if pair.arbiter == "fence":
        xblab.wait_until("one node is off", lambda: "off" in [xblab.machine_state(node) for node in scene.NODES], SETTLE_S)
    else:
        xblab.wait_until("the witness has named one", lambda: witness.status(cluster.other(standby), check=False).get(
            "holder"), SETTLE_S)
    time.sleep(pair.rng.uniform(0, 4))  # how long it lasts is part of the fault


def cut_one(pair):
    node, link = pair.rng.choice(scene.NODES), pair.rng.choice(LINKS)
    xblab.inject("cut", node, link)
    xblab.wait_until("the path is down", lambda: cluster.path(node, cluster.other(node), link).get("is_up") is False,
                     SETTLE_S)
    pair.mend()


def flap(pair):
    """One link goes and comes, faster than anything can settle."""
    node, link = pair.rng.choice(scene.NODES), pair.rng.choice(LINKS)
    for _ in range(10):
        xblab.inject("cut", node, link)
        time.sleep(pair.rng.uniform(0.001, 0.05))
        xblab.inject("mend", node, link)
        time.sleep(pair.rng.uniform(0.001, 0.05))


def loss(pair):
    ports = [port for node in scene.NODES for port in interconnects(node)]
    with losing(pair.rng.choice((5, 20)), ports):
        time.sleep(pair.rng.uniform(0.5, 5))


def freeze_short(pair):
    node = pair.rng.choice(scene.NODES)
    xblab.inject("freeze", node)
    time.sleep(pair.rng.uniform(0.1, 4))
    xblab.inject("thaw", node)


def freeze_long(pair):
    """Past the stall limit: the active node is replaced, and says nothing more when it goes on."""
    active = pair.active()
    at_ns = xblab.inject("freeze", active)
    pair.wait_moved_to(cluster.other(active), at_ns)
    time.sleep(pair.rng.uniform(0, 2))
    if xblab.machine_state(active) == "frozen":
        xblab.inject("thaw", active)
    return cluster.other(active)


def stop_daemon(pair):
    node = pair.rng.choice(scene.NODES)
    with xblab.stopped(xblab.processes(node, "xbeatd")):
        time.sleep(pair.rng.uniform(0.02, 5))


def kill_daemon(pair):
    node = pair.rng.choice(scene.NODES)
    for pid in xblab.processes(node, "xbeatd"):
        subprocess.run(["kill", "-9", str(pid)], check=False)
    xblab.wait_until("a daemon answers again", lambda: cluster.answers(node), SETTLE_S)


def kill_service(pair):
    active = pair.active()
    at_ns = xblab.now_ns()
    xblab.inject("kill", active, "xblab-echo")
    pair.wait_moved_to(cluster.other(active), at_ns)
    return cluster.other(active)


def hogs(pair):
    xblab.real_time_burst()
    xblab.busy(pair.rng.uniform(1, 4))


def crash_behind_a_broken_device(pair):
    """Nothing is taken over while the device refuses; as soon as it does its work, it is."""
    active = pair.active()
    survivor = cluster.other(active)
    xblab.ask("fault", active, pair.rng.choice(("refuse", "hang")))
    since = cluster.last_event(survivor)
    at_ns = xblab.inject("crash", active)
    scene.wait_event(survivor, "fence-requested", since, SETTLE_S)
    time.sleep(pair.rng.uniform(0, 2))
    scene.expect_equal(pair.probe.answers(at_ns), [], "answers before anything was proven")
    xblab.ask("fault", active, "none")
    cluster.shell(survivor, "fence", "node", active, "--off", "--yes", check=False)
    pair.wait_moved_to(survivor, at_ns)
    return survivor


def restart_witness(_pair):
    witness.stop()
    xblab.wait_until("the witness has ended", lambda: not xblab.processes("witness", "xbeat-witness"))
    witness.start()
    witness.wait_ready()


def power_cut_of_both(pair):
    """The one that is back first starts nothing alone."""
    for node in scene.NODES:
        xblab.inject("crash", node)
    first = pair.rng.choice(scene.NODES)
    xblab.inject("boot", first)
    at_ns = xblab.now_ns()
    xblab.wait_until("its daemon answers", lambda: cluster.answers(first), SETTLE_S)
    time.sleep(pair.rng.uniform(0, 2))
    scene.expect_equal(pair.probe.answers(at_ns), [], "answers of a node that booted alone")
    return EITHER


@dataclasses.dataclass(frozen=True)
class Fault:
    run: object
    weight: int
    arbiters: tuple = ("fence", "witness")
    scenario: str = ""


FAULTS = (
    Fault(crash_active, 6, scenario="S29"),
    Fault(crash_standby, 3, scenario="S29"),
    Fault(cut_all, 5, scenario="S22"),
    Fault(one_way, 3, scenario="S21 S22"),
    Fault(cut_one, 3, scenario="S20"),
    Fault(flap, 3, scenario="S20"),
    Fault(loss, 4),
    Fault(freeze_short, 3, scenario="S32"),
    Fault(freeze_long, 1, scenario="S31"),
    Fault(stop_daemon, 3, scenario="S32"),
    Fault(kill_daemon, 3, scenario="S33"),
    Fault(kill_service, 3, scenario="S01"),
    Fault(hogs, 2, scenario="S32"),
    Fault(crash_behind_a_broken_device, 2, ("fence",), "S38"),
    Fault(restart_witness, 1, ("witness",)),
    Fault(power_cut_of_both, 1, scenario="S40"),
)


# ---- What came of one

def judge(before, took_over, rows):
    """`rows`: who answered, in turn, since the fault began. "" or what was wrong."""
    servers = [server for _, server in rows if server]
    if servers and servers[0] == before:
        servers = servers[1:]
    allowed = 0 if took_over is None else 1
    if len(servers) > max(allowed, 1):
        return f"unsafe: after {before} answered, in turn, {servers}"
    if len(servers) > allowed:
        return f"needless: the service moved from {before} to {servers[0]}"
    return ""


def run_fault(pair, fault):
    """A row for the report."""
    before = pair.active()
    begin_ns = xblab.now_ns()
    row = {"fault": fault.run.__name__, "arbiter": pair.arbiter, "at_ns": begin_ns, "before": before, "wrong": ""}
    try:
        took_over = fault.run(pair)
        pair.rest()
        row["wrong"] = judge(before, took_over, pair.probe.answers(begin_ns))
    except AssertionError as error:
        row["wrong"] = f"unsafe: {error}"
    except (xblab.LabError, subprocess.TimeoutExpired) as error:
        row["wrong"] = f"stuck: {error}"
    row["seconds"] = round((xblab.now_ns() - begin_ns) / 1e9, 1)
    outages = pair.probe.outages(begin_ns)
    row["outages_ms"] = [round((each["to_ns"] - each["from_ns"]) / 1e6, 1) for each in outages if each["to_ns"]]
    return row


def keep_logs(number):
    target = xblab.BUILD / "lab-logs" / f"soak-{number}"
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for source in [xblab.DIRECTORY / "switch.log", *xblab.DIRECTORY.glob("*/log/xbeatd.log")]:
        if source.exists():
            shutil.copy(source, target / f"{source.parent.parent.name}.{source.name}")


def choose(rng, arbiter, only):
    fitting = [fault for fault in FAULTS if arbiter in fault.arbiters and (not only or fault.run.__name__ in only)]
    return rng.choices(fitting, [fault.weight for fault in fitting])[0]


def soak(options):
    rng = random.Random(options.seed)
    arbiters = ("fence", "witness") if options.arbiter == "both" else (options.arbiter,)
    rows = []
    while len(rows) < options.faults:
        arbiter = arbiters[sum(1 for row in rows if row.get("first")) % len(arbiters)]
        with pair(arbiter, options, rng) as each:
            is_first = True
            for _ in range(min(options.pair, options.faults - len(rows))):
                row = run_fault(each, choose(rng, arbiter, options.only))
                row.update(number=len(rows) + 1, first=is_first)
                is_first = False
                rows.append(row)
                print(f"{row['number']:4}  {arbiter:8}{row['fault']:30}{row['seconds']:6.1f} s  outages "
                      f"{row['outages_ms'] or 'none'}  {row['wrong'] or 'ok'}", flush=True)
                report(options, rows)
                if row["wrong"]:
                    keep_logs(row["number"])
                    break
    return rows


def report(options, rows):
    document = {"seed": options.seed, "profile": options.profile, "faults": rows}
    path = xblab.BUILD / "soak.json"
    part = path.with_suffix(".part")
    part.write_text(json.dumps(document, indent=1))
    part.replace(path)


def summary(rows):
    print(f"\n{'fault':30}{'arbiter':9}{'runs':>5}{'bad':>5}{'outage median':>15}{'longest':>10}")
    for key in sorted({(row["fault"], row["arbiter"]) for row in rows}):
        mine = [row for row in rows if (row["fault"], row["arbiter"]) == key]
        longest = [max(row["outages_ms"]) for row in mine if row["outages_ms"]]
        bad = sum(1 for row in mine if row["wrong"])
        print(f"{key[0]:30}{key[1]:9}{len(mine):5}{bad:5}"
              f"{f'{statistics.median(longest):.0f} ms' if longest else 'none':>15}"
              f"{f'{max(longest):.0f} ms' if longest else '':>10}")
    counts = {word: sum(1 for row in rows if row["wrong"].startswith(word)) for word in ("unsafe", "needless", "stuck")}
    print(f"{len(rows)} faults, {counts['unsafe']} unsafe, {counts['needless']} needless, {counts['stuck']} stuck")
    return 1 if any(counts.values()) else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--faults", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--arbiter", choices=("fence", "witness", "both"), default="both")
    parser.add_argument("--profile", default="metal")
    parser.add_argument("--handicap", default="100ms", help="of the side that serves nothing; long, because two fence agents "
                        "of a busy machine differ by more than the usual 20 ms")
    parser.add_argument("--pair", type=int, default=FAULTS_A_PAIR, help="faults until a fresh pair is made")
    parser.add_argument("--only", type=lambda text: text.split(","), default=[], help="names of faults")
    options = parser.parse_args()
    unknown = set(options.only) - {fault.run.__name__ for fault in FAULTS}
    if unknown:
        parser.error(f"no such fault: {', '.join(sorted(unknown))}; there are "
                     f"{', '.join(fault.run.__name__ for fault in FAULTS)}")
    return summary(soak(options))


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""The scheduler's speed, next to crm_simulate's in the same run.

    schedule_bench.py --xbeat PROGRAM [--corpus FOLDER] [--rounds N] [--json FILE] [--rival-seconds-max S]

Each decision is a process of both programs, in turn: the file is read, the plan made and the graph printed. The median time of
the smallest cluster (start-up and next to nothing else) is measured too. FOLDER holds cases/xml: its five largest cases are
decided as well, and its smallest for the start-up. Times are processor time, so that a busy machine spoils them less. A rival that
takes longer than S (60) for a cluster is stopped and shown as too slow.
"""
import argparse
import json
import pathlib
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile

from schedule_clusters import CLUSTERS, cluster


def seconds(command, limit):
    """Seconds of processor time (user and system); None if it took longer than `limit` on the clock, or died."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    try:
        done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=limit)
    except subprocess.TimeoutExpired:
        return None
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    # crm_simulate may end by an assertion once it has saved the graph: its decision was made by then.
    return spent if done.returncode in (0, 1, -6) else None


class Bench:
    def __init__(self, given):
        self.given = given
        self.rows = []
        self.rival = shutil.which("crm_simulate") or shutil.which("crm_simulate", path="/usr/sbin")

    def commands(self, file):
        ours = [self.given.xbeat, "simulate", "--graph", "-x", str(file)]
        theirs = [self.rival, "--simulate", "--quiet", "-x", str(file), "--save-graph", "/dev/null"] if self.rival else None
        return ours, theirs

    def measure(self, name, file, rounds):
        ours, theirs = self.commands(file)
        mine, other = [], []
        for _ in range(rounds):
            mine.append(seconds(ours, self.given.rival_seconds_max))
            if theirs and None not in other:
                other.append(seconds(theirs, self.given.rival_seconds_max))
        row = {"name": name, "xbeat_ms": middle(mine), "crm_simulate_ms": middle(other)}
        self.rows.append(row)
        show(row)

    def peak_memory(self, file):
        ours, _ = self.commands(file)
        script = ("import resource,subprocess,sys;subprocess.run(sys.argv[1:],stdout=subprocess.DEVNULL);"
                  "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)")
        return int(subprocess.run([sys.executable, "-c", script, *ours], capture_output=True, text=True).stdout) / 1024


def middle(values):
    if not values or None in values:
        return None
    return round(statistics.median(values) * 1000, 2)


def show(row):
    mine, other = row["xbeat_ms"], row["crm_simulate_ms"]
    text = lambda value: "too slow" if value is None else f"{value:.1f} ms"
    ratio = f"{other / mine:.1f} x" if mine and other else ""
    print(f"{row['name']:<48} {text(mine):>12} {text(other):>12} {ratio:>9}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--xbeat", required=True)
    parser.add_argument("--corpus")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json")
    parser.add_argument("--rival-seconds-max", type=float, default=60)
    given = parser.parse_args()
    bench = Bench(given)
    print(f"{'median of ' + str(given.rounds):<48} {'xbeat':>12} {'crm_simulate':>12} {'ratio':>9}")
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "cib.xml"
        file.write_text(cluster(nodes=1, primitives=1))
        bench.measure("start-up: 1 node, 1 primitive", file, 4 * given.rounds)
        if given.corpus:
            cases = sorted((pathlib.Path(given.corpus) / "cases" / "xml").glob("*.xml"), key=lambda path: path.stat().st_size)
            bench.measure(f"smallest case: {cases[0].stem}", cases[0], 4 * given.rounds)
            for case in cases[-5:]:
                bench.measure(f"case {case.stem} ({case.stat().st_size // 1024} KiB)", case, given.rounds)
        for name, sizes in CLUSTERS.items():
            file.write_text(cluster(**sizes))
            bench.measure(name, file, 1 if sizes.get("primitives", 0) >= 10000 else given.rounds)
            bench.rows[-1]["xbeat_mib"] = round(bench.peak_memory(file), 1)
    print("largest memory of xbeat: " + ", ".join(f"{row['xbeat_mib']:.0f} MiB ({row['name']})" for row in bench.rows
                                                  if row.get("xbeat_mib", 0) > 100))
    if given.json:
        pathlib.Path(given.json).write_text(json.dumps(bench.rows, indent=2) + "\n")


if __name__ == "__main__":
    main()

#!/usr/bin/python3
"""Runs the lab's scenarios, each in a lab of its own.

    tests/lab/run.py [--quick] [--list] [--repeat N] [--again N] [--jobs N] [NAME...]

NAME is a part of a scenario's file name. A scenario is tests/lab/scenarios/NAME.py: its docstring is the
sentence that it proves, run() proves it, QUICK = True puts it into the quick selection. What the
daemons wrote during a failed scenario is kept in BUILD/lab-logs/NAME. Ends with "N passed, N failed, N skipped".

--again N runs a failed scenario up to N times more, for machines whose host takes processors away: one that passes then
counts as passed, its first failure stays on the screen, and the last lines name it as unsteady.

--jobs N runs up to N scenarios at a time, in labs beside each other (XB_LAB with a number behind it). Those with ALONE = True, which load
the whole machine or look at all of it, run afterwards, one at a time.
"""
import argparse
import importlib.util
import os
import pathlib
import queue
import shutil
import subprocess
import sys
import threading
import time
import traceback

sys.dont_write_bytecode = True

import scene  # noqa: E402
import xblab  # noqa: E402

REASON_MAX = 1500  # characters of a failure's reason in the last lines
SCENARIOS = pathlib.Path(__file__).resolve().parent / "scenarios"


def load(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class LogKeeper:
    """Copies the nodes' logs at the end of a failed scenario, before its lab is torn down."""

    def __init__(self, name):
        self.target = xblab.BUILD / "lab-logs" / name

    def __enter__(self):
        shutil.rmtree(self.target, ignore_errors=True)
        self._down, self._failed = xblab.lab, False

        def keeping(*words, **options):
            if words == ("down",):
                self.copy()
            return self._down(*words, **options)
        xblab.lab = keeping
        return self

    def copy(self):
        self.target.mkdir(parents=True, exist_ok=True)
        for source in [xblab.DIRECTORY / "switch.log", *xblab.DIRECTORY.glob("*/log/xbeatd.log")]:
            if source.exists():
                name = source.name if source.parent == xblab.DIRECTORY else f"{source.parent.parent.name}.log"
                shutil.copy(source, self.target / name)

    def __exit__(self, kind, value, trace):
        xblab.lab = self._down
        if kind is None or kind is scene.Skip:
            shutil.rmtree(self.target, ignore_errors=True)
        return False


def run_one(path):
    """("passed", "failed" or "skipped", why)."""
    begin = time.monotonic()
    module = None
    try:
        module = load(path)
        with LogKeeper(path.stem):
            module.run()
        outcome, why = "passed", ""
    except scene.Skip as skip:
        outcome, why = "skipped", str(skip)
    except (AssertionError, xblab.LabError) as error:
        outcome, why = "failed", str(error)
    except Exception:  # a mistake in the scenario is a failure as well, with its place
        outcome, why = "failed", traceback.format_exc()
    sentence = (module.__doc__ or path.stem).strip().splitlines()[0] if module else path.stem
    print(f"{outcome:8}{path.stem.split('_')[0].upper():6}{sentence} ({time.monotonic() - begin:.1f} s)"
          f"{': ' + why if why else ''}", flush=True)
    return outcome, why


def run_again(path, times):
    """Like run_one, and up to `times` more runs after a failure: (outcome, why, was it unsteady?)."""
    outcome, why = run_one(path)
    for _ in range(times):
        if outcome != "failed":
            break
        outcome, why = run_one(path)
        if outcome == "passed":
            return outcome, why, True
    return outcome, why, False


class Beside:
    """Runs scenarios in labs beside each other: a process for each, since a lab's name is its process's environment."""

    def __init__(self, jobs, again):
        self._jobs, self._again = jobs, again
        self._waiting = queue.Queue()
        self._results = []

    def run(self, paths):
        """[(path, outcome, why, unsteady)], in the order in which they ended."""
        for path in paths:
            self._waiting.put(path)
        threads = [threading.Thread(target=self._work, args=(number,)) for number in range(self._jobs)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return self._results

    def _work(self, number):
        environment = {**os.environ, "XB_LAB": f"{xblab.NAME}{number}"}
        while True:
            try:
                path = self._waiting.get_nowait()
            except queue.Empty:
                return
            done = subprocess.run([sys.executable, __file__, "--again", str(self._again), "--exactly", path.stem],
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment, check=False)
            lines = done.stdout.splitlines()
            told = [line for line in lines if not line.startswith(("unsteady: ", "still failing: ")) and line != lines[-1]]
            print("\n".join(told or lines), flush=True)
            outcome = next((word for word in ("passed", "skipped") if lines and f"1 {word}" in lines[-1]), "failed")
            why = next((line.split(": ", 2)[2] for line in lines if line.startswith("still failing: ")), "")
            self._results.append((path, outcome, why, any(line.startswith("unsteady: ") for line in lines)))


def select(options):
    paths = sorted(SCENARIOS.glob("*.py"))
    if options.exactly:
        paths = [path for path in paths if path.stem in options.names]
    elif options.names:
        paths = [path for path in paths if any(name in path.stem for name in options.names)]
    if options.quick:
        paths = [path for path in paths if getattr(load(path), "QUICK", False)]
    return paths


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--repeat", type=int, default=1, help="how often each scenario is run")
    parser.add_argument("--again", type=int, default=0, help="how often a failed scenario may be run again")
    parser.add_argument("--jobs", type=int, default=1, help="how many scenarios at a time")
    parser.add_argument("--exactly", action="store_true", help="NAME is a whole name, not a part of one")
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    if options.jobs < 1 or options.repeat < 1 or options.again < 0:
        parser.error("--jobs and --repeat count from 1, --again from 0")
    paths = select(options)
    if options.list:
        print("\n".join(path.stem for path in paths))
        return 0
    if not paths:
        print(f"no scenario is called like that: {' '.join(options.names)}; --list names them", file=sys.stderr)
    alone = paths if options.jobs == 1 else [path for path in paths if getattr(load(path), "ALONE", False)]
    results = []
    for _ in range(options.repeat):
        if options.jobs > 1:
            results += Beside(options.jobs, options.again).run([path for path in paths if path not in alone])
        results += [(path, *run_again(path, options.again)) for path in alone]
    # Said once more where a log that keeps only its end has it.
    for path, outcome, why, was_unsteady in results:
        if was_unsteady:
            print(f"unsteady: {path.stem}: failed, then passed")
        elif outcome == "failed":
            print(f"still failing: {path.stem}: {' '.join(why.split())[:REASON_MAX]}")
    outcomes = [result[1] for result in results]
    counts = {word: outcomes.count(word) for word in ("passed", "failed", "skipped")}
    print(f"{counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped")
    return 1 if counts["failed"] or not outcomes else 0


if __name__ == "__main__":
    sys.exit(main())

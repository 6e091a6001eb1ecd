#!/usr/bin/python3
"""Runs the lab's scenarios, one after another, each in a lab of its own.

    tests/lab/run.py [--quick] [--list] [--repeat N] [NAME...]

NAME is a part of a scenario's file name. A scenario is tests/lab/scenarios/NAME.py: its docstring is the
sentence that it proves, run() proves it, QUICK = True puts it into the quick selection. What the
daemons wrote during a failed scenario is kept in BUILD/lab-logs/NAME. Ends with "N passed, N failed, N skipped".

--again N runs a failed scenario up to N times more, for machines whose host takes processors away: one that passes then
counts as passed, its first failure stays on the screen, and the last lines name it as unsteady.
"""
import argparse
import importlib.util
import pathlib
import shutil
import sys
import time
import traceback

sys.dont_write_bytecode = True

import scene  # noqa: E402
import xblab  # noqa: E402

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
    """"passed", "failed" or "skipped"."""
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
    return outcome


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--repeat", type=int, default=1, help="how often each scenario is run")
    parser.add_argument("--again", type=int, default=0, help="how often a failed scenario may be run again")
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    paths = sorted(SCENARIOS.glob("*.py"))
    if options.names:
        paths = [path for path in paths if any(name in path.stem for name in options.names)]
    if options.quick:
        paths = [path for path in paths if getattr(load(path), "QUICK", False)]
    if options.list:
        print("\n".join(path.stem for path in paths))
        return 0
    outcomes, unsteady = [], []
    for path in [path for _ in range(options.repeat) for path in paths]:
        outcome = run_one(path)
        for _ in range(options.again):
            if outcome != "failed":
                break
            outcome = run_one(path)
            if outcome == "passed":
                unsteady.append(path.stem)
        outcomes.append(outcome)
    if unsteady:
        print(f"unsteady (failed, then passed): {', '.join(unsteady)}")
    counts = {word: outcomes.count(word) for word in ("passed", "failed", "skipped")}
    print(f"{counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped")
    return 1 if counts["failed"] or not outcomes else 0


if __name__ == "__main__":
    sys.exit(main())

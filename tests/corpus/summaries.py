#!/usr/bin/env python3
"""Compare the readable output of `xbeat simulate --execute` with the summaries of a case corpus.

    summaries.py PROGRAM CASES [CASE...]

CASES holds xml/NAME.xml, summary/NAME.summary and cases.tsv. Without names of cases it prints how
many of each section are the same; with names it shows the differences. Spaces are not compared, and
the lines of "Executing" and "Transition Summary" are compared as sets: their order is free.
"""
import csv
import difflib
import pathlib
import shlex
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

SECTIONS = ("Current cluster status", "Transition Summary", "Executing Cluster Transition", "Revised Cluster Status")
FREE = ("Transition Summary", "Executing Cluster Transition")


def sections(text):
    out, name = {}, None
    for line in text.splitlines():
        head = line.rstrip().rstrip(":")
        if head in SECTIONS:
            name = head
            out[name] = []
        elif name and line.strip() and not line.startswith(("Using the original execution date", "Setting effective cluster time")):
            out[name].append(" ".join(line.split()))
    for free in FREE:
        out.get(free, []).sort()
    return out


def run(program, cases, row):
    command = [program, "simulate", "--execute", "-x", str(cases / "xml" / f"{row['name']}.xml")]
    words = shlex.split(row["args"])
    if words:
        command += ["--now", words[1] if len(words) > 1 else words[0]]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    wanted = sections((cases / "summary" / f"{row['name']}.summary").read_text())
    return row["name"], sections(done.stdout), wanted, done.stderr


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    program, cases = sys.argv[1], pathlib.Path(sys.argv[2])
    with open(cases / "cases.tsv", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    names = sys.argv[3:]
    chosen = [row for row in rows if not names or row["name"] in names]
    same = {section: [] for section in SECTIONS}
    whole = 0
    with ThreadPoolExecutor(2) as pool:
        for name, got, wanted, errors in pool.map(lambda row: run(program, cases, row), chosen):
            if errors:
                print(f"{name}: {errors.strip()}")
            equal = [section for section in SECTIONS if got.get(section) == wanted.get(section)]
            whole += len(equal) == len(SECTIONS)
            for section in equal:
                same[section].append(name)
            if names:
                for section in SECTIONS:
                    for line in difflib.unified_diff(wanted.get(section, []), got.get(section, []), f"{name}: wanted",
                                                     f"{name}: {section}", lineterm="", n=0):
                        print(line)
    total = len(chosen)
    print(", ".join(f"{len(same[s])}/{total} {s.split()[0].lower()}" for s in SECTIONS) + f", {whole}/{total} whole")


if __name__ == "__main__":
    main()

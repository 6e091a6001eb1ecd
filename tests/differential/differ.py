#!/usr/bin/env python3
"""Random clusters, planned by `xbeat simulate` and by the installed crm_simulate; every difference is shrunk and shown.

    differ.py --xbeat PROGRAM [--features plain,group,...] [--seeds N] [--first N] [--out FOLDER]

Compared are the real actions: operation, resource, node, interval. Differences that docs/scheduler-differences.md accepts
are recognised by accepted.py and counted apart. Exit status 1 if any other is left.
"""
import argparse
import collections
import pathlib
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET

from accepted import reason
from generate import FEATURES, Cluster, cib_of, present


def actions_of(graph):
    """The multiset of real actions in a transition graph."""
    out = collections.Counter()
    for action in graph.iter():
        if action.tag == "rsc_op":
            primitive = action.find("primitive")
            if primitive is None:  # a trigger
                continue
            name = primitive.get("long-id") or primitive.get("id")
            attributes = action.find("attributes")
            interval = attributes.get("CRM_meta_interval", "0") if attributes is not None else "0"
            out[(action.get("operation"), name, action.get("on_node"), interval)] += 1
        elif action.tag == "crm_event" and action.find("attributes") is not None:
            out[(action.get("operation"), action.get("operation_key"), action.get("on_node"), "")] += 1
    return out


class Programs:
    def __init__(self, xbeat, folder):
        self.xbeat = xbeat
        self.cib = pathlib.Path(folder) / "cib.xml"
        self.graph = pathlib.Path(folder) / "graph.xml"

    def ours(self):
        done = subprocess.run([self.xbeat, "simulate", "--graph", "-x", str(self.cib)], capture_output=True, text=True, timeout=30)
        if done.returncode != 0:
            return None, done.stderr.strip()
        return actions_of(ET.fromstring(done.stdout)), ""

    def theirs(self):
        self.graph.unlink(missing_ok=True)
        done = subprocess.run(["crm_simulate", "--run", "--quiet", "-x", str(self.cib), "--save-graph", str(self.graph)],
                              capture_output=True, text=True, timeout=30)
        try:
            return actions_of(ET.parse(self.graph).getroot()), ""
        except (OSError, ET.ParseError):
            return None, (done.stderr or done.stdout).strip()[:500]

    def difference(self, parts):
        """The actions that one has and the other has not; None if they agree or the reference refuses the input."""
        self.cib.write_text(cib_of(parts))
        theirs, _ = self.theirs()
        if theirs is None:
            return None
        ours, error = self.ours()
        if ours is None:
            return [f"xbeat failed: {error}"]
        ours, theirs = normalised(ours), normalised(theirs)
        if ours == theirs:
            return None
        return [f"- {' '.join(map(str, key))}" for key in sorted((theirs - ours).elements())] + \
               [f"+ {' '.join(map(str, key))}" for key in sorted((ours - theirs).elements())]


def normalised(actions):
    """Without the numbers of instances: they are free among equals."""
    out = collections.Counter()
    for (operation, name, node, interval), count in actions.items():
        out[(operation, re.sub(r":\d+$", "", name or ""), node, interval)] += count
    return out


def shrink(programs, parts):
    """Leaves out parts as long as there is a difference."""
    parts = present(parts)
    again = True
    while again:
        again = False
        for at in range(len(parts) - 1, -1, -1):
            smaller = parts[:at] + parts[at + 1:]
            if not any(part.kind == "node" for part in smaller):
                continue
            if programs.difference(smaller):
                parts = present(smaller)
                again = True
                break
    return parts


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--xbeat", required=True)
    parser.add_argument("--features", default=",".join(FEATURES))
    parser.add_argument("--seeds", type=int, default=20, help="clusters for each feature")
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    parser.add_argument("--out", help="folder for the shrunk clusters")
    parser.add_argument("--stop", type=int, default=0, help="end after so many differences")
    given = parser.parse_args()
    found = collections.Counter()
    seen = set()
    names = collections.Counter()
    with tempfile.TemporaryDirectory() as folder:
        programs = Programs(given.xbeat, folder)
        for feature in given.features.split(","):
            for seed in range(given.first, given.first + given.seeds):
                parts = Cluster(feature, seed).parts
                found["clusters"] += 1
                programs.cib.write_text(cib_of(parts))
                if programs.theirs()[0] is None:
                    found["refused"] += 1
                if not programs.difference(parts):
                    continue
                parts = shrink(programs, parts)
                lines = programs.difference(parts)
                text = cib_of(parts)
                why = reason(ET.fromstring(text), lines)
                found["accepted" if why else "different"] += 1
                names[why] += 1
                kind = "\n".join(re.sub(r"\d", "N", line) for line in lines)
                if why or kind in seen:
                    continue
                seen.add(kind)
                print(f"--- {feature} seed {seed}")
                print("\n".join(lines))
                for part in parts:
                    print(f"    {part.kind}: {part.text or ''}{part.needs or ''} {part.node or part.name} {part.extra or ''}")
                sys.stdout.flush()
                if given.out:
                    target = pathlib.Path(given.out)
                    target.mkdir(parents=True, exist_ok=True)
                    (target / f"{feature}-{seed}.xml").write_text(text)
                if given.stop and found["different"] >= given.stop:
                    break
    print(f"{found['clusters']} clusters, {found['refused']} refused by crm_simulate, "
          f"{found['accepted']} accepted differences, {found['different']} others")
    for why, count in sorted((name, count) for name, count in names.items() if name):
        print(f"    {count} {why}")
    sys.exit(1 if found["different"] else 0)


if __name__ == "__main__":
    main()

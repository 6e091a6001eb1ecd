#!/usr/bin/env python3
"""Cases from a folder, each changed a little, planned by `xbeat simulate` and by the installed crm_simulate.

    mutate.py --xbeat PROGRAM --cases FOLDER [--rounds N] [--first N] [--only NAME,...] [--changes KIND,...]
              [--deepest placement|actions|details|order|scores] [--shrink] [--out FOLDER]
    mutate.py --xbeat PROGRAM --shrink FILE...

FOLDER holds xml/NAME.xml (CIBs) and cases.tsv (names and the time to plan for). A case counts if the two agree about it as it
stands; then it is changed once or more: a node that stands by, a lost member, a failed operation, another option (changes.py).
The generator makes small clusters; this finds what only large and real ones show. The seed is the case's name and the round.
A difference belongs to the first class in which the plans differ; --shrink leaves out of the CIB what is not needed for it.
"""
import argparse
import collections
import copy
import csv
import pathlib
import random
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET

from accepted import Lines, instances_move, reason
from changes import KINDS, Change
from cib_editor import option_of, set_option, set_pair
from graphs import CLASSES, Plan

# Words of Pacemaker 3 that the older program does not know.
OLD_WORDS = {"fencing-enabled": "stonith-enabled", "fencing-action": "stonith-action", "fencing-timeout": "stonith-timeout",
             "fencing-watchdog-timeout": "stonith-watchdog-timeout", "fencing-max-attempts": "stonith-max-attempts",
             "stop-removed-resources": "stop-orphan-resources", "stop-removed-actions": "stop-orphan-actions"}


def with_old_words(root):
    for pair in root.iter("nvpair"):
        if pair.get("name") in OLD_WORDS:
            pair.set("name", OLD_WORDS[pair.get("name")])
    for constraint in root.iter():
        if constraint.get("loss-policy") == "demote" and constraint.tag != "rsc_ticket":
            del constraint.attrib["loss-policy"]
    root.set("validate-with", "none")
    if not re.match(r"3\.(0\.1[4-9]|[1-9])", root.get("crm_feature_set") or ""):
        root.set("crm_feature_set", "3.0.14")  # before that the older program expects other names of fail counts
    for state in root.iter("node_state"):  # it does not know of times in them
        for name, word in (("in_ccm", "true"), ("crmd", "online")):
            if (state.get(name) or "").isdigit() and len(state.get(name)) > 1:
                state.set(name, word)
    for clone in root.iter("clone"):  # what more than one instance a node means by default
        pairs = {each.get("name"): each.get("value") for each in clone.findall("./meta_attributes/nvpair")}
        if pairs.get("clone-node-max", "1") != "1" and "globally-unique" not in pairs:
            set_pair(clone, "meta_attributes", "meta", "globally-unique", "true")
    if option_of(root, "concurrent-fencing") is None:
        set_option(root, "concurrent-fencing", "true")  # the default of Pacemaker 3
    return root


class Programs:
    def __init__(self, xbeat, folder, deepest):
        self.xbeat = xbeat
        self.cib = pathlib.Path(folder) / "cib.xml"
        self.graph = pathlib.Path(folder) / "graph.xml"
        self.deepest = deepest

    def theirs(self, now):
        self.graph.unlink(missing_ok=True)
        try:
            done = subprocess.run(["crm_simulate", "--run", "--quiet", "--show-scores", "-x", self.cib, "--save-graph", self.graph, *now],
                                  capture_output=True, text=True, timeout=60, check=False)
            return Plan(ET.parse(self.graph).getroot(), done.stdout)
        except (OSError, ET.ParseError, subprocess.TimeoutExpired):
            return None

    def ours(self, now):
        texts = []
        for form in ("--graph", "--scores") if self.deepest == "scores" else ("--graph",):
            done = subprocess.run([self.xbeat, "simulate", form, "-x", self.cib, *now], capture_output=True, text=True, timeout=60, check=False)
            if done.returncode != 0:
                return done.stderr.strip() or f"ended with {done.returncode}"
            texts.append(done.stdout)
        return Plan(ET.fromstring(texts[0]), *texts[1:])

    def difference(self, root, now):
        """(class, lines); class None: the same; "refused": by the older program; "failed": ours did."""
        self.cib.write_bytes(ET.tostring(root))
        theirs = self.theirs(now)
        if theirs is None:
            return "refused", []
        ours = self.ours(now)
        if isinstance(ours, str):
            return "failed", [f"  ! {ours}"]
        name, missing, extra = theirs.differences(ours, self.deepest)
        lines = [f"  {sign} {key if isinstance(key, str) else ' '.join(map(str, key))}"
                 for sign, some in (("-", missing), ("+", extra)) for key in sorted(some.elements(), key=str)]
        return name, lines


# --- Smaller

def units(root):
    """Lists of elements that can be left out together, large ones first; each is a list of (parent, child)."""
    parents = {child: parent for parent in root.iter() for child in parent}
    def pair(child):
        return parents[child], child
    out = []
    for resource in root.findall("./configuration/resources/*"):
        names = {each.get("id") for each in resource.iter() if each.tag in ("primitive", "group", "clone", "bundle", "template")}
        unit = [pair(resource)]
        unit += [pair(each) for each in root.iter("lrm_resource") if re.sub(r":\d+$", "", each.get("id")) in names]
        unit += [pair(each) for each in root.findall("./configuration/constraints/*")
                 if any(value in names for part in each.iter() for value in part.attrib.values())]
        out.append(unit)
    for node in root.findall("./configuration/nodes/node"):
        unit = [pair(node)] + [pair(each) for each in root.findall("./status/node_state") if each.get("id") == node.get("id")]
        out.append(unit)
    def is_needed(element):
        """The default of Pacemaker 3, and what the two read differently when it is empty."""
        return any(each.get("name") in ("concurrent-fencing", "globally-unique") for each in element.iter() if element.tag == "nvpair") or \
            any(each.get("name") == "concurrent-fencing" for each in element.iter()) or \
            (element.tag in ("expression", "date_expression") and len(parents[element]) == 1)
    for path in ("./configuration/*", "./configuration/constraints/*", "./configuration/constraints//resource_set",
                 "./configuration/constraints//resource_ref", "./status/*", ".//group/primitive", ".//lrm_resource", ".//lrm_rsc_op", ".//op",
                 ".//operations", ".//meta_attributes", ".//instance_attributes", ".//utilization", ".//nvpair", ".//rule", ".//expression"):
        out += [[pair(each)] for each in root.findall(path) if not is_needed(each)]
    return out


def shrunk(programs, root, now, difference):
    """The CIB without what the difference does not need; at least one of its lines stays."""
    wanted, lines = difference
    chunk = None
    while True:
        candidates = units(root)
        chunk = min(chunk or len(candidates), len(candidates)) or 1
        at, smaller = 0, False
        while at < len(candidates):
            some = [each for unit in candidates[at:at + chunk] for each in unit]
            removed = []
            for parent, child in some:
                if child in list(parent):
                    removed.append((parent, child, list(parent).index(child)))
                    parent.remove(child)
            name, rest = programs.difference(root, now) if removed else (None, [])
            if name == wanted and set(rest) & set(lines):
                smaller = True
            else:
                for parent, child, place in reversed(removed):
                    parent.insert(place, child)
            at += chunk
        if chunk == 1 and not smaller:
            return root
        chunk = max(1, chunk // 2) if chunk > 1 else 1


class Report:
    def __init__(self, out):
        self.out = out
        self.found = collections.Counter()
        self.by_kind = collections.Counter()
        self.by_name = collections.Counter()

    def difference(self, name, at, what, kinds, difference, root, is_shrunk=False):
        kind, lines = difference
        why = reason(root, lines) if is_shrunk else "instances of a clone that change places" if instances_move(None, Lines(lines)) else None
        if why:
            self.found["accepted"] += 1
            self.by_name[why] += 1
            return False
        self.found["different"] += 1
        self.found[kind] += 1
        self.by_kind.update(set(kinds))
        print(f"--- {name} round {at} ({kind}): {what}")
        print("\n".join(lines[:16]))
        sys.stdout.flush()
        if self.out:
            pathlib.Path(self.out).mkdir(parents=True, exist_ok=True)
            (pathlib.Path(self.out) / f"{name}-{at}.xml").write_bytes(ET.tostring(root))
        return True

    def last(self):
        of = ", ".join(f"{self.found[each]} in {each}" for each in CLASSES + ("failed",) if self.found[each])
        print(f"{self.found['changed']} changed cases, {self.found['different']} different{f' ({of})' if of else ''}, "
              f"{self.found['accepted']} accepted; {self.found['refused']} refused, "
              f"{self.found['unusable']} cases in which the two differ as they stand")
        for why, count in sorted(self.by_name.items()):
            print(f"    {count} {why}")
        if self.by_kind:
            print("changes in those: " + ", ".join(f"{count} {kind}" for kind, count in self.by_kind.most_common()))


def changed(whole, dice, kinds, most):
    """A changed copy, the words for it, and the kinds of change."""
    root = copy.deepcopy(whole)
    change = Change(root, dice)
    done = {}
    for _ in range(dice.randint(1, most)):
        kind = dice.choice(kinds)
        words = getattr(change, kind)()
        if words:
            done[kind] = words
    return with_old_words(root), "; ".join(done.values()), list(done)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--xbeat", required=True)
    parser.add_argument("--cases", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=3, help="changes of each case")
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--only", default="", help="names of cases")
    parser.add_argument("--changes", default=",".join(KINDS))
    parser.add_argument("--most", type=int, default=2, help="changes at once, at most")
    parser.add_argument("--step", type=int, default=1, help="every so many cases")
    parser.add_argument("--from", type=int, default=0, dest="start", help="leave out so many cases")
    parser.add_argument("--deepest", choices=CLASSES, default="actions", help="how much is compared")
    parser.add_argument("--shrink", action="store_true", help="leave out what a difference does not need")
    parser.add_argument("--out", help="folder for the changed cases that differ")
    parser.add_argument("files", nargs="*", help="CIBs to compare as they are")
    given = parser.parse_args()
    report = Report(given.out)
    with tempfile.TemporaryDirectory() as folder:
        programs = Programs(given.xbeat, folder, given.deepest)
        if given.files:
            for file in given.files:
                root = with_old_words(ET.parse(file).getroot())
                difference = programs.difference(root, [])
                if given.shrink and difference[0]:
                    root = shrunk(programs, root, [], difference)
                    difference = programs.difference(root, [])
                report.found["changed"] += 1
                if difference[0]:
                    report.difference(pathlib.Path(file).stem, "shrunk" if given.shrink else "as-it-is", "", [], difference, root, given.shrink)
            report.last()
            return
        with open(given.cases / "cases.tsv", encoding="utf-8") as table:
            rows = list(csv.DictReader(table, delimiter="\t"))
        if given.only:
            rows = [row for row in rows if row["name"] in given.only.split(",")]
        for row in rows[given.start::given.step]:
            name, now = row["name"], (row["args"] or "").split()
            whole = with_old_words(ET.parse(given.cases / "xml" / f"{name}.xml").getroot())
            if programs.difference(whole, now)[0] is not None:
                report.found["unusable"] += 1
                continue
            for at in range(given.first, given.first + given.rounds):
                root, what, kinds = changed(whole, random.Random(f"{name}/{at}"), given.changes.split(","), given.most)
                if not kinds:
                    continue
                difference = programs.difference(root, now)
                if difference[0] == "refused":
                    report.found["refused"] += 1
                    continue
                report.found["changed"] += 1
                if difference[0] is None:
                    continue
                if given.shrink:
                    root = shrunk(programs, root, now, difference)
                    difference = programs.difference(root, now)
                report.difference(name, at, what, kinds, difference, root, given.shrink)
    report.last()


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Random clusters that live: planned by `xbeat simulate` and by the installed crm_simulate, carried out, changed, planned again.

    walks.py --xbeat PROGRAM [--features tags,bundles,...] [--seeds N] [--first N] [--steps N]
             [--deepest placement|actions|details|order|scores] [--out FOLDER]

The configuration is wide.py's. Its history is what crm_simulate leaves behind when it carries its own plan out, so that digests, pending
records and bundles are as a cluster writes them; between two plans something happens (changes.py). A walk ends at its first difference.
Exit status 1 if a difference is left that `accepted.py` does not recognise.
"""
import argparse
import collections
import pathlib
import random
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET

from accepted import reason
from changes import KINDS, Change
from graphs import CLASSES
from mutate import Programs, shrunk, with_old_words
from wide import FEATURES, NOW, Wide


def carried_out(programs):
    """What crm_simulate makes of the CIB that was compared last; None if it does not get that far."""
    after = programs.cib.with_name("after.xml")
    after.unlink(missing_ok=True)
    try:
        subprocess.run(["crm_simulate", "--simulate", "--quiet", "-x", programs.cib, "--save-output", after], capture_output=True, timeout=5,
                       check=False)
        return ET.parse(after).getroot()
    except (OSError, ET.ParseError, subprocess.TimeoutExpired):  # its own cluster may never come to rest
        return None


def something_happens(root, dice):
    change = Change(root, dice)
    words = []
    for _ in range(dice.choice((1, 1, 2, 3))):
        words.append(getattr(change, dice.choice(KINDS))())
    root.set("execution-date", str(int(root.get("execution-date") or NOW) + dice.choice((1, 60, 3600))))
    return "; ".join(filter(None, words))


def walk(programs, feature, seed, steps):
    """Yields (root, words, difference) for each step."""
    dice = random.Random(f"walk/{feature}/{seed}")
    root = Wide(feature, seed).root()
    words = "as it is"
    for at in range(steps):
        if at > 0 or feature not in ("old", "limits"):  # these two are about the text itself
            with_old_words(root)
        difference = programs.difference(root, [])
        yield root, words, difference
        if difference[0] is not None:
            return
        root = carried_out(programs)
        if root is None or at + 1 == steps:
            return
        words = something_happens(root, dice)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--xbeat", required=True)
    parser.add_argument("--features", default=",".join(FEATURES))
    parser.add_argument("--seeds", type=int, default=10, help="walks for each feature")
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--steps", type=int, default=4, help="plans in a walk")
    parser.add_argument("--deepest", choices=CLASSES, default="actions")
    parser.add_argument("--out", help="folder for the clusters that differ")
    given = parser.parse_args()
    found = collections.Counter()
    with tempfile.TemporaryDirectory() as folder:
        programs = Programs(given.xbeat, folder, given.deepest)
        for feature in given.features.split(","):
            for seed in range(given.first, given.first + given.seeds):
                found["walks"] += 1
                for root, words, (kind, lines) in walk(programs, feature, seed, given.steps):
                    found["plans"] += 1
                    if kind == "refused":
                        found["refused"] += 1
                    if kind in (None, "refused"):
                        continue
                    root = shrunk(programs, root, [], (kind, lines))
                    kind, lines = programs.difference(root, [])
                    why = reason(root, lines)
                    found["accepted" if why else "different"] += 1
                    if why:
                        found[why] += 1
                        continue
                    print(f"--- {feature} {seed} ({kind}): {words}")
                    print("\n".join(lines[:16]))
                    sys.stdout.flush()
                    if given.out:
                        pathlib.Path(given.out).mkdir(parents=True, exist_ok=True)
                        (pathlib.Path(given.out) / f"{feature}-{seed}.xml").write_bytes(ET.tostring(root))
    print(f"{found['walks']} walks of {found['plans']} plans, {found['refused']} refused by crm_simulate, {found['accepted']} accepted differences, "
          f"{found['different']} others")
    for why, count in sorted(found.items()):
        if " " in why:
            print(f"    {count} {why}")
    sys.exit(1 if found["different"] else 0)


if __name__ == "__main__":
    main()

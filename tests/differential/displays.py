#!/usr/bin/env python3
"""What `xbeat status --xml` says of the cases in a folder, next to the installed crm_mon's XML.

    displays.py --xbeat PROGRAM --cases FOLDER [--only NAME,...] [--all] [--examples N]

FOLDER holds xml/NAME.xml. Both read the same file, without a daemon. Elements are compared with their attributes, whatever their
order. crm_mon is 2.1.5 on Debian 12, xbeat follows 3.0: what the two read differently out of the same CIB is listed in KNOWN and
counted apart (--all shows it). Exit 1 if anything else differs.
"""
import argparse
import collections
import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET

from mutate import with_old_words

# Attributes that are about the program or the moment, not about the cluster.
NOT_THE_CLUSTERS = {"pacemaker-result": None, "last_update": None, "stack": None, "status": None, "current_dc": {"version"},
                    "node": {"feature_set"}}
# What differs by version or by what old files lack: a pattern over "what: place", and why it stays.
KNOWN = (
    (r"failure@exitreason: ", "an empty reason is `none`, as where there is no reason"),
    (r"(operation_history@(exec-time|queue-time)|failure@(exec|queued)): ", "of files whose records have no times"),
    (r"failure@(id|op_key): ", "of files whose records have no operation_key"),
    (r"resource@maintenance: .*: None,", "said since 2.1.6"),
    (r"cluster_options@no-quorum-policy: .*'suicide'", "the word of 3.0 is `fence`"),
    (r"extra (resource_history: .*'fail-count'|node: /pacemaker-result\[\]/node_history)", "a count is shown without a history, too"),
    (r"extra node_history: ", "the section stands there although nothing is known of any node"),
    (r"missing resource_history: ", "two histories of one anonymous clone on one node stand together"),
    (r"missing (resource|node): /pacemaker-result\[\]/resources\[\]/resource\[|resource_history@(orphan|migration-threshold): .*, here ('true'|None)",
     "a guest's connection is a part of the guest and nothing that somebody configured"),
    (r"resources_configured@blocked: ", "what its ticket freezes is blocked"),
    (r"extra (clone|resource|node): .*/clone\[clvm-clone\]", "an instance on a node that waits to be fenced is shown"),
    (r"(node@shutdown|extra failure): ", "single old files: an orphaned guest, a record without operation_key"),
    (r"clone@target_role: ", "what is set for the primitive is shown there"),
)


def flat(element, place, found):
    """Each element as (place, attributes); the place has the names on the way."""
    name = element.get("id") or element.get("name") or element.get("op_key") or element.get("call") or ""
    skipped = NOT_THE_CLUSTERS.get(element.tag, set())
    attributes = {} if skipped is None else {key: value for key, value in element.attrib.items() if key not in skipped}
    here = f"{place}/{element.tag}[{name}]"
    found.append((here, tuple(sorted(attributes.items()))))
    for child in element:
        if not child.tag.startswith("xbeat-") and child.tag != "status":
            flat(child, here, found)


def read(words, environment):
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, env=environment, check=False)
    try:
        root = ET.fromstring(done.stdout)
    except ET.ParseError:
        return None, done.stderr.strip() or done.stdout.strip()
    found = []
    flat(root, "", found)
    return collections.Counter(found), ""


def differences(ours, theirs):
    """Lines "what: place: theirs, ours"."""
    missing, extra = dict((theirs - ours).keys()), dict((ours - theirs).keys())
    for place in sorted(missing.keys() | extra.keys()):
        tag = re.sub(r"\[.*", "", place.rsplit("/", 1)[1])
        if place not in extra:
            yield f"missing {tag}: {place} {dict(missing[place])}"
        elif place not in missing:
            yield f"extra {tag}: {place} {dict(extra[place])}"
        else:
            there, here = dict(missing[place]), dict(extra[place])
            for key in sorted(there.keys() | here.keys()):
                if there.get(key) != here.get(key):
                    yield f"{tag}@{key}: {place}: {there.get(key)!r}, here {here.get(key)!r}"


def compare(xbeat, path):
    root = with_old_words(ET.parse(path).getroot())
    root.attrib.pop("execution-date", None)  # crm_mon goes by the clock
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder, "cib.xml")
        file.write_text(ET.tostring(root, encoding="unicode"), encoding="utf-8")
        environment = dict(os.environ, TZ="UTC", CIB_file=str(file))
        theirs, why = read(["crm_mon", "--output-as=xml", "--inactive"], environment)
        if theirs is None:
            return path.stem, None, [f"crm_mon cannot read it: {why}"]
        ours, why = read([xbeat, "status", "--file", str(file), "--xml", "-rfAoLct"], environment)
        if ours is None:
            return path.stem, False, [f"unreadable: {why}"]
    return path.stem, True, list(differences(ours, theirs))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--xbeat", required=True)
    parser.add_argument("--cases", type=pathlib.Path, required=True)
    parser.add_argument("--only", type=lambda text: set(text.split(",")), default=set())
    parser.add_argument("--examples", type=int, default=3, help="of each kind")
    parser.add_argument("--all", action="store_true", help="also what is known")
    options = parser.parse_args()
    paths = [path for path in sorted((options.cases / "xml").glob("*.xml")) if not options.only or path.stem in options.only]
    if not paths:
        parser.error(f"no cases in {options.cases}/xml")
    kinds = collections.defaultdict(list)
    differing, known, unread = 0, 0, 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for name, is_read, lines in pool.map(lambda path: compare(options.xbeat, path), paths):
            if is_read is None:
                unread += 1
                continue
            new = []
            for line in lines:
                if any(re.match(pattern, line) for pattern, _ in KNOWN):
                    known += 1
                    if not options.all:
                        continue
                new.append(line)
            differing += bool(new)
            for line in new:
                kinds[line.split(":", 1)[0]].append(f"{name}: {line.split(':', 1)[1]}")
    for kind, lines in sorted(kinds.items(), key=lambda item: -len(item[1])):
        print(f"{len(lines):5} {kind}")
        for line in lines[:options.examples]:
            print(f"          {line}")
    print(f"{len(paths) - unread} cases, {differing} differ; {known} known differences; {unread} that crm_mon cannot read")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""Cases from a folder, each changed a little, planned by `xbeat simulate` and by the installed crm_simulate.

    mutate.py --xbeat PROGRAM --cases FOLDER [--rounds N] [--first N] [--only NAME,...] [--changes KIND,...] [--out FOLDER]

FOLDER holds xml/NAME.xml (CIBs) and cases.tsv (names and the time to plan for). A case counts if the two agree about it as it
stands; then it is changed once or twice: a node that stands by, a lost member, a failed operation, another option. The
generator makes small clusters; this finds what only large and real ones show. The seed is the case's name and the round.
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

from differ import actions_of, normalised

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
    if option_of(root, "concurrent-fencing") is None:
        set_option(root, "concurrent-fencing", "true")  # the default of Pacemaker 3
    return root


def option_of(root, name):
    for pair in root.findall("./configuration/crm_config/cluster_property_set/nvpair"):
        if pair.get("name") == name:
            return pair
    return None


def set_option(root, name, value):
    pair = option_of(root, name)
    if pair is None:
        config = root.find("./configuration/crm_config")
        chosen = config.find("cluster_property_set")
        if chosen is None:
            chosen = ET.SubElement(config, "cluster_property_set", id="cib-bootstrap-options")
        pair = ET.SubElement(chosen, "nvpair", id=f"changed-{name}", name=name)
    pair.set("value", value)


def set_pair(owner, tag, prefix, name, value):
    """The attribute in the first set of the element, made if there is none."""
    for pair in owner.findall(f"./{tag}/nvpair"):
        if pair.get("name") == name:
            pair.set("value", value)
            return
    chosen = owner.find(tag)
    if chosen is None or chosen.get("id-ref"):
        chosen = ET.Element(tag, id=f"changed-{prefix}-{owner.get('id')}")
        owner.insert(0, chosen)
    ET.SubElement(chosen, "nvpair", id=f"changed-{prefix}-{owner.get('id')}-{name}", name=name, value=value)


class Change:
    def __init__(self, root, dice):
        self.root = root
        self.dice = dice

    def pick(self, path):
        found = self.root.findall(path)
        return self.dice.choice(found) if found else None

    def resources(self):
        return [each for each in self.root.findall("./configuration/resources//*")
                if each.tag in ("primitive", "group", "clone", "master", "bundle")]

    def states(self):
        return [each for each in self.root.findall("./status/node_state") if each.get("remote_node") != "true"]

    def status_attribute(self, state, name, value):
        transient = state.find("transient_attributes")
        if transient is None:
            transient = ET.SubElement(state, "transient_attributes", id=state.get("id"))
        set_pair(transient, "instance_attributes", "status", name, value)
        return f"{state.get('uname') or state.get('id')}: {name}={value}"

    # --- Nodes

    def node_state(self):
        states = self.states()
        if not states:
            return None
        state = self.dice.choice(states)
        word = self.dice.choice(["lost", "down", "pending", "banned", "no process"])
        values = {"lost": ("false", "offline", "down", "member"), "down": ("false", "offline", "down", "down"),
                  "pending": ("true", "online", "pending", "member"), "banned": ("true", "online", "banned", "member"),
                  "no process": ("true", "offline", "member", "member")}[word]
        for name, value in zip(("in_ccm", "crmd", "join", "expected"), values):
            state.set(name, value)
        return f"{state.get('uname')} is {word}"

    def node_attribute(self):
        states = self.root.findall("./status/node_state")
        if not states:
            return None
        name, value = self.dice.choice([("standby", "on"), ("maintenance", "true"), ("shutdown", "1700000000"),
                                        ("terminate", "true"), ("#health-x", "red")])
        if name == "#health-x":
            set_option(self.root, "node-health-strategy", self.dice.choice(["only-green", "migrate-on-red", "progressive"]))
        return self.status_attribute(self.dice.choice(states), name, value)

    # --- Options

    def option(self):
        name, value = self.dice.choice([
            ("no-quorum-policy", "stop"), ("no-quorum-policy", "freeze"), ("no-quorum-policy", "demote"),
            ("no-quorum-policy", "ignore"), ("stop-all-resources", "true"), ("maintenance-mode", "true"),
            ("symmetric-cluster", "false"), ("placement-strategy", "balanced"), ("placement-strategy", "minimal"),
            ("placement-strategy", "utilization"), ("start-failure-is-fatal", "false"), ("stonith-enabled", "true"),
            ("stonith-enabled", "false"), ("enable-startup-probes", "false"), ("startup-fencing", "false"),
            ("stop-orphan-resources", "false"), ("stop-orphan-actions", "false"), ("concurrent-fencing", "false"),
            ("shutdown-lock", "true"), ("stonith-action", "off")])
        set_option(self.root, name, value)
        if name == "no-quorum-policy":
            self.root.set("have-quorum", "0")
        return f"{name}={value}"

    # --- Resources

    def meta(self):
        resources = self.resources()
        if not resources:
            return None
        resource = self.dice.choice(resources)
        pairs = [("target-role", "Stopped"), ("target-role", "Started"), ("is-managed", "false"), ("maintenance", "true"),
                 ("resource-stickiness", "100"), ("resource-stickiness", "INFINITY"), ("migration-threshold", "1"),
                 ("migration-threshold", "3"), ("allow-migrate", "true"), ("multiple-active", "block"),
                 ("multiple-active", "stop_only"), ("multiple-active", "stop_unexpected"), ("priority", "10"),
                 ("critical", "false"), ("failure-timeout", "60"), ("requires", "nothing"), ("requires", "quorum")]
        if resource.tag in ("clone", "master"):
            pairs = [("target-role", "Unpromoted"), ("target-role", "Stopped"), ("notify", "true"), ("interleave", "true"),
                     ("interleave", "false"), ("ordered", "true"), ("clone-max", "1"), ("clone-max", "2"), ("clone-min", "1"),
                     ("clone-node-max", "2"), ("promoted-max", "2"), ("promoted-node-max", "2"), ("promotable", "true"),
                     ("globally-unique", "true"), ("globally-unique", "false"), ("is-managed", "false")]
        name, value = self.dice.choice(pairs)
        set_pair(resource, "meta_attributes", "meta", name, value)
        return f"{resource.get('id')}: {name}={value}"

    def remove_resource(self):
        parents = [self.root.find("./configuration/resources")] + self.root.findall("./configuration/resources/group")
        parent = self.dice.choice([each for each in parents if each is not None])
        chosen = [each for each in parent if each.tag in ("primitive", "group", "clone", "bundle")]
        if len(chosen) < 2:
            return None
        gone = self.dice.choice(chosen)
        names = {each.get("id") for each in gone.iter()}
        parent.remove(gone)
        constraints = self.root.find("./configuration/constraints")
        for constraint in list(constraints if constraints is not None else []):
            if any(value in names for each in constraint.iter() for key, value in each.attrib.items() if key != "node"):
                constraints.remove(constraint)
        return f"{gone.get('id')} is gone"

    def operation(self):
        operation = self.pick("./configuration/resources//op")
        if operation is None:
            return None
        name, value = self.dice.choice([("on-fail", each) for each in ("block", "stop", "standby", "fence", "ignore", "migrate",
                                                                      "demote", "restart")] +
                                       [("enabled", "false"), ("interval", "17s"), ("role", "Stopped"), ("timeout", "33s")])
        if name in ("interval", "role") and operation.get("name") != "monitor":
            return None
        operation.set(name, value)
        return f"{operation.get('id')}: {name}={value}"

    # --- History

    def result(self):
        record = self.pick("./status/node_state/lrm/lrm_resources/lrm_resource/lrm_rsc_op")
        if record is None:
            return None
        kind = self.dice.choice(["gone", "failed", "failed", "failed", "pending", "timeout", "not installed"])
        what = f"{record.get('id')} on {record.get('on_node')}"
        if kind == "gone":
            for parent in self.root.iter("lrm_resource"):
                if record in list(parent):
                    parent.remove(record)
            return f"{what} is gone"
        rc, status = {"failed": (self.dice.choice(["1", "7", "8", "9", "0", "6"]), "0"), "pending": ("-1", "-1"),
                      "timeout": ("1", "2"), "not installed": ("5", "0")}[kind]
        record.set("rc-code", rc)
        record.set("op-status", status)
        if kind == "pending":
            record.set("call-id", "-1")
        key = record.get("transition-key") or ""
        record.set("transition-magic", f"{status}:{rc};{key}")
        return f"{what}: {kind} rc={rc}"

    def history(self):
        history = self.pick("./status/node_state/lrm/lrm_resources/lrm_resource")
        if history is None:
            return None
        for parent in self.root.iter("lrm_resources"):
            if history in list(parent):
                parent.remove(history)
        return f"history of {history.get('id')} is gone"

    def copied_history(self):
        """The resource is active on another node as well."""
        history = self.pick("./status/node_state/lrm/lrm_resources/lrm_resource")
        lists = self.root.findall("./status/node_state/lrm/lrm_resources")
        if history is None or not lists:
            return None
        chosen = self.dice.choice(lists)
        for each in list(chosen):
            if each.get("id") == history.get("id"):
                chosen.remove(each)
        chosen.append(copy.deepcopy(history))
        return f"history of {history.get('id')} is copied"

    def fail_count(self):
        state = self.dice.choice(self.root.findall("./status/node_state") or [None])
        record = None if state is None else self.dice.choice(state.findall("./lrm/lrm_resources/lrm_resource/lrm_rsc_op") or [None])
        if record is None:
            return None
        name = re.sub(r"_(monitor|start|stop|promote|demote|notify|migrate\w+)_(\d+)$", "", record.get("operation_key") or "")
        what = f"{re.sub(r':[0-9]+$', '', name)}#{record.get('operation')}_{record.get('interval') or 0}"
        self.status_attribute(state, f"last-failure-{what}", str(int(record.get("last-rc-change") or 1600000000)))
        return self.status_attribute(state, f"fail-count-{what}", self.dice.choice(["1", "3", "INFINITY"]))

    # --- Constraints

    def constraint(self):
        constraints = self.root.find("./configuration/constraints")
        if constraints is None or not len(constraints):
            return None
        chosen = self.dice.choice(list(constraints))
        kind = self.dice.choice(["gone", "changed"])
        if kind == "gone":
            constraints.remove(chosen)
            return f"{chosen.get('id')} is gone"
        if chosen.tag == "rsc_order":
            name, value = self.dice.choice([("kind", "Optional"), ("kind", "Mandatory"), ("kind", "Serialize"), ("symmetrical", "false")])
            chosen.attrib.pop("score", None)
        elif chosen.tag == "rsc_ticket":
            name, value = self.dice.choice([("loss-policy", each) for each in ("stop", "demote", "fence", "freeze")])
        else:
            name, value = "score", self.dice.choice(["INFINITY", "-INFINITY", "100", "-100"])
            if chosen.tag == "rsc_location" and chosen.get("node") is None:
                return None
        chosen.set(name, value)
        return f"{chosen.get('id')}: {name}={value}"

    def new_constraint(self):
        top = [each for each in self.root.findall("./configuration/resources/*")
               if each.tag in ("primitive", "group", "clone", "bundle")]
        nodes = self.root.findall("./configuration/nodes/node")
        constraints = self.root.find("./configuration/constraints")
        if len(top) < 2 or not nodes or constraints is None:
            return None
        one, other = (each.get("id") for each in self.dice.sample(top, 2))
        kind = self.dice.choice(["rsc_location", "rsc_colocation", "rsc_order"])
        score = self.dice.choice(["INFINITY", "-INFINITY", "100", "-100"])
        if kind == "rsc_location":
            attributes = {"rsc": one, "node": self.dice.choice(nodes).get("uname") or "", "score": score}
        elif kind == "rsc_colocation":
            attributes = {"rsc": one, "with-rsc": other, "score": score}
            if self.dice.random() < 0.3:
                attributes["with-rsc-role"] = "Promoted"
        else:
            attributes = {"first": one, "then": other, "kind": self.dice.choice(["Mandatory", "Optional"])}
            if self.dice.random() < 0.3:
                attributes["first-action"] = "promote"
                attributes["then-action"] = "start"
        ET.SubElement(constraints, kind, id="changed-constraint", **attributes)
        return f"new {kind} {attributes}"

    def ticket(self):
        state = self.pick("./status/tickets/ticket_state")
        if state is None:
            return None
        name, value = self.dice.choice([("granted", "true"), ("granted", "false"), ("standby", "true")])
        state.set(name, value)
        return f"ticket {state.get('id')}: {name}={value}"


KINDS = ("node_state", "node_attribute", "option", "meta", "remove_resource", "operation", "result", "history", "copied_history",
         "fail_count", "constraint", "new_constraint", "ticket")


class Programs:
    def __init__(self, xbeat, folder, with_pseudo):
        self.xbeat = xbeat
        self.cib = pathlib.Path(folder) / "cib.xml"
        self.graph = pathlib.Path(folder) / "graph.xml"
        self.with_pseudo = with_pseudo

    def both(self, root, now):
        """Two multisets of actions; the first is None if the reference refuses the input."""
        self.cib.write_bytes(ET.tostring(root))
        self.graph.unlink(missing_ok=True)
        subprocess.run(["crm_simulate", "--simulate", "--quiet", "-x", self.cib, "--save-graph", self.graph, *now],
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60)
        try:
            theirs = ET.parse(self.graph).getroot()
        except (OSError, ET.ParseError):
            return None, None
        done = subprocess.run([self.xbeat, "simulate", "--graph", "-x", self.cib, *now], capture_output=True, text=True, timeout=60)
        if done.returncode != 0:
            return self.actions(theirs), collections.Counter({("xbeat failed", done.stderr.strip(), "", ""): 1})
        return self.actions(theirs), self.actions(ET.fromstring(done.stdout))

    def actions(self, graph):
        out = normalised(actions_of(graph))
        if self.with_pseudo:
            for event in graph.iter("pseudo_event"):
                if event.find("attributes") is not None:
                    out[("pseudo", re.sub(r":\d+", "", event.get("operation_key")), event.get("on_node") or "", "")] += 1
        return out


def instances_move(theirs, ours):
    """Whether the older program only shuffles instances that stay here; see docs/scheduler-differences.md."""
    starts = {name for operation, name, _, _ in theirs if operation == "start"}
    stops = {name for operation, name, _, _ in theirs if operation == "stop"}
    return bool(starts & stops) and not any(operation in ("start", "stop", "stonith") for operation, _, _, _ in ours)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--xbeat", required=True)
    parser.add_argument("--cases", required=True, type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=3, help="changes of each case")
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--only", default="", help="names of cases")
    parser.add_argument("--changes", default=",".join(KINDS))
    parser.add_argument("--most", type=int, default=2, help="changes at once, at most")
    parser.add_argument("--step", type=int, default=1, help="every so many cases")
    parser.add_argument("--pseudo", action="store_true", help="compare pseudo events as well")
    parser.add_argument("--out", help="folder for the changed cases that differ")
    given = parser.parse_args()
    found = collections.Counter()
    with open(given.cases / "cases.tsv", encoding="utf-8") as table, tempfile.TemporaryDirectory() as folder:
        programs = Programs(given.xbeat, folder, given.pseudo)
        rows = list(csv.DictReader(table, delimiter="\t"))
        if given.only:
            rows = [row for row in rows if row["name"] in given.only.split(",")]
        for row in rows[::given.step]:
            name, now = row["name"], (row["args"] or "").split()
            whole = with_old_words(ET.parse(given.cases / "xml" / f"{name}.xml").getroot())
            theirs, ours = programs.both(whole, now)
            if theirs is None or theirs != ours:
                found["unusable"] += 1
                continue
            for at in range(given.first, given.first + given.rounds):
                dice = random.Random(f"{name}/{at}")
                root = copy.deepcopy(whole)
                changes = []
                for _ in range(dice.randint(1, given.most)):
                    changes.append(getattr(Change(root, dice), dice.choice(given.changes.split(",")))())
                if not any(changes):
                    continue
                theirs, ours = programs.both(root, now)
                if theirs is None:
                    found["refused"] += 1
                    continue
                found["changed"] += 1
                if theirs == ours:
                    continue
                if instances_move(theirs - ours, ours - theirs):
                    found["accepted"] += 1
                    continue
                found["different"] += 1
                print(f"--- {name} round {at}: {'; '.join(filter(None, changes))}")
                for sign, some in (("-", theirs - ours), ("+", ours - theirs)):
                    for key in sorted(some.elements(), key=str)[:12]:
                        print(f"  {sign} {' '.join(map(str, key))}")
                sys.stdout.flush()
                if given.out:
                    pathlib.Path(given.out).mkdir(parents=True, exist_ok=True)
                    (pathlib.Path(given.out) / f"{name}-{at}.xml").write_bytes(ET.tostring(root))
    print(f"{found['changed']} changed cases, {found['different']} different, {found['accepted']} that only move instances; {found['refused']} refused, "
          f"{found['unusable']} cases in which the two differ as they stand")


if __name__ == "__main__":
    main()

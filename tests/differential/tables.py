#!/usr/bin/env python3
"""Whole tables of small clusters, planned by `xbeat simulate` and by the installed crm_simulate.

    tables.py --xbeat PROGRAM [--tables nodes,failures,...] [--step N]

The generator and the changed cases meet combinations by chance; here every cell of a table is tried: each state of a node, each
result of each operation with each reaction, each operation pending, each state of a migration. Actions, details and order are
compared. Exit status 1 if anything but an accepted difference is left.
"""
import argparse
import collections
import itertools
import re
import sys
import tempfile
import xml.etree.ElementTree as ET

from generate import DIGESTS, UUID
from mutate import Programs, instances_move, with_old_words

DEVICE = '<primitive id="dev" class="stonith" type="fence_xvm"/>'
PROBED = [("monitor", 0, 7)]
STARTED = [("start", 0, 0)]


def pairs(owner, values):
    return "".join(f'<nvpair id="{owner}-{name}" name="{name}" value="{value}"/>' for name, value in values.items())


def primitive(name, meta=None, ops="", kind="Dummy"):
    return (f'<primitive id="{name}" class="ocf" provider="pacemaker" type="{kind}"><meta_attributes id="{name}-m">{pairs(name + "-m", meta or {})}'
            f'</meta_attributes><operations>{ops}</operations></primitive>')


def clone(name, inner, meta=None):
    return f'<clone id="{name}"><meta_attributes id="{name}-m">{pairs(name + "-m", meta or {})}</meta_attributes>{inner}</clone>'


def group(name, *members):
    return f'<group id="{name}">{"".join(members)}</group>'


def record(name, task, interval, code, call, node, pending=False, extra=""):
    target = 7 if (task, interval) == ("monitor", 0) else 0
    status, code, call_id = ("-1", -1, -1) if pending else ("0", code, call)
    return (f'<lrm_rsc_op id="{name}_{task}_{interval}" operation="{task}" operation_key="{name}_{task}_{interval}" '
            f'transition-key="1:{call}:{target}:{UUID}" transition-magic="{status}:{code};1:{call}:{target}:{UUID}" call-id="{call_id}" '
            f'rc-code="{code}" op-status="{status}" interval="{interval}" on_node="{node}" last-rc-change="{1700000000 + call}" '
            f'crm_feature_set="3.16.2" op-digest="{DIGESTS[interval > 0]}"{extra}/>')


class Cluster:
    """Nodes n1, n2, ...; a dictionary of what ran on each of them; what is said about single nodes."""

    def __init__(self, resources, constraints="", history=None, nodes=2, options=None, kinds=None):
        self.resources = resources
        self.constraints = constraints
        self.history = history or {}
        self.names = [f"n{number + 1}" for number in range(nodes)]
        self.options = options or {"stonith-enabled": "false"}
        self.kinds = {"dev": ("stonith", "fence_xvm"), **(kinds or {})}
        self.states = {}      # node -> attributes of its node_state
        self.attributes = {}  # node -> transient attributes
        self.permanent = {}
        self.pending = None   # (resource, node): the last operation there
        self.raw = {}         # (node, resource) -> records as text

    def history_of(self, node, resource, operations, call):
        agent_class, agent = self.kinds.get(resource, ("ocf", "Dummy"))
        provider = ' provider="pacemaker"' if agent_class == "ocf" else ""
        text = self.raw.get((node, resource))
        if text is None:
            text = "".join(record(resource, task, interval, code, call + at, node,
                                  pending=self.pending == (resource, node) and at == len(operations) - 1)
                           for at, (task, interval, code) in enumerate(operations))
        return f'<lrm_resource id="{resource}" class="{agent_class}"{provider} type="{agent}">{text}</lrm_resource>'

    def text(self):
        nodes, status, call = "", "", 1
        for number, name in enumerate(self.names, 1):
            permanent = pairs(f"p{number}", self.permanent.get(name, {}))
            nodes += f'<node id="{number}" uname="{name}"><instance_attributes id="p{number}">{permanent}</instance_attributes></node>'
            state = self.states.get(name, {"in_ccm": "true", "crmd": "online", "join": "member", "expected": "member"})
            words = " ".join(f'{key}="{value}"' for key, value in state.items() if value is not None)
            resources = ""
            for resource, operations in self.history.get(name, {}).items():
                resources += self.history_of(name, resource, operations, call)
                call += len(operations)
            transient = pairs(f"t{number}", self.attributes.get(name, {}))
            status += (f'<node_state id="{number}" uname="{name}" {words}><transient_attributes id="{number}"><instance_attributes id="t{number}">'
                       f'{transient}</instance_attributes></transient_attributes><lrm id="{number}"><lrm_resources>{resources}</lrm_resources></lrm></node_state>')
        return (f'<cib crm_feature_set="3.16.2" validate-with="none" epoch="1" num_updates="1" admin_epoch="0" have-quorum="1" dc-uuid="1" '
                f'execution-date="1700001000"><configuration><crm_config><cluster_property_set id="o">{pairs("o", self.options)}</cluster_property_set>'
                f'</crm_config><nodes>{nodes}</nodes><resources>{self.resources}</resources><constraints>{self.constraints}</constraints></configuration>'
                f'<status>{status}</status></cib>')


LOST = {"in_ccm": "false", "crmd": "offline", "join": "down", "expected": "member"}


def nodes():
    """Every state of a node, with each attribute that concerns a node, and what its resource requires."""
    states = [dict(zip(("in_ccm", "crmd", "join", "expected"), words)) for words in itertools.product(
        ("true", "false", None), ("online", "offline", None), ("member", "pending", "down", "banned", None), ("member", "down", None))]
    for fencing, state, attribute, needs in itertools.product(
            ("true", "false"), states, (None, "standby=on", "maintenance=true", "shutdown=1700000990", "terminate=true"), (None, "nothing", "quorum")):
        if needs and attribute:
            continue
        cluster = Cluster(DEVICE + primitive("a", {"requires": needs} if needs else {}) + clone("c", primitive("b")), nodes=3,
                          options={"stonith-enabled": fencing}, history={
                              "n1": {"dev": STARTED, "b": STARTED, "a": PROBED}, "n2": {"dev": PROBED, "a": STARTED, "b": STARTED},
                              "n3": {"dev": PROBED, "a": PROBED, "b": STARTED}})
        cluster.states["n2"] = state
        if attribute:
            cluster.attributes["n2"] = dict([attribute.split("=")])
        yield f"fencing={fencing} {state} {attribute} requires={needs}", cluster


def kinds_of(member, kind):
    """A resource of the kind around a primitive, and its name."""
    return {"primitive": (member, "a"), "group": (group("g", primitive("z"), member, primitive("y")), "g"), "clone": (clone("c", member), "c"),
            "promotable": (clone("c", member, {"promotable": "true"}), "c")}[kind]


def failures():
    """Every result of every operation, and every reaction to a failure, with one that depends on it."""
    for fencing, kind, (task, interval) in itertools.product(
            ("true", "false"), ("primitive", "group", "clone", "promotable"),
            (("monitor", 10000), ("monitor", 0), ("start", 0), ("stop", 0), ("promote", 0), ("demote", 0))):
        if task in ("promote", "demote") and kind != "promotable":
            continue
        results = [(code, None) for code in (0, 1, 2, 5, 6, 7, 8, 9, 190, 193)]
        results += [(code, word) for code in (1, 7) for word in ("ignore", "block", "stop", "standby", "fence", "demote", "restart")]
        for code, reaction in results:
            words = f' on-fail="{reaction}"' if reaction else ""
            ops = f'<op id="a-o" name="{task}" interval="{interval // 1000}s"{words}/>'
            if interval == 0:
                ops += '<op id="a-m" name="monitor" interval="10s"/>'
            agent = "Stateful" if kind == "promotable" else "Dummy"
            resource, name = kinds_of(primitive("a", ops=ops, kind=agent), kind)
            done = [] if task == "start" or (task, interval) == ("monitor", 0) else list(STARTED)
            if task == "demote":
                done.append(("promote", 0, 0))
            history = {"n1": {"dev": STARTED, "a": done + [(task, interval, code)], "dep": STARTED},
                       "n2": {"dev": PROBED, "a": STARTED if name == "c" else PROBED, "dep": PROBED}}
            if kind == "group":
                for node, what in (("n1", STARTED), ("n2", PROBED)):
                    history[node].update(z=what, y=what)
            yield f"fencing={fencing} {kind} {task} {interval} rc={code} on-fail={reaction}", Cluster(
                DEVICE + resource + primitive("dep"), f'<rsc_colocation id="c1" rsc="dep" with-rsc="{name}" score="INFINITY"/><rsc_order id="o1" '
                f'first="{name}" then="dep"/>', history, options={"stonith-enabled": fencing}, kinds={"a": ("ocf", agent)})


def pending():
    """Every operation in flight, while its resource is to go somewhere else, stop, or lose its node."""
    for fencing, kind, tasks, case in itertools.product(
            ("true", "false"), ("primitive", "group", "clone", "promotable"),
            (("start",), ("start", "monitor10"), ("start", "stop"), ("monitor",), ("start", "promote"), ("start", "promote", "demote")),
            ("none", "ban", "stopped", "standby", "lost", "unmanaged")):
        if kind != "promotable" and {"promote", "demote"} & set(tasks):
            continue
        agent = "Stateful" if kind == "promotable" else "Dummy"
        meta = {"stopped": {"target-role": "Stopped"}, "unmanaged": {"is-managed": "false"}}.get(case, {})
        resource, name = kinds_of(primitive("a", meta, '<op id="a-m" name="monitor" interval="10s"/>', agent), kind)
        operations = [(re.sub(r"\d", "", task), 10000 if task == "monitor10" else 0, 0) for task in tasks]
        history = {"n1": {"dev": PROBED, "a": operations}, "n2": {"dev": STARTED, "a": PROBED}}
        if kind == "group":
            for node, what in (("n1", STARTED), ("n2", PROBED)):
                history[node].update(z=what, y=what)
        cluster = Cluster(DEVICE + resource, f'<rsc_location id="l" rsc="{name}" node="n1" score="-INFINITY"/>' if case == "ban" else "", history,
                          options={"stonith-enabled": fencing}, kinds={"a": ("ocf", agent)})
        cluster.pending = ("a", "n1")
        if case == "standby":
            cluster.permanent["n1"] = {"standby": "on"}
        if case == "lost":
            cluster.states["n1"] = LOST
        yield f"fencing={fencing} {kind} {'+'.join(tasks)} {case}", cluster


def migrations():
    """Every state of a live migration from n1 to n2, what n2 knows beside, and what became of both meanwhile."""
    ends = ' migrate_source="n1" migrate_target="n2"'
    for allowed, step, known, case, fencing in itertools.product(
            (True, False), ("to pending", "to failed", "to done", "from pending", "from failed", "from done", "all done", "stop failed"),
            (None, "newer probe", "older probe", "start"),
            ("none", "ban n1", "ban n2", "stopped", "lost n1", "lost n2", "standby n1", "standby n2", "unmanaged"), ("true", "false")):
        meta = {"allow-migrate": "true"} if allowed else {}
        meta.update({"stopped": {"target-role": "Stopped"}, "unmanaged": {"is-managed": "false"}}.get(case, {}))
        constraint = f'<rsc_location id="l" rsc="v" node="{case[-2:]}" score="-INFINITY"/>' if case.startswith("ban") else ""
        cluster = Cluster(DEVICE + primitive("v", meta, '<op id="v-m" name="monitor" interval="10s"/>'), constraint,
                          {"n1": {"dev": PROBED, "v": []}, "n2": {"dev": STARTED}}, options={"stonith-enabled": fencing})
        source = record("v", "start", 0, 0, 25, "n1")
        source += record("v", "migrate_to", 0, int(step == "to failed"), 30, "n1", step == "to pending", ends)
        target = {None: "", "newer probe": record("v", "monitor", 0, 7, 50, "n2"), "older probe": record("v", "monitor", 0, 7, 23, "n2"),
                  "start": record("v", "start", 0, 0, 24, "n2")}[known]
        if not step.startswith("to"):
            target += record("v", "migrate_from", 0, int(step == "from failed"), 32, "n2", step == "from pending", ends)
        if step in ("all done", "stop failed"):
            source += record("v", "stop", 0, int(step == "stop failed"), 34, "n1")
        cluster.raw[("n1", "v")] = source
        if target:
            cluster.history["n2"]["v"] = []
            cluster.raw[("n2", "v")] = target
        if case.startswith("lost"):
            cluster.states[case[-2:]] = LOST
        if case.startswith("standby"):
            cluster.permanent[case[-2:]] = {"standby": "on"}
        yield f"allowed={allowed} {step}, n2 knows: {known}, {case}, fencing={fencing}", cluster


TABLES = {"nodes": nodes, "failures": failures, "pending": pending, "migrations": migrations}


def accepted(lines):
    """Why a difference is none of ours; see docs/scheduler-differences.md. None if it may be one."""
    if instances_move(lines):
        return "instances move"
    if all(re.match(r"  \+ (stop|monitor|pseudo \w+_stop_0) .*-> start ", line) for line in lines):
        return "a new member before an active one"
    sides = [sorted(re.sub(r" on-fail=\w+", "", line[4:]) for line in lines if line[2] == sign) for sign in "-+"]
    if sides[0] == sides[1] and all(line.startswith("stop ") for line in sides[0]):
        return "a reaction that a stop cannot have"
    if lines == ["  - pseudo g_start_0"]:
        return "open: the event that begins a group in which nothing can start"
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--xbeat", required=True)
    parser.add_argument("--tables", default=",".join(TABLES))
    parser.add_argument("--step", type=int, default=1, help="every so many cells")
    given = parser.parse_args()
    found = collections.Counter()
    with tempfile.TemporaryDirectory() as folder:
        programs = Programs(given.xbeat, folder, "order")
        for table in given.tables.split(","):
            for name, cluster in itertools.islice(TABLES[table](), 0, None, given.step):
                kind, lines = programs.difference(with_old_words(ET.fromstring(cluster.text())), [])
                found["cells"] += 1
                if kind is None:
                    continue
                if kind != "refused" and accepted(lines):
                    found["accepted"] += 1
                    continue
                found["different"] += 1
                print(f"--- {table}: {name} ({kind})")
                print("\n".join(lines[:10]))
                sys.stdout.flush()
    print(f"{found['cells']} cells, {found['accepted']} accepted differences, {found['different']} others")
    sys.exit(1 if found["different"] else 0)


if __name__ == "__main__":
    main()

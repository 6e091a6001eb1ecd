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

from accepted import Lines, instances_move
from generate import DIGESTS, UUID
from mutate import Programs, with_old_words
from wide import BOOLEANS, DURATIONS, NUMBERS

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
        self.use = {}         # node -> capacity
        self.quorum = "1"

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
            use = f'<utilization id="u{number}">{pairs(f"u{number}", {"cpu": self.use[name]})}</utilization>' if name in self.use else ""
            nodes += f'<node id="{number}" uname="{name}"><instance_attributes id="p{number}">{permanent}</instance_attributes>{use}</node>'
            state = self.states.get(name, {"in_ccm": "true", "crmd": "online", "join": "member", "expected": "member"})
            words = " ".join(f'{key}="{value}"' for key, value in state.items() if value is not None)
            resources = ""
            for resource, operations in self.history.get(name, {}).items():
                resources += self.history_of(name, resource, operations, call)
                call += len(operations)
            transient = pairs(f"t{number}", self.attributes.get(name, {}))
            status += (f'<node_state id="{number}" uname="{name}" {words}><transient_attributes id="{number}"><instance_attributes id="t{number}">'
                       f'{transient}</instance_attributes></transient_attributes><lrm id="{number}"><lrm_resources>{resources}</lrm_resources></lrm></node_state>')
        return (f'<cib crm_feature_set="3.16.2" validate-with="none" epoch="1" num_updates="1" admin_epoch="0" have-quorum="{self.quorum}" dc-uuid="1" '
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


def valued():
    """Where a value stands, and a cluster whose plan tells what it is taken for."""
    use = lambda name, amount: f'<utilization id="{name}-u"><nvpair id="{name}-u-c" name="cpu" value="{amount}"/></utilization>'
    def plain(meta=None, ops="", inside=""):
        return primitive("a", meta, ops).replace("</primitive>", inside + "</primitive>")
    failed = {"n1": {"a": STARTED}, "n2": {"a": PROBED}}
    def failing(cluster, count):
        cluster.attributes["n1"] = {"fail-count-a#monitor_10000": count, "last-failure-a#monitor_10000": "1700000900"}
        return cluster
    def with_use(cluster, **of):
        cluster.options["placement-strategy"] = "utilization"
        cluster.use = of
        return cluster
    promoting = {"promotable": "true"}
    scored = {"n1": {"master-b": "10"}, "n2": {"master-b": "5"}}
    def promotable(meta, attributes=None):
        cluster = Cluster(clone("c", primitive("b", kind="Stateful"), {**promoting, **meta}), history={"n1": {"b": STARTED}, "n2": {"b": STARTED}},
                          kinds={"b": ("ocf", "Stateful")})
        cluster.attributes = attributes or scored
        return cluster
    monitor = lambda **words: '<op id="a-m" name="monitor" ' + " ".join(f'{name.replace("_", "-")}="{value}"' for name, value in words.items()) + "/>"
    running = {"n1": {"a": STARTED, "z": STARTED}, "n2": {"a": PROBED, "z": PROBED}}
    numbers = {
        "priority": lambda v: with_use(Cluster(primitive("b", {"priority": "5"}).replace("</primitive>", use("b", 1) + "</primitive>") +
                                               plain({"priority": v}, inside=use("a", 1)), nodes=1), n1="1"),
        "resource-stickiness": lambda v: Cluster(plain({"resource-stickiness": v}), '<rsc_location id="l" rsc="a" node="n2" score="50"/>', failed),
        "migration-threshold": lambda v: failing(Cluster(plain({"migration-threshold": v}), history=failed), "3"),
        "fail-count": lambda v: failing(Cluster(plain({"migration-threshold": "3"}), history=failed), v),
        "clone-max": lambda v: Cluster(clone("c", primitive("b"), {"clone-max": v})),
        "clone-node-max": lambda v: Cluster(clone("c", primitive("b"), {"clone-node-max": v, "clone-max": "3", "globally-unique": "true"})),
        "clone-min": lambda v: Cluster(clone("c", primitive("b"), {"clone-min": v}) + plain(), '<rsc_order id="o1" first="c" then="a"/>'),
        "promoted-max": lambda v: promotable({"promoted-max": v}), "promoted-node-max": lambda v: promotable({"promoted-node-max": v}),
        "a promotion score": lambda v: promotable({}, {"n1": {"master-b": v}, "n2": {"master-b": "5"}}),
        "the score of a location": lambda v: Cluster(plain(), f'<rsc_location id="l" rsc="a" node="n2" score="{v}"/>'),
        "the score of a rule": lambda v: Cluster(plain(), f'<rsc_location id="l" rsc="a"><rule id="l-r" score="{v}"><expression id="l-e" attribute="#uname" '
                                                 'operation="eq" value="n2"/></rule></rsc_location>'),
        "the score of a colocation": lambda v: Cluster(plain() + primitive("z"), f'<rsc_colocation id="k" rsc="z" with-rsc="a" score="{v}"/>'),
        "the score of an order": lambda v: Cluster(plain({"target-role": "Stopped"}) + primitive("z"), f'<rsc_order id="o1" first="a" then="z" score="{v}"/>'),
        "what is used": lambda v: with_use(Cluster(plain(inside=use("a", v))), n1="1", n2="5"),
        "what is there": lambda v: with_use(Cluster(plain(inside=use("a", 1))), n1=v, n2="1"),
        "node-health-base": lambda v: Cluster(plain(), options={"stonith-enabled": "false", "node-health-strategy": "progressive", "node-health-base": v}),
    }
    durations = {
        "failure-timeout": lambda v: failing(Cluster(plain({"migration-threshold": "1", "failure-timeout": v}), history=failed), "1"),
        "an interval": lambda v: Cluster(plain(ops=monitor(interval=v))), "a timeout": lambda v: Cluster(plain(ops=monitor(interval="10s", timeout=v))),
        "a start-delay": lambda v: Cluster(plain(ops=monitor(interval="10s", start_delay=v))),
        "priority-fencing-delay": lambda v: lost(Cluster(DEVICE + plain({"priority": "5"}), history={"n1": {"dev": STARTED}, "n2": {"a": STARTED}},
                                                         options={"stonith-enabled": "true", "priority-fencing-delay": v})),
        "shutdown-lock-limit": lambda v: leaving(Cluster(plain(), history=failed, options={"stonith-enabled": "false", "shutdown-lock": "true", "shutdown-lock-limit": v})),
    }
    def lost(cluster):
        cluster.states["n2"] = LOST
        return cluster
    def leaving(cluster):
        cluster.attributes["n1"] = {"shutdown": "1700000900"}
        return cluster
    booleans = {
        "is-managed": lambda v: Cluster(plain({"is-managed": v, "target-role": "Stopped"}), history=failed),
        "maintenance": lambda v: Cluster(plain({"maintenance": v, "target-role": "Stopped"}), history=failed),
        "allow-migrate": lambda v: Cluster(plain({"allow-migrate": v}), '<rsc_location id="l" rsc="a" node="n2" score="50"/>', failed),
        "notify": lambda v: Cluster(clone("c", primitive("b"), {"notify": v})), "ordered": lambda v: Cluster(clone("c", primitive("b"), {"ordered": v})),
        "promotable": lambda v: Cluster(clone("c", primitive("b", kind="Stateful"), {"promotable": v})),
        "globally-unique": lambda v: Cluster(clone("c", primitive("b"), {"globally-unique": v})),
        "enabled": lambda v: Cluster(plain(ops=monitor(interval="10s", enabled=v))),
        "symmetrical": lambda v: Cluster(plain({"target-role": "Stopped"}) + primitive("z"), f'<rsc_order id="o1" first="a" then="z" symmetrical="{v}"/>', running),
        "influence": lambda v: Cluster(plain() + primitive("z"), f'<rsc_colocation id="k" rsc="z" with-rsc="a" score="INFINITY" influence="{v}"/>'
                                       '<rsc_location id="l" rsc="z" node="n2" score="50"/>', running),
        **{name: lambda v, name=name: Cluster(plain(ops=monitor(interval="10s")), history=running, options={"stonith-enabled": "false", name: v})
           for name in ("symmetric-cluster", "maintenance-mode", "stop-all-resources", "stop-orphan-resources", "stonith-enabled", "enable-startup-probes")},
        "standby": lambda v: standing(v),
    }
    def standing(value):
        cluster = Cluster(plain(), history=failed)
        cluster.permanent["n1"] = {"standby": value}
        return cluster
    words = {
        "target-role": (("Stopped", "stopped", "STARTED", "Master", "Slave", "Promoted", "", "odd", "Stopped ", "#default"),
                        lambda v: promotable({"target-role": v})),
        "multiple-active": (("block", "BLOCK", "stop_only", "stop_start", "stop_unexpected", "", "odd"),
                            lambda v: Cluster(plain({"multiple-active": v}), history={"n1": {"a": STARTED}, "n2": {"a": STARTED}})),
        "requires": (("nothing", "Nothing", "quorum", "fencing", "unfencing", "", "odd"),
                     lambda v: lost(Cluster(DEVICE + plain({"requires": v}), history={"n1": {"dev": STARTED}, "n2": {"a": STARTED}}, options={"stonith-enabled": "true"}))),
        "on-fail": (("ignore", "IGNORE", "block", "stop", "standby", "fence", "restart", "restart-container", "demote", "", "odd"),
                    lambda v: Cluster(plain(ops=monitor(interval="10s", on_fail=v)), history={"n1": {"a": STARTED + [("monitor", 10000, 7)]}, "n2": {"a": PROBED}})),
        "no-quorum-policy": (("stop", "STOP", "freeze", "ignore", "demote", "suicide", "", "odd"), lambda v: without_quorum(
            Cluster(plain() + primitive("z"), history=failed, options={"stonith-enabled": "false", "no-quorum-policy": v}))),
        "kind": (("Mandatory", "mandatory", "Optional", "Serialize", "", "odd"), lambda v: Cluster(
            plain({"target-role": "Stopped"}) + primitive("z"), f'<rsc_order id="o1" first="a" then="z" kind="{v}"/>')),
        "first-action": (("start", "START", "stop", "promote", "demote", "", "odd", "monitor"), lambda v: Cluster(
            plain({"target-role": "Stopped"}) + primitive("z"), f'<rsc_order id="o1" first="a" then="z" first-action="{v}"/>', running)),
        "placement-strategy": (("default", "balanced", "Balanced", "minimal", "utilization", "", "odd"), lambda v: placed(v)),
    }
    def without_quorum(cluster):
        cluster.quorum = "0"
        return cluster
    def placed(strategy):
        cluster = with_use(Cluster(plain(inside=use("a", 1)) + primitive("z").replace("</primitive>", use("z", 1) + "</primitive>")), n1="1", n2="5")
        cluster.options["placement-strategy"] = strategy
        return cluster
    numbers["clone-max"] = lambda v, made=numbers["clone-max"]: made(v if int(re.match(r"\s*(\d*)", v)[1] or 0) < 1000 else "7")  # it makes them all
    for values, places in ((NUMBERS, numbers), (DURATIONS, durations), (BOOLEANS, booleans)):
        for (place, made), value in itertools.product(places.items(), values):
            yield f"{place}: {value!r}", made(value)
    for place, (values, made) in words.items():
        for value in values:
            yield f"{place}: {value!r}", made(value)


TABLES = {"values": valued, "nodes": nodes, "failures": failures, "pending": pending, "migrations": migrations}


def accepted_value(name):
    """Values that are read otherwise since 3.0, or here; see docs/scheduler-differences.md."""
    place, value = name.split(": ", 1)
    value = value.strip("'")
    if re.search(r"\d{20}", value):
        return "numbers past 64 bits"
    if place in ("a timeout", "a start-delay", "an interval") and (value.startswith("P") or value == "99999999999"):
        return "durations of ISO 8601, and such as are too long"
    if place == "a timeout" and value in ("0", "10us"):
        return "a timeout of nothing"
    if place == "first-action" and value == "START":
        return "actions in capitals"
    return None


def accepted(lines, name=""):
    """Why a difference is none of ours; see docs/scheduler-differences.md. None if it may be one."""
    if ": '" in name and accepted_value(name):
        return accepted_value(name)
    if instances_move(None, Lines(lines)):
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
                if kind != "refused" and accepted(lines, name):
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

"""Random clusters by feature: a list of parts, so that a difference can be shrunk by leaving parts out.

A part is a tuple (kind, name, text). Parts of kind "constraint" and "history" name the resources they need; a part whose
needs are gone is gone as well. The same seed and feature give the same cluster.
"""
import random
from dataclasses import dataclass, field

FEATURES = ("plain", "location", "colocation", "order", "group", "clone", "promotable", "failure", "fencing", "standby",
            "maintenance", "utilization", "ticket", "migration", "quorum", "sets", "rules", "recovery", "roles",
            "guest", "everything")
# MD5 of " <parameters/>\\n", and of the same with CRM_meta_timeout="20000": what an operation without parameters records.
DIGESTS = ("f2317cad3d54cec5d7d7aa7d0bf35cf8", "4811cef7f7f94e3a35a70be7916cb2fd")
UUID = "00000000-0000-0000-0000-000000000000"


@dataclass
class Part:
    kind: str  # option, node, resource, constraint, history, attribute
    text: str
    name: str = ""
    needs: tuple = ()
    node: str = ""
    extra: dict = field(default_factory=dict)


def nvpair(owner, name, value):
    return f'<nvpair id="{owner}-{name}" name="{name}" value="{value}"/>'


def metas(owner, pairs):
    if not pairs:
        return ""
    return f'<meta_attributes id="{owner}-meta">' + "".join(nvpair(f"{owner}-meta", k, v) for k, v in pairs.items()) + \
        "</meta_attributes>"


class Cluster:
    def __init__(self, feature, seed):
        self.random = random.Random(f"{feature}/{seed}")
        self.feature = feature
        self.parts = []
        self.primitives = []  # (history name, is promotable, is in clone)
        self.top = []
        self.build()

    def has(self, *features):
        return self.feature in features or (self.feature == "everything" and self.random.random() < 0.6)

    def chance(self, probability):
        return self.random.random() < probability

    def add(self, kind, text, **rest):
        self.parts.append(Part(kind, text, **rest))

    def option(self, name, value):
        self.add("option", nvpair("options", name, value), name=name)

    # --- What the parts are

    def primitive_xml(self, name, pairs=None, promotable=False, utilization=None):
        reaction = self.random.choice(("block", "stop", "standby", "fence", "ignore", "migrate", "restart"))
        words = f' on-fail="{reaction}"' if self.has("recovery") and self.chance(0.4) else ""
        ops = f'<op id="{name}-mon" name="monitor" interval="10s"{words}/>'
        if promotable:
            ops = (f'<op id="{name}-monp" name="monitor" interval="9s" role="Promoted"/>'
                   f'<op id="{name}-monu" name="monitor" interval="10s" role="Unpromoted"/>')
        use = "" if not utilization else f'<utilization id="{name}-use">{nvpair(name + "-use", "cpu", utilization)}</utilization>'
        kind = "Stateful" if promotable else "Dummy"
        return (f'<primitive id="{name}" class="ocf" provider="pacemaker" type="{kind}">{metas(name, pairs)}{use}'
                f'<operations>{ops}</operations></primitive>')

    def meta_pairs(self):
        pairs = {}
        if self.has("location", "colocation", "failure", "order") and self.chance(0.4):
            pairs["resource-stickiness"] = self.random.choice(["0", "1", "100", "INFINITY"])
        if self.has("failure") and self.chance(0.5):
            pairs["migration-threshold"] = self.random.choice(["1", "2", "3"])
        if self.has("migration") and self.chance(0.8):
            pairs["allow-migrate"] = "true"
        if self.has("maintenance") and self.chance(0.3):
            pairs["is-managed"] = "false"
        if self.has("recovery"):
            for key, values in (("failure-timeout", ("60", "1000000")), ("migration-threshold", ("1", "2")),
                                ("multiple-active", ("block", "stop_only", "stop_unexpected")), ("critical", ("false",)),
                                ("requires", ("nothing", "quorum"))):
                if self.chance(0.25):
                    pairs[key] = self.random.choice(values)
        if self.has("standby", "group", "order") and self.chance(0.15):
            pairs["target-role"] = "Stopped"
        if self.has("colocation") and self.chance(0.2):
            pairs["priority"] = self.random.choice(["1", "10"])
        return pairs

    def add_primitive(self, name):
        use = self.random.choice([None, "1", "2", "4"]) if self.has("utilization") else None
        self.add("resource", self.primitive_xml(name, self.meta_pairs(), utilization=use), name=name)
        self.primitives.append((name, False, False))
        self.top.append(name)

    def add_group(self, name):
        members = [f"{name}-{letter}" for letter in "abc"[:self.random.randint(1, 3)]]
        text = "".join(self.primitive_xml(member) for member in members)
        self.add("resource", f'<group id="{name}">{metas(name, self.meta_pairs())}{text}</group>', name=name)
        self.primitives += [(member, False, False) for member in members]
        self.top.append(name)

    def add_clone(self, name, promotable):
        pairs = {}
        if self.chance(0.5):
            pairs["interleave"] = "true"
        if self.chance(0.3):
            pairs["clone-max"] = self.random.choice(["1", "2"])
        if self.chance(0.2):
            pairs["ordered"] = "true"
        if self.chance(0.2):
            pairs["notify"] = "true"
        if promotable:
            pairs["promotable"] = "true"
            if self.chance(0.2):
                pairs["promoted-max"] = "2"
        if self.has("roles"):
            if self.chance(0.3):
                pairs["clone-min"] = self.random.choice(["1", "2"])
            if self.chance(0.2):
                pairs["target-role"] = self.random.choice(["Stopped", "Unpromoted"] if promotable else ["Stopped"])
        inner = f"{name}-in"
        self.add("resource", f'<clone id="{name}">{metas(name, pairs)}{self.primitive_xml(inner, None, promotable)}</clone>',
                 name=name)
        self.primitives.append((inner, promotable, True))
        self.top.append(name)

    def score(self):
        return self.random.choice(["INFINITY", "-INFINITY", "100", "-100", "50", "1"])

    def two(self):
        return self.random.sample(self.top, 2)

    def add_constraints(self):
        names = [part.name for part in self.parts if part.kind == "node"]
        for at in range(self.random.randint(1, 4) if self.has("location", "colocation", "clone", "promotable") else 0):
            rsc = self.random.choice(self.top)
            self.add("constraint", f'<rsc_location id="loc-{at}" rsc="{rsc}" node="{self.random.choice(names)}" '
                                   f'score="{self.score()}"/>', needs=(rsc,))
        if self.has("rules"):
            for at in range(2):
                rsc = self.random.choice(self.top)
                op = self.random.choice(["eq", "ne", "lt", "gt", "lte", "gte"])
                self.add("constraint", f'<rsc_location id="rule-{at}" rsc="{rsc}"><rule id="rule-{at}-r" score="{self.score()}" '
                                       f'boolean-op="{self.random.choice(["and", "or"])}"><expression id="rule-{at}-e" attribute="rack" '
                                       f'operation="{op}" value="{self.random.randint(1, 3)}"/><expression id="rule-{at}-f" '
                                       f'attribute="disk" operation="defined"/></rule></rsc_location>', needs=(rsc,))
        if len(self.top) < 2:
            return
        for at in range(self.random.randint(1, 3) if self.has("colocation", "promotable", "group", "clone") else 0):
            one, other = self.two()
            self.add("constraint", f'<rsc_colocation id="col-{at}" rsc="{one}" with-rsc="{other}" score="{self.score()}"/>',
                     needs=(one, other))
        if self.has("roles"):
            self.add_role_constraints()
        for at in range(self.random.randint(1, 3) if self.has("order", "group", "clone", "migration", "promotable") else 0):
            one, other = self.two()
            kind = self.random.choice(["Mandatory", "Mandatory", "Optional", "Serialize"])
            rest = ' symmetrical="false"' if self.chance(0.2) else ""
            self.add("constraint", f'<rsc_order id="ord-{at}" first="{one}" then="{other}" kind="{kind}"{rest}/>',
                     needs=(one, other))
        if self.has("sets") and len(self.top) > 2:
            for at, word in enumerate(("rsc_order", "rsc_colocation")):
                chosen = self.random.sample(self.top, min(4, len(self.top)))
                middle = max(1, len(chosen) // 2)
                sets = ""
                for number, members in enumerate((chosen[:middle], chosen[middle:])):
                    flags = ' sequential="false"' if self.chance(0.5) else ""
                    if word == "rsc_order" and self.chance(0.3):
                        flags += ' require-all="false"'
                    refs = "".join(f'<resource_ref id="{member}"/>' for member in members)
                    sets += f'<resource_set id="set-{at}-{number}"{flags}>{refs}</resource_set>'
                score = ' score="INFINITY"' if word == "rsc_colocation" else ""
                self.add("constraint", f'<{word} id="sets-{at}"{score}>{sets}</{word}>', needs=tuple(chosen))
        if self.has("ticket"):
            rsc = self.random.choice(self.top)
            policy = self.random.choice(["stop", "demote", "freeze"])
            self.add("constraint", f'<rsc_ticket id="tick" rsc="{rsc}" ticket="T" loss-policy="{policy}"/>', needs=(rsc,))

    def add_role_constraints(self):
        clones = [name for name in self.top if name.startswith("m")]
        others = [name for name in self.top if name not in clones]
        if not clones or not others:
            return
        one, other = self.random.choice(clones), self.random.choice(others)
        self.add("constraint", f'<rsc_colocation id="role" rsc="{other}" with-rsc="{one}" with-rsc-role="Promoted" '
                               f'score="{self.score()}"/>', needs=(one, other))
        if self.chance(0.7):
            self.add("constraint", f'<rsc_order id="role-order" first="{one}" first-action="promote" then="{other}" '
                                   f'then-action="start"/>', needs=(one, other))
        if self.chance(0.4):
            self.add("constraint", f'<rsc_location id="role-loc" rsc="{one}"><rule id="role-loc-r" role="Promoted" '
                                   f'score="{self.score()}"><expression id="role-loc-e" attribute="#uname" operation="eq" '
                                   f'value="n2"/></rule></rsc_location>', needs=(one,))

    def add_guest(self, name):
        """A resource that a guest node runs on, and the guest."""
        text = (f'<primitive id="{name}" class="ocf" provider="pacemaker" type="Dummy">{metas(name, {"remote-node": name + "-node"})}'
                f'<operations><op id="{name}-mon" name="monitor" interval="10s"/></operations></primitive>')
        self.add("resource", text, name=name)
        self.primitives.append((name, False, False))
        self.top.append(name)

    def add_history(self):
        names = [part.name for part in self.parts if part.kind == "node"]
        for name, promotable, cloned in self.primitives:
            active = set()
            if self.chance(0.7):
                most = len(names) if cloned else 2 if self.has("recovery") and self.chance(0.3) else 1
                active = set(self.random.sample(names, min(len(names), self.random.randint(1, most))))
            for node in names:
                if self.chance(0.1):
                    continue  # never probed there
                if node not in active:
                    self.add("history", "", needs=(name,), node=node, extra={"ops": [("monitor", 0, 7, 7)]})
                    continue
                ops = [("start", 0, 0, 0)]
                if promotable and self.chance(0.4):
                    ops.append(("promote", 0, 0, 0))
                    ops.append(("monitor", 9000, 8, 8))
                else:
                    ops.append(("monitor", 10000, 0, 0))
                if self.has("failure", "recovery") and self.chance(0.3):
                    ops.append((ops[-1][0], ops[-1][1], self.random.choice([1, 7]), ops[-1][3]))
                if self.has("failure") and self.chance(0.08):
                    ops.append(("stop", 0, 1, 0))
                self.add("history", "", needs=(name,), node=node, extra={"ops": ops})
                if promotable and self.chance(0.7):
                    self.add("attribute", "", needs=(name,), node=node,
                             extra={"name": f"master-{name}", "value": self.random.choice(["5", "10", "100"])})
                if self.has("failure") and self.chance(0.3):
                    self.add("attribute", "", needs=(name,), node=node,
                             extra={"name": f"fail-count-{name}#monitor_10000", "value": self.random.choice(["1", "2"])})

    def build(self):
        count = self.random.randint(2, 4)
        fencing = self.has("fencing")
        self.option("stonith-enabled", "true" if fencing else "false")
        if self.has("maintenance") and self.chance(0.2):
            self.option("maintenance-mode", "true")
        if self.has("utilization"):
            self.option("placement-strategy", self.random.choice(["utilization", "balanced", "minimal"]))
        if self.has("quorum"):
            self.option("no-quorum-policy", self.random.choice(["stop", "freeze", "ignore", "demote"]))
        for number in range(1, count + 1):
            state = "online"
            if fencing and number > 1 and self.chance(0.35):
                state = "lost"
            elif self.has("standby", "quorum") and number > 1 and self.chance(0.3):
                state = "down"
            attributes = {}
            if self.has("standby") and self.chance(0.3):
                attributes["standby"] = "on"
            if self.has("maintenance") and self.chance(0.2):
                attributes["maintenance"] = "true"
            if self.has("rules"):
                attributes["rack"] = str(self.random.randint(1, 3))
                if self.chance(0.5):
                    attributes["disk"] = "ssd"
            use = self.random.choice(["2", "4", "6"]) if self.has("utilization") else ""
            self.add("node", "", name=f"n{number}", extra={"state": state, "attributes": attributes, "cpu": use, "id": number})
        if fencing:
            self.add("resource", '<primitive id="shooter" class="stonith" type="fence_xvm"/>', name="shooter")
        for number in range(self.random.randint(1, 4)):
            roll = self.random.random()
            if self.has("guest") and roll < 0.4:
                self.add_guest(f"v{number}")
            elif self.has("group", "recovery") and roll < 0.6:
                self.add_group(f"g{number}")
            elif self.has("promotable", "roles", "recovery") and roll < 0.7:
                self.add_clone(f"m{number}", True)
            elif self.has("clone") and roll < 0.8:
                self.add_clone(f"c{number}", False)
            else:
                self.add_primitive(f"r{number}")
        self.add_constraints()
        self.add_history()


def history_xml(node, parts):
    resources = {}
    call = 0
    for part in parts:
        if part.kind != "history" or part.node != node.name:
            continue
        name = part.needs[0]
        for task, interval, rc, target in part.extra["ops"]:
            call += 1
            identity = f"{name}_last_failure_0" if rc != target else f"{name}_last_0" if interval == 0 else f"{name}_{task}_{interval}"
            key = f"{call}:1:{target}:{UUID}"
            resources.setdefault(name, {})[identity] = (
                f'<lrm_rsc_op id="{identity}" operation_key="{name}_{task}_{interval}" operation="{task}" call-id="{call}" '
                f'rc-code="{rc}" op-status="0" interval="{interval}" last-rc-change="{1700000000 + call}" '
                f'crm_feature_set="3.16.2" transition-key="{key}" transition-magic="0:{rc};{key}" on_node="{node.name}" exec-time="0" queue-time="0" '
                f'op-digest="{DIGESTS[interval > 0]}"/>')
    out = ""
    for name, records in resources.items():
        kind = "Stateful" if name.startswith("m") else "Dummy"
        out += f'<lrm_resource id="{name}" type="{kind}" class="ocf" provider="pacemaker">{"".join(records.values())}</lrm_resource>'
    return out


STATES = {"online": ("true", "online", "member", "member"), "lost": ("false", "offline", "down", "member"),
          "down": ("false", "offline", "down", "down")}


def primitives_in(text):
    return [piece.split('"')[1] for piece in text.split("<primitive id=")[1:]]


def present(parts):
    """The parts whose needs are met."""
    names = set()
    for part in parts:
        if part.kind == "resource":
            names.add(part.name)
            names.update(primitives_in(part.text))
    nodes = {part.name for part in parts if part.kind == "node"}
    def node_of(text):
        return text.split(' node="')[1].split('"')[0] if ' node="' in text else ""
    return [part for part in parts if all(need in names for need in part.needs) and (not part.node or part.node in nodes)
            and (part.kind != "constraint" or not node_of(part.text) or node_of(part.text) in nodes)]


def cib_of(parts):
    parts = present(parts)
    of = lambda kind: [part for part in parts if part.kind == kind]
    nodes, status = "", ""
    online = 0
    for node in of("node"):
        number = node.extra["id"]
        attributes = "".join(nvpair(f"nodes-{number}", k, v) for k, v in node.extra["attributes"].items())
        use = f'<utilization id="use-{number}">{nvpair(f"use-{number}", "cpu", node.extra["cpu"])}</utilization>' if node.extra["cpu"] else ""
        nodes += (f'<node id="{number}" uname="{node.name}"><instance_attributes id="nodes-{number}">{attributes}'
                  f'</instance_attributes>{use}</node>')
        member, process, join, expected = STATES[node.extra["state"]]
        online += node.extra["state"] == "online"
        transient = "".join(nvpair(f"status-{number}", p.extra["name"].replace("#", "."), p.extra["value"]).replace(
            f'name="{p.extra["name"].replace("#", ".")}"', f'name="{p.extra["name"]}"')
            for p in of("attribute") if p.node == node.name)
        status += (f'<node_state id="{number}" uname="{node.name}" in_ccm="{member}" crmd="{process}" join="{join}" '
                   f'expected="{expected}"><transient_attributes id="{number}"><instance_attributes id="status-{number}">{transient}'
                   f'</instance_attributes></transient_attributes><lrm id="{number}"><lrm_resources>{history_xml(node, parts)}'
                   f'</lrm_resources></lrm></node_state>')
    quorum = 1 if 2 * online > len(of("node")) else 0
    join = lambda kind: "".join(part.text for part in of(kind))
    return (f'<cib crm_feature_set="3.16.2" validate-with="pacemaker-3.9" epoch="1" num_updates="1" admin_epoch="0" '
            f'have-quorum="{quorum}" dc-uuid="1" execution-date="1700001000"><configuration><crm_config>'
            f'<cluster_property_set id="options">{join("option")}</cluster_property_set></crm_config><nodes>{nodes}</nodes>'
            f'<resources>{join("resource")}</resources><constraints>{join("constraint")}</constraints></configuration>'
            f'<status>{status}</status></cib>')

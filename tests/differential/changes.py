"""Changes of a CIB that happen in a cluster's life: one method a kind, each returns what it did, or None if it found nothing to do."""
import copy
import re
import xml.etree.ElementTree as ET

from cib_editor import DIGEST, Editor, set_option, set_pair

NUMBERS = ("0", "1", "2", "100")
SCORES = ("INFINITY", "-INFINITY", "100", "-100", "1", "-1", "0")
REACTIONS = ("block", "stop", "standby", "fence", "ignore", "demote", "restart", "restart-container")
OPTIONS = {
    "no-quorum-policy": ("stop", "freeze", "demote", "ignore", "suicide"), "stop-all-resources": ("true",),
    "maintenance-mode": ("true", "false"), "symmetric-cluster": ("false", "true"),
    "placement-strategy": ("default", "balanced", "minimal", "utilization"), "start-failure-is-fatal": ("false",),
    "stonith-enabled": ("true", "true", "false"), "enable-startup-probes": ("false",), "startup-fencing": ("false",),
    "stop-orphan-resources": ("false",), "stop-orphan-actions": ("false",), "concurrent-fencing": ("false",),
    "shutdown-lock": ("true",), "shutdown-lock-limit": ("5min", "1000000h"), "stonith-action": ("off", "reboot"),
    "stonith-timeout": ("100s",), "priority-fencing-delay": ("30s",), "cluster-delay": ("90s",), "batch-limit": ("3",),
    "have-watchdog": ("true",), "stonith-watchdog-timeout": ("10s",), "remove-after-stop": ("true",), "migration-limit": ("1",),
    "node-health-strategy": ("none", "only-green", "migrate-on-red", "progressive", "custom"), "node-health-base": ("10",),
    "node-health-green": ("5",), "node-health-yellow": ("-7",), "node-health-red": ("-100",), "node-pending-timeout": ("2min",)}
METAS = {
    "target-role": ("Stopped", "Started", "Unpromoted", "Promoted"), "is-managed": ("false", "true"), "maintenance": ("true", "false"),
    "resource-stickiness": ("0", "100", "INFINITY", "-100"), "migration-threshold": ("1", "2", "3", "INFINITY", "0"),
    "allow-migrate": ("true", "false"), "multiple-active": ("block", "stop_only", "stop_unexpected", "stop_start"),
    "priority": ("10", "-5", "1000000"), "critical": ("false",), "failure-timeout": ("60", "1h", "100000000"),
    "requires": ("nothing", "quorum", "fencing", "unfencing"), "allow-unhealthy-nodes": ("true",)}
CLONE_METAS = {
    "target-role": ("Unpromoted", "Stopped", "Started", "Promoted"), "notify": ("true", "false"), "interleave": ("true", "false"),
    "ordered": ("true", "false"), "clone-max": ("0", "1", "2", "3", "5"), "clone-min": ("1", "2"), "clone-node-max": ("1", "2"),
    "promoted-max": ("0", "1", "2"), "promoted-node-max": ("1", "2"), "promotable": ("true", "false"),
    "globally-unique": ("true", "false"), "is-managed": ("false",), "maintenance": ("true",), "resource-stickiness": ("0", "100"),
    "priority": ("10",)}
STATES = {  # in_ccm, crmd, join, expected
    "lost": ("false", "offline", "down", "member"), "down": ("false", "offline", "down", "down"),
    "pending": ("true", "online", "pending", "member"), "expected pending": ("true", "online", "pending", "down"),
    "banned": ("true", "online", "banned", "member"), "without a process": ("true", "offline", "member", "member"),
    "leaving": ("true", "offline", "member", "down"), "in the processes only": ("false", "online", "member", "member"),
    "a healthy member": ("true", "online", "member", "member")}


class Change(Editor):
    # --- Nodes

    def node_state(self):
        state = self.any_of(self.states())
        if state is None:
            return None
        word = self.any_of(STATES)
        for name, value in zip(("in_ccm", "crmd", "join", "expected"), STATES[word]):
            state.set(name, value)
        return f"{state.get('uname')} is {word}"

    def state_gone(self):
        state = self.any_of(self.root.findall("./status/node_state"))
        if state is None:
            return None
        self.root.find("./status").remove(state)
        return f"nothing is known of {state.get('uname') or state.get('id')}"

    def node_gone(self):
        node = self.pick("./configuration/nodes/node")
        if node is None or len(self.root.findall("./configuration/nodes/node")) < 2:
            return None
        self.root.find("./configuration/nodes").remove(node)
        return f"{node.get('uname')} is not configured"

    def node_new(self):
        nodes = self.root.find("./configuration/nodes")
        if nodes is None or not len(nodes) or nodes.find("./node[@id='changed-node']") is not None:
            return None
        name = self.any_of(("aa-new", "zz-new"))
        ET.SubElement(nodes, "node", id="changed-node", uname=name)
        if self.chance(0.7):
            state = ET.SubElement(self.root.find("./status"), "node_state", id="changed-node", uname=name, in_ccm="true",
                                  crmd="online", join="member", expected="member")
            ET.SubElement(ET.SubElement(state, "lrm", id="changed-node"), "lrm_resources")
        return f"new node {name}"

    def node_attribute(self):
        state = self.pick("./status/node_state")
        if state is None:
            return None
        name, value = self.any_of([("standby", "on"), ("maintenance", "true"), ("shutdown", str(self.now() - 60)),
                                   ("terminate", "true"), ("#health-x", "red"), ("#health-x", "yellow"), ("#health-x", "-5"),
                                   ("probe_complete", "true"), ("resource-discovery-enabled", "false")])
        if name == "#health-x":
            set_option(self.root, "node-health-strategy", self.any_of(["only-green", "migrate-on-red", "progressive", "custom"]))
        return self.status_attribute(state, name, value)

    def permanent_attribute(self):
        node = self.pick("./configuration/nodes/node")
        if node is None:
            return None
        name, value = self.any_of([("standby", "on"), ("maintenance", "true"), ("standby", "off"), ("#health-y", "red")])
        set_pair(node, "instance_attributes", "nodes", name, value)
        return f"{node.get('uname')}: {name}={value}"

    def attribute_value(self):
        """An attribute that is there: another value, or none."""
        pairs = self.root.findall("./configuration/nodes/node/instance_attributes/nvpair") + \
            self.root.findall("./status/node_state/transient_attributes/instance_attributes/nvpair")
        pair = self.any_of(each for each in pairs if each.get("name") not in ("standby", "shutdown", "probe_complete"))
        if pair is None:
            return None
        if self.chance(0.3):
            self.parent_of(pair).remove(pair)
            return f"{pair.get('id')} is gone"
        pair.set("value", self.any_of([each.get("value") or "" for each in pairs] + list(NUMBERS) + ["INFINITY", "true"]))
        return f"{pair.get('id')}: {pair.get('name')}={pair.get('value')}"

    def promotion_score(self):
        names = [each.get("id") for each in self.root.findall("./configuration/resources//primitive")
                 if each.get("type") in ("Stateful", "drbd", "pgsql", "mysql", "galera", "rabbitmq-cluster", "redis")]
        name, state = self.any_of(names), self.pick("./status/node_state")
        if name is None or state is None:
            return None
        return self.status_attribute(state, f"master-{name}", self.any_of(("INFINITY", "-INFINITY", "1", "10", "-1", "1000")))

    def utilization(self):
        pairs = self.root.findall(".//utilization/nvpair")
        if not pairs:
            owner = self.any_of(self.root.findall("./configuration/nodes/node") + self.root.findall("./configuration/resources//primitive"))
            if owner is None:
                return None
            chosen = ET.Element("utilization", id=f"changed-use-{owner.get('id')}")
            ET.SubElement(chosen, "nvpair", id=f"{chosen.get('id')}-cpu", name="cpu", value=self.any_of(("1", "2", "4")))
            owner.append(chosen)
            set_option(self.root, "placement-strategy", self.any_of(("balanced", "minimal", "utilization")))
            return f"{owner.get('uname') or owner.get('id')} has or uses cpu"
        pair = self.any_of(pairs)
        value = pair.get("value") or ""
        pair.set("value", str(int(value) * 2) if value.isdigit() and self.chance(0.5) else self.any_of(("0", "1", "1000")))
        return f"{pair.get('id')}={pair.get('value')}"

    def feature_set(self):
        state = self.any_of(self.states())
        return None if state is None else self.status_attribute(state, "#feature-set", self.any_of(("3.16.2", "3.20.5", "3.0.14")))

    # --- Options, dates, defaults

    def option(self):
        name = self.any_of(OPTIONS)
        value = self.any_of(OPTIONS[name])
        set_option(self.root, name, value)
        if name == "no-quorum-policy":
            self.root.set("have-quorum", "0")
            if self.chance(0.3):
                self.root.set("no-quorum-panic", "1")
        return f"{name}={value}"

    def quorum(self):
        self.root.set("have-quorum", "0" if self.root.get("have-quorum") == "1" else "1")
        return f"have-quorum={self.root.get('have-quorum')}"

    def coordinator(self):
        node = self.pick("./configuration/nodes/node")
        if node is None:
            return None
        self.root.set("dc-uuid", node.get("id"))
        return f"{node.get('uname')} is the coordinator"

    def date(self):
        if self.root.get("execution-date") is None:
            return None
        self.root.set("execution-date", str(self.now() + self.any_of((-86400, 3600, 86400, 40000000))))
        return f"the date is {self.root.get('execution-date')}"

    def defaults(self):
        tag = self.any_of(("rsc_defaults", "op_defaults"))
        name, values = self.any_of(list(METAS.items())) if tag == "rsc_defaults" else \
            self.any_of([("timeout", ("44s",)), ("on-fail", REACTIONS), ("enabled", ("false",)), ("record-pending", ("false",))])
        owner = self.root.find(f"./configuration/{tag}")
        if owner is None:
            owner = ET.SubElement(self.root.find("./configuration"), tag)
        value = self.any_of(values)
        set_pair(owner, "meta_attributes", tag, name, value)
        return f"{tag} {name}={value}"

    # --- Resources

    def meta(self):
        resource = self.any_of(self.resources())
        if resource is None:
            return None
        name, values = self.any_of(list((CLONE_METAS if resource.tag in ("clone", "master") else METAS).items()))
        value = self.any_of(values)
        set_pair(resource, "meta_attributes", "meta", name, value)
        return f"{resource.get('id')}: {name}={value}"

    def clone_meta(self):
        resource = self.any_of(each for each in self.resources() if each.tag in ("clone", "master"))
        if resource is None:
            return None
        name, values = self.any_of(list(CLONE_METAS.items()))
        value = self.any_of(values)
        set_pair(resource, "meta_attributes", "meta", name, value)
        return f"{resource.get('id')}: {name}={value}"

    def member_meta(self):
        resource = self.any_of(self.root.findall("./configuration/resources//group/primitive") +
                               self.root.findall("./configuration/resources//bundle/primitive"))
        if resource is None:
            return None
        name, values = self.any_of(list(METAS.items()))
        value = self.any_of(values)
        set_pair(resource, "meta_attributes", "meta", name, value)
        return f"member {resource.get('id')}: {name}={value}"

    def bundle(self):
        inner = self.any_of(self.root.findall("./configuration/resources//bundle/docker") +
                            self.root.findall("./configuration/resources//bundle/podman"))
        if inner is None:
            return None
        name = self.any_of(("replicas", "promoted-max", "replicas-per-host"))
        inner.set(name, self.any_of(("1", "2", "3", "4")))
        return f"bundle: {name}={inner.get(name)}"

    def remove_resource(self):
        parents = [self.root.find("./configuration/resources")] + self.root.findall("./configuration/resources/group")
        parent = self.any_of(each for each in parents if each is not None)
        chosen = [each for each in parent if each.tag in ("primitive", "group", "clone", "bundle")]
        if len(chosen) < 2:
            return None
        gone = self.any_of(chosen)
        names = {each.get("id") for each in gone.iter()}
        parent.remove(gone)
        constraints = self.constraints()
        for constraint in list(constraints):
            if any(value in names for each in constraint.iter() for key, value in each.attrib.items() if key != "node"):
                constraints.remove(constraint)
        return f"{gone.get('id')} is gone"

    def reorder(self):
        parent = self.any_of([self.root.find("./configuration/resources")] + self.root.findall("./configuration/resources//group"))
        places = [at for at, each in enumerate(parent) if each.tag in ("primitive", "group", "clone", "bundle")]
        if len(places) < 2:
            return None
        one, other = self.dice.sample(places, 2)
        parent[one], parent[other] = parent[other], parent[one]
        return f"{parent[one].get('id')} and {parent[other].get('id')} change places"

    def regroup(self):
        """A primitive becomes a member, or a group is taken apart."""
        resources = self.root.find("./configuration/resources")
        groups = resources.findall("group")
        lone = resources.findall("primitive")
        if groups and (self.chance(0.5) or not lone):
            group = self.any_of(groups)
            member = self.any_of(group.findall("primitive"))
            if member is None or len(group.findall("primitive")) < 2:
                return None
            group.remove(member)
            resources.append(member)
            return f"{member.get('id')} leaves {group.get('id')}"
        if groups and lone:
            member, group = self.any_of(lone), self.any_of(groups)
            if member.get("class") == "stonith":
                return None
            resources.remove(member)
            group.insert(self.dice.randint(0, len(group)), member)
            return f"{member.get('id')} joins {group.get('id')}"
        return None

    def cloned(self):
        """A primitive becomes a clone, or a clone becomes a primitive."""
        resources = self.root.find("./configuration/resources")
        chosen = self.any_of(each for each in resources if each.tag in ("primitive", "group") and each.get("class") != "stonith" and
                             each.get("type") != "remote" and each.find(".//nvpair[@name='remote-node']") is None)
        if chosen is None:
            return None
        at = list(resources).index(chosen)
        resources.remove(chosen)
        clone = ET.Element("clone", id=f"{chosen.get('id')}-cl")
        clone.append(chosen)
        resources.insert(at, clone)
        if self.chance(0.5):
            set_pair(clone, "meta_attributes", "meta", "interleave", "true")
        for constraint in self.constraints().iter():
            for key in ("rsc", "with-rsc", "first", "then", "id"):
                if constraint.get(key) == chosen.get("id") and (key != "id" or constraint.tag == "resource_ref"):
                    constraint.set(key, clone.get("id"))
        return f"{chosen.get('id')} is cloned"

    def parameter(self):
        """A parameter changes, and the records tell of other ones than are configured."""
        pair = self.pick("./configuration/resources//primitive/instance_attributes/nvpair")
        if pair is None:
            return None
        pair.set("value", f"{pair.get('value')}-changed")
        return f"{pair.get('id')} changed"

    def digest(self):
        record = self.any_of(each for each in self.root.iter("lrm_rsc_op") if each.get("op-digest"))
        if record is None:
            return None
        record.set("op-digest", DIGEST)
        if self.chance(0.3):
            record.set("op-force-restart", "")
            record.set("op-restart-digest", self.any_of((DIGEST, "f2317cad3d54cec5d7d7aa7d0bf35cf8")))
        return f"{record.get('id')}: other parameters"

    # --- Operations

    def operation(self):
        operation = self.pick("./configuration/resources//op")
        if operation is None:
            return None
        name, value = self.any_of([("on-fail", each) for each in REACTIONS] +
                                  [("enabled", "false"), ("interval", "17s"), ("role", "Stopped"), ("timeout", "33s"),
                                   ("start-delay", "5s"), ("record-pending", "false"), ("role", "Promoted"), ("role", "Unpromoted")])
        if name in ("interval", "role") and operation.get("name") != "monitor":
            return None
        operation.set(name, value)
        return f"{operation.get('id')}: {name}={value}"

    def operation_gone(self):
        operation = self.pick("./configuration/resources//op")
        if operation is None:
            return None
        self.parent_of(operation).remove(operation)
        return f"{operation.get('id')} is gone"

    def operation_new(self):
        primitive = self.pick("./configuration/resources//primitive")
        if primitive is None:
            return None
        owner = primitive.find("operations")
        if owner is None:
            owner = ET.SubElement(primitive, "operations")
        attributes = self.any_of([{"name": "monitor", "interval": "21s"}, {"name": "monitor", "interval": "22s", "role": "Stopped"},
                                  {"name": "monitor", "interval": "0", "timeout": "77s"}, {"name": "start", "interval": "0", "timeout": "99s"},
                                  {"name": "stop", "interval": "0", "on-fail": self.any_of(("block", "ignore", "fence", "stop"))},
                                  {"name": "start", "interval": "0", "on-fail": self.any_of(REACTIONS)},
                                  {"name": "monitor", "interval": "23s", "on-fail": self.any_of(REACTIONS)},
                                  {"name": "promote", "interval": "0", "on-fail": self.any_of(REACTIONS)},
                                  {"name": "monitor", "interval": "24s", "role": "Promoted", "on-fail": self.any_of(REACTIONS)}])
        ET.SubElement(owner, "op", id=f"changed-op-{primitive.get('id')}", **attributes)
        return f"{primitive.get('id')}: new op {attributes}"

    def failed_with_reaction(self):
        """The reaction to a failure is configured, and the operation failed."""
        operation = self.pick("./configuration/resources//op")
        if operation is None:
            return None
        owner = next((each for each in self.root.iter("primitive") if operation in list(each.iter("op"))), None)
        if owner is None:
            return None
        operation.set("on-fail", self.any_of(REACTIONS))
        records = [each for each in self.root.iter("lrm_rsc_op") if each.get("operation") == operation.get("name") and
                   re.sub(r":\d+", "", each.get("operation_key") or "").startswith(owner.get("id") + "_")]
        record = self.any_of(records)
        if record is None:
            return None
        self.set_result(record, self.any_of(("1", "7", "6", "9")), "0")
        return f"{operation.get('id')}: on-fail={operation.get('on-fail')}; {record.get('id')} failed with {record.get('rc-code')}"

    # --- History

    def result(self):
        record = self.pick("./status/node_state/lrm/lrm_resources/lrm_resource/lrm_rsc_op")
        if record is None:
            return None
        kind = self.any_of(["gone", "failed", "failed", "failed", "pending", "timeout", "not installed", "other status"])
        what = f"{record.get('id')} on {record.get('on_node')}"
        if kind == "gone":
            self.parent_of(record).remove(record)
            return f"{what} is gone"
        code, status = {"failed": (self.any_of(["1", "7", "8", "9", "0", "6", "2", "3", "4", "190", "191", "193", "189"]), "0"),
                        "pending": ("-1", "-1"), "timeout": ("1", "2"), "not installed": ("5", "0"),
                        "other status": ("1", self.any_of("134567"))}[kind]
        if kind == "pending":
            record.set("call-id", "-1")
        self.set_result(record, code, status)
        return f"{what}: {kind} rc={code} status={status}"

    def latest(self):
        """Another operation has been the last of a resource."""
        state = self.pick("./status/node_state")
        history = None if state is None else self.any_of(state.findall("./lrm/lrm_resources/lrm_resource"))
        if history is None:
            return None
        node = state.get("uname") or state.get("id")
        task = self.any_of(("start", "stop", "promote", "demote", "monitor"))
        pending = self.chance(0.4)
        code = self.any_of(("0", "0", "1", "7"))
        self.new_record(history, task, code, "7" if task == "monitor" else "0", pending=pending, on_node=node)
        return f"{history.get('id')} on {node}: last {task} {'pending' if pending else code}"

    def migration(self):
        """A live migration that was under way, or failed, in one of its two halves."""
        states = [each for each in self.root.findall("./status/node_state") if each.find("./lrm/lrm_resources") is not None]
        if len(states) < 2:
            return None
        source, target = self.dice.sample(states, 2)
        movable = {each.get("id") for path in ("./configuration/resources/primitive", "./configuration/resources/group/primitive")
                   for each in self.root.findall(path)}
        history = self.any_of(each for each in source.findall("./lrm/lrm_resources/lrm_resource") if each.get("id") in movable)
        if history is None:
            return None
        name = history.get("id")
        for primitive in self.root.iter("primitive"):
            if primitive.get("id") == name and self.chance(0.8):
                set_pair(primitive, "meta_attributes", "meta", "allow-migrate", "true")
        ends = {"migrate_source": source.get("uname") or "", "migrate_target": target.get("uname") or ""}
        steps = self.any_of(("to pending", "to failed", "to done", "from pending", "from failed", "from done", "all done"))
        to = ("1", False) if steps == "to failed" else ("0", steps == "to pending")
        self.new_record(history, "migrate_to", to[0], pending=to[1], on_node=ends["migrate_source"], extra=ends.items())
        if steps.startswith("from") or steps == "all done":
            there = next((each for each in target.find("./lrm/lrm_resources") if each.get("id") == name), None)
            if there is None:
                there = ET.SubElement(target.find("./lrm/lrm_resources"), "lrm_resource", dict(history.attrib))
            self.new_record(there, "migrate_from", "1" if steps == "from failed" else "0", pending=steps == "from pending",
                            on_node=ends["migrate_target"], extra=ends.items())
        if steps == "all done":
            self.new_record(history, "stop", "0", on_node=ends["migrate_source"])
        return f"{name}: migration {steps}, {ends['migrate_source']} to {ends['migrate_target']}"

    def history(self):
        history = self.pick("./status/node_state/lrm/lrm_resources/lrm_resource")
        if history is None:
            return None
        self.parent_of(history).remove(history)
        return f"history of {history.get('id')} is gone"

    def copied_history(self):
        """The resource is active on another node as well."""
        history = self.pick("./status/node_state/lrm/lrm_resources/lrm_resource")
        chosen = self.pick("./status/node_state/lrm/lrm_resources")
        if history is None:
            return None
        for each in list(chosen):
            if each.get("id") == history.get("id"):
                chosen.remove(each)
        chosen.append(self.as_on(chosen, copy.deepcopy(history)))
        return f"history of {history.get('id')} is copied"

    def moved_history(self):
        """What a resource did on one node, it did on another one."""
        lists = self.root.findall("./status/node_state/lrm/lrm_resources")
        if len(lists) < 2:
            return None
        one, other = self.dice.sample(lists, 2)
        history = self.any_of(one)
        if history is None:
            return None
        theirs = next((each for each in other if each.get("id") == history.get("id")), None)
        one.remove(history)
        other.append(self.as_on(other, history))
        if theirs is not None:
            other.remove(theirs)
            one.append(self.as_on(one, theirs))
        return f"history of {history.get('id')} changes places"

    def orphan(self):
        """History of a resource that nobody configured."""
        history = self.pick("./status/node_state/lrm/lrm_resources/lrm_resource")
        if history is None:
            return None
        text = ET.tostring(history).decode()
        name = re.sub(r":\d+$", "", history.get("id"))
        self.parent_of(history).append(ET.fromstring(re.sub(rf"\b{re.escape(name)}\b", "orphaned", text)))
        return f"orphaned has the history of {history.get('id')}"

    def fail_count(self):
        state = self.pick("./status/node_state")
        record = None if state is None else self.any_of(state.findall("./lrm/lrm_resources/lrm_resource/lrm_rsc_op"))
        if record is None:
            return None
        name = re.sub(r"_(monitor|start|stop|promote|demote|notify|migrate\w+)_(\d+)$", "", record.get("operation_key") or "")
        what = f"{re.sub(r':[0-9]+$', '', name)}#{record.get('operation')}_{record.get('interval') or 0}"
        self.status_attribute(state, f"last-failure-{what}", str(int(record.get("last-rc-change") or 1600000000)))
        if self.chance(0.4):
            for primitive in self.root.iter("primitive"):
                if primitive.get("id") == re.sub(r":[0-9]+$", "", name):
                    set_pair(primitive, "meta_attributes", "meta", self.any_of(("migration-threshold", "failure-timeout")), self.any_of("123"))
        return self.status_attribute(state, f"fail-count-{what}", self.any_of(["1", "3", "INFINITY"]))

    def failed_now(self):
        """A monitor that failed a moment ago, with its count."""
        state = self.pick("./status/node_state")
        record = None if state is None else self.any_of(
            each for each in state.findall("./lrm/lrm_resources/lrm_resource/lrm_rsc_op") if each.get("operation") == "monitor" and
            (each.get("interval") or "0") != "0")
        if record is None:
            return None
        self.set_result(record, self.any_of(("1", "7", "9")), "0")
        record.set("last-rc-change", str(self.now() - 30))
        if record.get("operation_key"):  # else the id is that
            record.set("id", record.get("id") + "_failed")
        name = re.sub(r"(:\d+)?_monitor_\d+$", "", record.get("operation_key") or "")
        what = f"{name}#monitor_{record.get('interval')}"
        self.status_attribute(state, f"last-failure-{what}", str(self.now() - 30))
        return self.status_attribute(state, f"fail-count-{what}", self.any_of(("1", "2", "1000000")))

    def lost_container(self):
        """What a guest node or a bundle's replica runs in has failed."""
        names = [each.get("id") for each in self.root.iter("primitive")
                 if each.find("./meta_attributes/nvpair[@name='remote-node']") is not None]
        bundles = [each.get("id") for each in self.root.iter("bundle")]
        found = [each for each in self.root.iter("lrm_resource") if each.get("id") in names or
                 any(re.fullmatch(rf"{re.escape(each_bundle)}-(docker|podman|ip)-.*|{re.escape(each_bundle)}-\d+", each.get("id"))
                     for each_bundle in bundles)]
        history = self.any_of(found)
        record = None if history is None else self.any_of(history.findall("lrm_rsc_op"))
        if record is None:
            return None
        self.set_result(record, self.any_of(("1", "7")), "0")
        return f"{record.get('id')} failed with {record.get('rc-code')}"

    def remote_state(self):
        state = self.any_of(each for each in self.root.findall("./status/node_state") if each.get("remote_node") == "true")
        if state is None:
            return None
        if self.chance(0.5):
            state.set("node_fenced", self.any_of(("1", "0")))
            return f"{state.get('id')}: node_fenced={state.get('node_fenced')}"
        state.set("in_ccm", self.any_of(("true", "false")))
        return f"{state.get('id')}: in_ccm={state.get('in_ccm')}"

    def lock(self):
        history = self.pick("./status/node_state/lrm/lrm_resources/lrm_resource")
        if history is None:
            return None
        history.set("shutdown-lock", str(self.now() - self.any_of((10, 100000))))
        set_option(self.root, "shutdown-lock", "true")
        return f"{history.get('id')} is locked"

    # --- Fencing

    def fencing_level(self):
        devices = [each.get("id") for each in self.root.iter("primitive") if each.get("class") == "stonith"]
        node = self.pick("./configuration/nodes/node")
        if not devices or node is None:
            return None
        topology = self.root.find("./configuration/fencing-topology")
        if topology is None:
            topology = ET.SubElement(self.root.find("./configuration"), "fencing-topology")
        ET.SubElement(topology, "fencing-level", id="changed-level", target=node.get("uname"), index="1", devices=self.any_of(devices))
        return f"{node.get('uname')} is fenced by a level"

    def device_gone(self):
        device = self.any_of(each for each in self.root.findall("./configuration/resources/primitive") if each.get("class") == "stonith")
        if device is None:
            return None
        self.root.find("./configuration/resources").remove(device)
        for constraint in list(self.constraints()):
            if any(value == device.get("id") for each in constraint.iter() for value in each.attrib.values()):
                self.constraints().remove(constraint)
        return f"device {device.get('id')} is gone"

    def device_new(self):
        resources = self.root.find("./configuration/resources")
        if self.root.find(".//primitive[@id='changed-device']") is not None:
            return None
        device = ET.SubElement(resources, "primitive", {"id": "changed-device", "class": "stonith", "type": "fence_xvm"})
        set_option(self.root, "stonith-enabled", "true")
        if self.chance(0.3):
            set_pair(device, "meta_attributes", "meta", "provides", "unfencing")
        return "a new device"

    # --- Constraints

    def constraint_gone(self):
        chosen = self.any_of(self.constraints())
        if chosen is None:
            return None
        self.constraints().remove(chosen)
        return f"{chosen.get('id')} is gone"

    def constraint(self):
        chosen = self.any_of(self.constraints())
        if chosen is None:
            return None
        if chosen.tag == "rsc_order":
            name, value = self.any_of([("kind", "Optional"), ("kind", "Mandatory"), ("kind", "Serialize"), ("symmetrical", "false"),
                                       ("symmetrical", "true"), ("first-action", "promote"), ("first-action", "stop"),
                                       ("first-action", "demote"), ("then-action", "promote"), ("then-action", "stop"), ("require-all", "false")])
            if name == "kind":
                chosen.attrib.pop("score", None)
            if name in ("first-action", "then-action", "require-all") and chosen.get("first") is None:
                return None
        elif chosen.tag == "rsc_ticket":
            name, value = self.any_of([("loss-policy", each) for each in ("stop", "demote", "fence", "freeze")] + [("rsc-role", "Promoted")])
            if name == "rsc-role" and chosen.get("rsc") is None:
                return None
        elif chosen.tag == "rsc_colocation":
            name, value = self.any_of([("score", each) for each in SCORES] + [("influence", "false"), ("rsc-role", "Promoted"),
                                      ("with-rsc-role", "Promoted"), ("with-rsc-role", "Unpromoted"), ("rsc-role", "Unpromoted")])
            if name.endswith("role") and chosen.get("rsc") is None:
                return None
        else:
            name, value = self.any_of([("score", each) for each in SCORES] + [("role", "Promoted"), ("resource-discovery", "never"),
                                      ("resource-discovery", "exclusive")])
            if name in ("score", "role") and chosen.get("node") is None:
                return None
        chosen.set(name, value)
        return f"{chosen.get('id')}: {name}={value}"

    def resource_set(self):
        chosen = self.pick("./configuration/constraints//resource_set")
        if chosen is None:
            return None
        kind = self.any_of(("flag", "member", "moved"))
        refs = chosen.findall("resource_ref")
        if kind == "member" and len(refs) > 1:
            gone = self.any_of(refs)
            chosen.remove(gone)
            return f"{chosen.get('id')} without {gone.get('id')}"
        if kind == "moved" and len(refs) > 1:
            first = refs[0]
            chosen.remove(first)
            chosen.append(first)
            return f"{chosen.get('id')} begins with another member"
        name, value = self.any_of([("sequential", "true"), ("sequential", "false"), ("require-all", "false"), ("require-all", "true"),
                                   ("role", "Promoted"), ("action", "promote"), ("action", "stop")])
        chosen.set(name, value)
        return f"{chosen.get('id')}: {name}={value}"

    def new_set(self):
        top = [each.get("id") for each in self.top_resources()]
        if len(top) < 3:
            return None
        kind = self.any_of(("rsc_order", "rsc_colocation", "rsc_location", "rsc_ticket"))
        attributes = {"id": "changed-sets"}
        if kind == "rsc_colocation":
            attributes["score"] = self.any_of(SCORES)
        elif kind == "rsc_location":
            node = self.pick("./configuration/nodes/node")
            if node is None:
                return None
            attributes.update(node=node.get("uname") or "", score=self.any_of(SCORES))
        elif kind == "rsc_ticket":
            attributes.update({"ticket": "changed-ticket", "loss-policy": self.any_of(("stop", "demote", "fence", "freeze"))})
        owner = ET.SubElement(self.constraints(), kind, attributes)
        members = self.dice.sample(top, min(len(top), self.dice.randint(3, 5)))
        middle = self.dice.randint(1, len(members) - 1)
        for at, some in enumerate((members[:middle], members[middle:])):
            flags = {"sequential": "false"} if self.chance(0.4) and kind in ("rsc_order", "rsc_colocation") else {}
            if kind == "rsc_order" and self.chance(0.3):
                flags["require-all"] = "false"
            chosen = ET.SubElement(owner, "resource_set", id=f"changed-set-{at}", **flags)
            for member in some:
                ET.SubElement(chosen, "resource_ref", id=member)
        return f"new {kind} of sets {members[:middle]} {members[middle:]}"

    def new_constraint(self):
        top = self.top_resources()
        nodes = self.root.findall("./configuration/nodes/node")
        if len(top) < 2 or not nodes:
            return None
        if self.chance(0.2):
            top += self.root.findall("./configuration/resources/group/primitive")
        one, other = (each.get("id") for each in self.dice.sample(top, 2))
        kind = self.any_of(["rsc_location", "rsc_colocation", "rsc_order"])
        score = self.any_of(SCORES)
        if kind == "rsc_location":
            attributes = {"rsc": one, "node": self.any_of(nodes).get("uname") or "", "score": score}
            if self.chance(0.2):
                attributes["role"] = "Promoted"
            if self.chance(0.2):
                attributes["resource-discovery"] = self.any_of(("never", "exclusive"))
        elif kind == "rsc_colocation":
            attributes = {"rsc": one, "with-rsc": other, "score": score}
            for role in ("rsc-role", "with-rsc-role"):
                if self.chance(0.3):
                    attributes[role] = self.any_of(("Promoted", "Unpromoted"))
            if self.chance(0.2):
                attributes["influence"] = "false"
        else:
            attributes = {"first": one, "then": other, "kind": self.any_of(["Mandatory", "Optional", "Serialize"])}
            if self.chance(0.3):
                attributes["first-action"] = self.any_of(("promote", "demote", "stop"))
                attributes["then-action"] = self.any_of(("start", "promote", "stop"))
            if self.chance(0.2):
                attributes["symmetrical"] = "false"
            if self.chance(0.2):
                attributes["require-all"] = "false"
        ET.SubElement(self.constraints(), kind, id="changed-constraint", **attributes)
        return f"new {kind} {attributes}"

    def expression(self):
        chosen = self.pick(".//expression")
        if chosen is None:
            return None
        name, value = self.any_of([("operation", each) for each in ("eq", "ne", "lt", "gt", "lte", "gte", "defined", "not_defined")] +
                                  [("value", each) for each in NUMBERS + ("true", "false")])
        chosen.set(name, value)
        if chosen.get("operation") in ("defined", "not_defined"):
            chosen.attrib.pop("value", None)
        elif chosen.get("value") is None:
            chosen.set("value", "1")
        return f"{chosen.get('id')}: {name}={value}"

    def rule(self):
        chosen = self.pick("./configuration/constraints/rsc_location/rule")
        if chosen is None:
            return None
        if chosen.get("score-attribute"):
            return None
        name, value = self.any_of([("score", each) for each in SCORES] + [("boolean-op", "or"), ("boolean-op", "and"), ("role", "Promoted")])
        chosen.set(name, value)
        return f"{chosen.get('id')}: {name}={value}"

    # --- Tickets

    def ticket(self):
        names = {each.get("ticket") for each in self.root.iter("rsc_ticket")} | {each.get("id") for each in self.root.iter("ticket_state")}
        if not names:
            return None
        wanted = self.any_of(sorted(names))
        state = next((each for each in self.root.iter("ticket_state") if each.get("id") == wanted), None)
        if state is None:
            tickets = self.root.find("./status/tickets")
            if tickets is None:
                tickets = ET.SubElement(self.root.find("./status"), "tickets")
            state = ET.SubElement(tickets, "ticket_state", id=wanted, granted="false")
        name, value = self.any_of([("granted", "true"), ("granted", "false"), ("standby", "true"), ("standby", "false")])
        state.set(name, value)
        return f"ticket {wanted}: {name}={value}"

    def new_ticket(self):
        resource = self.any_of(self.top_resources())
        if resource is None:
            return None
        attributes = {"id": "changed-ticketed", "rsc": resource.get("id"), "ticket": "changed-ticket",
                      "loss-policy": self.any_of(("stop", "demote", "fence", "freeze"))}
        if resource.tag in ("clone", "master") and self.chance(0.5):
            attributes["rsc-role"] = "Promoted"
        ET.SubElement(self.constraints(), "rsc_ticket", attributes)
        return f"new ticket {attributes}"


KINDS = tuple(name for name in vars(Change) if not name.startswith("_"))

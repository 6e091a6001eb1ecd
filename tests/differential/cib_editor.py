"""What the changes of a CIB are made with: single attributes, sets and records of a history."""
import xml.etree.ElementTree as ET

UUID = "00000000-0000-0000-0000-000000000000"
DIGEST = "0123456789abcdef0123456789abcdef"  # of other parameters than any that are configured


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


class Editor:
    """What the changes below are made with."""

    def __init__(self, root, dice):
        self.root = root
        self.dice = dice

    def any_of(self, some):
        some = list(some)
        return self.dice.choice(some) if some else None

    def pick(self, path):
        return self.any_of(self.root.findall(path))

    def parent_of(self, child):
        return next(each for each in self.root.iter() if child in list(each))

    def chance(self, probability):
        return self.dice.random() < probability

    def resources(self):
        return [each for each in self.root.findall("./configuration/resources//*")
                if each.tag in ("primitive", "group", "clone", "master", "bundle")]

    def top_resources(self):
        return [each for each in self.root.findall("./configuration/resources/*")
                if each.tag in ("primitive", "group", "clone", "master", "bundle")]

    def constraints(self):
        found = self.root.find("./configuration/constraints")
        return found if found is not None else ET.SubElement(self.root.find("./configuration"), "constraints")

    def states(self):
        return [each for each in self.root.findall("./status/node_state") if each.get("remote_node") != "true"]

    def status_attribute(self, state, name, value):
        transient = state.find("transient_attributes")
        if transient is None:
            transient = ET.SubElement(state, "transient_attributes", id=state.get("id"))
        set_pair(transient, "instance_attributes", "status", name, value)
        return f"{state.get('uname') or state.get('id')}: {name}={value}"

    def as_on(self, resources, history):
        """The history as it would be in the list of another node; a migration has its own two."""
        state = next(each for each in self.root.iter("node_state") if resources in list(each.iter("lrm_resources")))
        for record in list(history):
            if (record.get("operation") or "").startswith("migrate"):
                history.remove(record)
            record.set("on_node", state.get("uname") or state.get("id"))
        return history

    def now(self):
        return int(self.root.get("execution-date") or 1700000000)

    def set_result(self, record, code, status):
        record.set("rc-code", code)
        record.set("op-status", status)
        record.set("transition-magic", f"{status}:{code};{record.get('transition-key') or ''}")

    def new_record(self, history, task, code, target="0", interval="0", pending=False, on_node="", extra=()):
        calls = [int(each.get("call-id") or 0) for each in self.root.iter("lrm_rsc_op")]
        dates = [int(each.get("last-rc-change") or 0) for each in self.root.iter("lrm_rsc_op")] + [self.now() - 100]
        key = f"99:99999:{target}:{UUID}"
        status = "-1" if pending else "0"
        name = history.get("id")
        record = ET.SubElement(history, "lrm_rsc_op", {
            "id": f"{name}_last_0" if interval == "0" else f"{name}_{task}_{interval}", "operation_key": f"{name}_{task}_{interval}",
            "operation": task, "call-id": "-1" if pending else str(max(calls) + 1), "rc-code": "-1" if pending else code,
            "op-status": status, "interval": interval, "last-rc-change": str(max(dates) + 1), "crm_feature_set": "3.16.2",
            "transition-key": key, "transition-magic": f"{status}:{'-1' if pending else code};{key}", "on_node": on_node,
            "op-digest": DIGEST, **dict(extra)})
        for each in list(history):
            if each is not record and each.get("id") == record.get("id"):
                history.remove(each)
        return record

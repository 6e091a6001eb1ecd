"""What two plans are compared by: the actions of a transition graph, their order, and the scores of the placement."""
import collections
import re

# What an action is, beside its operation, resource and node; for all operations, or only for those named.
DETAILS = (("interval", "CRM_meta_interval", None), ("timeout", "CRM_meta_timeout", None), ("on-fail", "CRM_meta_on_fail", None),
           ("start-delay", "CRM_meta_start_delay", None), ("expects", "CRM_meta_op_target_rc", ("monitor",)),
           ("role", "CRM_meta_role", ("monitor",)), ("of", "CRM_meta_operation", ("cancel",)),
           ("from", "CRM_meta_migrate_source", ("migrate_to", "migrate_from", "stop")),
           ("to", "CRM_meta_migrate_target", ("migrate_to", "migrate_from", "stop")),
           ("when", "CRM_meta_notify_type", ("notify",)), ("about", "CRM_meta_notify_operation", ("notify",)),
           ("how", "CRM_meta_stonith_action", ("stonith",)))
MOVES = ("start", "stop", "promote", "demote", "migrate_to", "migrate_from", "stonith")
CLASSES = ("placement", "actions", "details", "order", "scores")


def bare(name):
    """Without numbers of instances: they are free among equals."""
    return re.sub(r":\d+", "", name or "")


class Action:
    def __init__(self, element):
        attributes = element.find("attributes")
        found = {} if attributes is None else attributes.attrib
        primitive = element.find("primitive")
        self.operation = element.get("operation")
        self.is_pseudo = element.tag == "pseudo_event"
        name = element.get("operation_key")
        if primitive is not None:
            name = primitive.get("long-id") or primitive.get("id")
        self.name = bare(name)
        self.node = element.get("on_node") or ""
        self.interval = found.get("CRM_meta_interval", "0") if element.tag == "rsc_op" else ""
        self.details = "" if self.is_pseudo else " ".join(
            f"{word}={found[key]}" for word, key, only in DETAILS
            if key in found and (word, found[key]) != ("expects", "0") and (only is None or self.operation in only) and (word != "timeout" or element.tag == "rsc_op") and
            (word != "on-fail" or (self.operation not in ("lrm_delete", "demote") and found[key] != "demote")))  # as 2.1.5 says them
        if element.get("router_node"):
            self.details += f" via={element.get('router_node')}"

    def key(self):
        return ("pseudo" if self.is_pseudo else self.operation, self.name, self.node, self.interval)

    def line(self):
        return " ".join(filter(None, self.key() + (self.details,)))


class Plan:
    """A transition graph and the lines of scores that belong to it."""

    def __init__(self, graph, scores=""):
        self.actions = []
        by_id = {}
        triggers = []
        for synapse in graph.findall("synapse"):
            for element in synapse.findall("action_set/*"):
                by_id[element.get("id")] = Action(element)
                self.actions.append(by_id[element.get("id")])
                triggers += [(each.get("id"), element.get("id")) for each in synapse.findall("inputs/trigger/*")]
        count = collections.Counter
        real = [each for each in self.actions if not each.is_pseudo]
        lost = [each for each in self.actions if each.is_pseudo and re.search(r"_(stop|demote)_0$", each.name)]
        self.placement = count(each.key() for each in real + lost if each.is_pseudo or each.operation in MOVES)
        self.moves = count(each.key() for each in real)
        self.details = count(each.line() for each in self.actions)
        self.order = count(f"{by_id[one].line()} -> {by_id[other].line()}" for one, other in triggers if one in by_id)
        self.scores = count({line.strip() for line in scores.splitlines() if "pcmk__primitive_assign:" in line})

    def differences(self, other, deepest):
        """The class of the first difference, and what only this and only the other plan has. Looks no deeper than `deepest`."""
        for name in CLASSES[:CLASSES.index(deepest) + 1]:
            one, two = (getattr(each, {"actions": "moves"}.get(name, name)) for each in (self, other))
            if one != two:
                return name, one - two, two - one
        return None, collections.Counter(), collections.Counter()

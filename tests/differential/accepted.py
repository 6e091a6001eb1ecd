"""Differences that docs/scheduler-differences.md lists, recognised by what each of them needs.

Given is a cluster that has been shrunk, so that all that is in it belongs to the difference, and the actions that only one of the two
plans has. A recogniser asks for the configuration that the difference is about and for actions that it can lead to; all it lets pass is
printed with its name and counted.
"""
import collections
import re

INFINITY = 1000000


class Configuration:
    """Constraints with tags, templates and sets expanded, and who is inside what."""

    def __init__(self, root):
        self.root = root
        self.top = {}      # id of a resource -> id of the outermost one around it
        self.position = {}  # member of a group -> (group, place)
        self.kind = {}
        users = collections.defaultdict(list)
        for outer in root.findall("./configuration/resources/*"):
            for each in outer.iter():
                if each.tag in ("primitive", "group", "clone", "master", "bundle"):
                    self.top[each.get("id")] = outer.get("id")
                    self.kind[each.get("id")] = each.tag
                if each.get("template"):
                    users[each.get("template")].append(each.get("id"))
            for group in [outer] + list(outer.iter("group")):
                if group.tag == "group":
                    for place, member in enumerate(group.findall("primitive")):
                        self.position[member.get("id")] = (group.get("id"), place)
        self.alias = dict(users)
        for tag in root.iter("tag"):
            self.alias[tag.get("id")] = [each.get("id") for each in tag.iter("obj_ref")]
        self.colocations = [found for each in root.iter("rsc_colocation") for found in self.pairs(each, "rsc", "with-rsc")]
        self.orders = [found for each in root.iter("rsc_order") for found in self.pairs(each, "first", "then")]

    def named(self, name):
        return self.alias.get(name, [name])

    def pairs(self, constraint, one, other):
        """(dependent or first, primary or then, score, element)"""
        score = number(constraint.get("score"))
        if constraint.get(one):
            return [(a, b, score, constraint) for a in self.named(constraint.get(one)) for b in self.named(constraint.get(other)) if a != b]
        sets = [[name for each in some.iter("resource_ref") for name in self.named(each.get("id"))] for some in constraint.iter("resource_set")]
        everyone = [name for some in sets for name in some]
        return [(a, b, score, constraint) for at, a in enumerate(everyone) for b in everyone[at + 1:] if a != b]

    def outer(self, name):
        return self.top.get(re.sub(r":\d+$", "", name), name)

    def locations(self):
        """Every score of a location, of a stickiness and of a promotion."""
        out = [number(each.get("score")) for tag in ("rsc_location", "rule") for each in self.root.iter(tag) if each.get("score")]
        out += [number(each.get("value")) for each in self.root.iter("nvpair")
                if re.match("master-|resource-stickiness|#health", each.get("name") or "") or re.match(r"-?(\d+|INFINITY)$", each.get("value") or "")]
        return out + [score for _, _, score, _ in self.colocations]


def number(text):
    text = (text or "").strip()
    if text.upper().lstrip("+-") == "INFINITY":
        return -INFINITY if text.startswith("-") else INFINITY
    found = re.match(r"[+-]?\d+", text)
    return max(-INFINITY, min(INFINITY, int(found[0]))) if found else 0


class Lines:
    def __init__(self, lines):
        self.words = [line.split() for line in lines]
        self.kinds = {each[1] for each in self.words}

    def only(self, *kinds):
        return self.kinds <= set(kinds)

    def of(self, sign, *kinds):
        return [each for each in self.words if each[0] == sign and each[1] in kinds]

    def names(self):
        return {each[2] for each in self.words if len(each) > 2}


MOVES = ("start", "stop", "promote", "demote", "monitor", "migrate_to", "migrate_from", "notify", "cancel", "pseudo", "clear_failcount", "delete")


def moves_only(lines):
    """What follows from another place; nothing is fenced or shut down for it."""
    return lines.only(*MOVES)


# --- One a difference: does the configuration have what it needs, and can the actions come from it?

def instances_move(_, lines):
    if any(each[1] in ("start", "stop", "stonith") for each in lines.words if each[0] == "+"):
        return False
    return bool({each[2] for each in lines.of("-", "start")} & {each[2] for each in lines.of("-", "stop")})


def several(pairs):
    seen = collections.Counter(tuple(sorted((one, other))) for one, other, _, _ in pairs)
    return any(count > 1 for count in seen.values())


def circle(config, lines):
    follows = collections.defaultdict(set)
    for one, other, _, _ in config.colocations:
        if config.outer(one) != config.outer(other):
            follows[config.outer(one)].add(config.outer(other))
    def reaches(start, goal, seen):
        return any(step == goal or (step not in seen and reaches(step, goal, seen | {step})) for step in follows[start])
    return moves_only(lines) and any(reaches(node, node, set()) for node in list(follows))


def rounded(config, lines):
    """A wish of less than a half: two small scores, or one small score of a negative place."""
    factors = [score for _, _, score, _ in config.colocations if 0 < abs(score) < INFINITY]
    chains = factors + [one * other / INFINITY for at, one in enumerate(factors) for other in factors[at + 1:]]
    return moves_only(lines) and any(0 < abs(factor * wish) / INFINITY < 0.5 and wish * factor < 0
                                     for factor in chains for wish in config.locations())


def with_later_member(config, lines):
    """A colocation of a group's later member, which concerns where the group begins, and hears the group's locations."""
    return moves_only(lines) and any(config.position.get(one, ("", 0))[1] > 0 and config.outer(one) != config.outer(other)
                                     for one, other, _, _ in config.colocations)


def with_group(config, lines):
    """Only the older program starts what has to be with a group whose members wait in vain."""
    dependents = {config.outer(one) for one, other, score, _ in config.colocations
                  if score == INFINITY and config.kind.get(config.outer(other)) == "group"}
    return lines.only("start", "monitor", "promote") and not lines.of("+", "start", "stop", "promote") and \
        bool(lines.of("-", "start")) and all(config.outer(each[2]) in dependents for each in lines.of("-", "start"))


def attribute_score(config, lines):
    names = {each.get("score-attribute") for each in config.root.iter("rule") if each.get("score-attribute")}
    for node in config.root.findall("./configuration/nodes/node"):
        known = {each.get("name") for each in node.iter("nvpair")}
        for state in config.root.iter("node_state"):
            if state.get("id") == node.get("id"):
                known |= {each.get("name") for each in state.findall("./transient_attributes//nvpair")}
        if names - known:
            return moves_only(lines)
    return False


def capacities(config):
    return [{each.get("name"): number(each.get("value")) for each in node.findall("./utilization/nvpair")}
            for node in config.root.findall("./configuration/nodes/node")]


def roomier_in_a_circle(config, lines):
    """Nodes of which each has more of something else: neither is the roomier, and which is taken depends on how they are sorted."""
    strategy = next((each.get("value") for each in config.root.iter("nvpair") if each.get("name") == "placement-strategy"), "")
    differs = any(any(a.get(name, 0) > b.get(name, 0) for name in {**a, **b}) and any(a.get(name, 0) < b.get(name, 0) for name in {**a, **b})
                  for a in capacities(config) for b in capacities(config))
    return strategy == "balanced" and differs and lines.only("start", "stop", "monitor", "promote", "demote", "migrate_to", "migrate_from")


def agent_in_part(config, _):
    return any(not all(each.get(name) for name in ("class", "provider", "type")) for each in config.root.iter("rsc_expression"))


def with_clone(config, lines):
    """What is to be with a clone is heard by each instance."""
    return moves_only(lines) and any(
        config.kind.get(config.outer(other)) in ("clone", "master", "bundle") and abs(score) < INFINITY or
        config.kind.get(config.outer(other)) in ("clone", "master", "bundle") and
        (any(0 < abs(wish) for wish in config.locations() if wish != score))
        for _, other, score, _ in config.colocations)


def waiting_monitor(config, lines):
    """The older program has a monitor in its plan that waits for a start which is not in it: it would never run."""
    dependents = {config.outer(one) for one, _, score, _ in config.colocations if score == INFINITY}
    dependents |= {each.get("value") for each in config.root.iter("nvpair") if each.get("name") == "remote-node"}
    return bool(lines.words) and all(each[0] == "-" and each[1] == "monitor" and each[-1] != "0" and config.outer(each[2]) in dependents
                                     for each in lines.words)


def unconfigured_guests(config, lines):
    """Without an entry among the nodes the older program takes all guests for the same place."""
    guests = {each.get("value") for each in config.root.iter("nvpair") if each.get("name") == "remote-node"}
    guests |= {f"{bundle.get('id')}-{number}" for bundle in config.root.iter("bundle") for number in range(9)}
    known = {each.get("uname") for each in config.root.iter("node")}
    places = {each[3] for each in lines.of("-", "start")}
    return len(guests - known) > 1 and bool(places) and places <= guests - known and moves_only(lines)


def by_a_role(config, lines):
    return moves_only(lines) and any(score < 0 and (each.get("rsc-role") or each.get("with-rsc-role")) for _, _, score, each in config.colocations)


def mandatory_first(config, lines):
    """Mandatory and optional colocations of one resource."""
    scores = collections.defaultdict(set)
    for one, other, score, _ in config.colocations:
        for name in (config.outer(one), config.outer(other)):
            scores[name].add(abs(score) == INFINITY)
    return moves_only(lines) and any(len(each) == 2 for each in scores.values())


def chained(config, lines):
    """A wish that comes over two colocations, the second of a score below INFINITY."""
    return moves_only(lines) and any(
        config.outer(b) == config.outer(c) and config.outer(a) != config.outer(d) and 0 < abs(second) < INFINITY
        for a, b, _, one in config.colocations for c, d, second, other in config.colocations if one is not other)


def unknown_instances(config, lines):
    """A name inside a clone that no history has yet, by way of a tag or a template."""
    recorded = {each.get("id") for each in config.root.iter("lrm_resource")}
    inner = {name for name, outer in config.top.items() if config.kind.get(outer) in ("clone", "master") and config.kind.get(name) == "primitive"}
    used = {name for names in config.alias.values() for name in names}
    return moves_only(lines) and bool((inner - recorded) & used)


def active_later_members(config, name):
    """Members after this one of its group that a history says are active, as elements."""
    group, place = config.position.get(re.sub(r":\d+$", "", name), (None, 0))
    later = {member for member, (of, at) in config.position.items() if of == group and at > place}
    active = {each.get("id") for each in config.root.iter("lrm_resource") for record in each.iter("lrm_rsc_op")
              if record.get("operation") in ("start", "monitor", "migrate_from") and record.get("rc-code") in ("0", "8")}
    return [each for each in config.root.iter("primitive") if each.get("id") in later & {re.sub(r":\d+$", "", name) for name in active}]


def new_member(config, lines):
    """Only the older program starts a member at once that waits here for a later one to stop, which cannot be (unmanaged or blocked)."""
    starts = lines.of("-", "start")
    return bool(starts) and all(each[0] == "-" for each in lines.words) and lines.only("start", "monitor", "promote", "notify", "pseudo") and \
        all(any(config.position.get(each[2], ("",))[0] == config.position.get(late.get("id"), ("-",))[0] for each in starts)
            for name in [each[2] for each in starts] for late in active_later_members(config, name)) and \
        any(active_later_members(config, each[2]) for each in starts)


def migrating_member(config, lines):
    """Only the older program migrates a member while one before it starts."""
    moved = {each[2] for each in lines.of("-", "migrate_to", "migrate_from")}
    return bool(moved) and moves_only(lines) and {each[2] for each in lines.of("+", "stop", "start")} <= moved and \
        all(config.position.get(each, ("", 0))[1] > 0 for each in moved)


def interleaved_apart(config, lines):
    """Instances of a clone that interleaves and must not be with another's: the older program puts one beside the other all the same."""
    def interleaves(name):
        return any(pair.get("name") == "interleave" and pair.get("value") == "true" for each in config.root.iter("clone")
                   if each.get("id") == config.outer(name) for pair in each.findall("./meta_attributes/nvpair"))
    return moves_only(lines) and any(score < 0 and interleaves(one) and config.kind.get(config.outer(other)) in ("clone", "master")
                                     for one, other, score, _ in config.colocations)


def bundle_by_attribute(config, lines):
    """What is to be with a bundle by another attribute than the name, or by a role that only one of the two has."""
    return moves_only(lines) and any(config.kind.get(config.outer(other)) == "bundle" and
                                     (each.get("node-attribute") or each.get("rsc-role") or each.get("with-rsc-role"))
                                     for _, other, _, each in config.colocations)


def avoids_the_only_place(config, lines):
    """A negative colocation whose dependent may be on one node only, which it likes little."""
    return moves_only(lines) and any(score < 0 for _, _, score, _ in config.colocations) and \
        any(wish < 0 for wish in config.locations())


def long_durations(config, lines):
    """Intervals of days, months and years."""
    return lines.only("monitor") and all(each[0] == "+" for each in lines.words) and \
        any(re.match(r"P[^T]*[DMWY]", each.get("interval") or "") for each in config.root.iter("op"))


def past_64_bits(config, _):
    return any(re.search(r"\d{20}", value) for each in config.root.find("./configuration").iter() for value in each.attrib.values())


def time_zones(config, lines):
    return moves_only(lines) and any(re.search(r"[+-](?!00:00)\d\d:\d\d$", each.get(name) or "") for each in config.root.iter("date_expression")
                                     for name in ("start", "end"))


def ends_with_maintenance(config, lines):
    """Monitors of what is active on several nodes, one of which is in maintenance."""
    resources = {each.get("id") for each in config.root.iter("lrm_resource")}
    nodes = [each for each in config.root.iter("nvpair") if each.get("name") == "maintenance" and each.get("value") == "true"]
    return lines.only("cancel") and bool(nodes) and all(each[0] == "+" and each[2] in resources for each in lines.words)


def all_before_it(config, lines):
    """Instances of an ordered clone, or of a bundle, that are ordered although they are no neighbours."""
    ordered = any(each.get("name") == "ordered" and each.get("value") == "true" for each in config.root.iter("nvpair"))
    def action(words):
        """(operation, resource), also of an event that stands for it"""
        found = re.fullmatch(r"(.+)_(start|stop|promote|demote)_0", words[1]) if words[0] == "pseudo" else None
        return (found[2], found[1]) if found else tuple(words[:2])
    def is_pair(words):
        at = words.index("->") if "->" in words else 0
        return at > 0 and words[0] == "+" and action(words[1:at]) == action(words[at + 1:]) and \
            action(words[1:at])[0] in ("start", "stop", "promote", "demote")
    return (ordered or "bundle" in config.kind.values()) and all(is_pair(each) for each in lines.words)


RECOGNISED = (
    ("instances of an ordered clone and of a bundle", all_before_it),
    ("a bundle by an attribute or a role", bundle_by_attribute),
    ("intervals of days and longer", long_durations),
    ("numbers past 64 bits", past_64_bits),
    ("dates with a time zone", time_zones),
    ("monitors of what is partly on a node in maintenance", ends_with_maintenance),
    ("a new member before an unmanaged or blocked active one", new_member),
    ("a stopped member before one that can migrate", migrating_member),
    ("instances that interleave and must not be together", interleaved_apart),
    ("instances of a clone that change places", instances_move),
    ("several orders between the same two", lambda config, lines: moves_only(lines) and several(config.orders)),
    ("several colocations between the same two", lambda config, lines: moves_only(lines) and several(config.colocations)),
    ("colocations in a circle", circle),
    ("a monitor that waits in vain", waiting_monitor),
    ("what is with a group that cannot come up", with_group),
    ("a score from an attribute that a node does not have", attribute_score),
    ("an agent of which not everything is said", agent_in_part),
    ("nodes of which neither is the roomier", roomier_in_a_circle),
    ("guests without an entry among the nodes", unconfigured_guests),
    ("users of a tag or template that nobody knows yet", unknown_instances),
    ("what a later member of a group is colocated with", with_later_member),
    ("what may not be with a role", by_a_role),
    ("what is left of a wish over several colocations", rounded),
    ("who may be in one place only and does not like it", avoids_the_only_place),
    ("wishes over several colocations", chained),
    ("mandatory and optional colocations of one resource", mandatory_first),
    ("wishes of what is to be with a clone", with_clone),
)


def reason(root, lines):
    """Why a difference of this shrunk cluster is no fault. None if it may be one. `lines`: "- start a n1 0", "+ stop ..."."""
    config = Configuration(root)
    lines = Lines(lines)
    return next((name for name, recognises in RECOGNISED if recognises(config, lines)), None)

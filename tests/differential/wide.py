"""Random clusters with everything that a CIB can say: tags, templates, references, rules, dates, bundles, remote nodes, levels, tickets.

generate.py makes clusters of parts with a history that is made up; these here are documents without a history: they get theirs by
living (walks.py). The same seed and feature give the same document.
"""
import random
import xml.etree.ElementTree as ET

FEATURES = ("plain", "tags", "templates", "references", "sets", "health", "dates", "defaults", "bundles", "guests", "remotes", "tickets",
            "utilization", "unmanaged", "fencing", "topology", "locks", "roles", "reactions", "moves", "old", "limits", "names", "everything")
NOW = 1700001000  # 2023-11-14T22:30:00Z, a Tuesday
SCORES = ("INFINITY", "-INFINITY", "100", "-100", "50", "1", "-1", "0", "1000000", "+INFINITY", "-5000")
ROLES = ("Started", "Stopped", "Promoted", "Unpromoted")
STRANGE = ("r0:1", "A.b-c", "rsc 2", "\u00e4\u00f6\u00fc", "rsc:0", "a_b_monitor_0", "x" * 300, "start", "-r", "r_stop", "0")
DURATIONS = ("20", "20s", "20sec", "3m", "3min", "1h", "1hr", "PT1M", "P1D", "PT1H30M", "1500ms", "0", "20 s", " 20s", "-5s", "1e3", "0x10",
             "99999999999", "99999999999999999999", "", "abc", "5.5s", "20S", "INFINITY", "P1Y", "P1M", "PT", "10us", "2500000us")
NUMBERS = ("1e9", "-INFINITY", "INFINITY", "99999999999", "0x10", "5min", "", "abc", "1.5", "-1", "+3", " 7", "7 ", "99999999999999999999",
           "-99999999999", "007", "true")
BOOLEANS = ("true", "TRUE", "yes", "Y", "on", "1", "false", "No", "off", "0", "", "2", "maybe", " true")


def pair(owner, name, value):
    return f'<nvpair id="{owner}-{name}" name="{name}" value="{quoted(value)}"/>'


def quoted(text):
    return str(text).replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")


def pairs(owner, values):
    return "".join(pair(owner, name, value) for name, value in values.items())


def metas(owner, values, rule=""):
    return f'<meta_attributes id="{owner}-m">{rule}{pairs(owner + "-m", values)}</meta_attributes>' if values or rule else ""


class Wide:
    def __init__(self, feature, seed):
        self.dice = random.Random(f"wide/{feature}/{seed}")
        self.feature = feature
        self.number = 0
        self.options = {}
        self.option_sets = ""
        self.nodes = []  # (id, name, kind)
        self.node_attributes = {}
        self.use = {}
        self.transient = {}
        self.resources = []
        self.constraints = []
        self.tags = []
        self.topology = []
        self.tickets = []
        self.defaults = {"rsc_defaults": "", "op_defaults": ""}
        self.top = []        # what constraints may name
        self.promotable = []
        self.words = {"validate-with": "pacemaker-3.9"}
        self.build()

    # --- Dice

    def has(self, *features):
        return self.feature in features or (self.feature == "everything" and self.dice.random() < 0.3)

    def chance(self, probability):
        return self.dice.random() < probability

    def any_of(self, *some):
        return self.dice.choice(some)

    def fresh(self, prefix):
        self.number += 1
        return f"{prefix}{self.number}"

    # --- Resources

    def agent(self, name, promotable):
        if self.has("templates") and not promotable and self.templates and self.chance(0.6):
            return f'template="{self.dice.choice(self.templates)}"'
        return f'class="ocf" provider="pacemaker" type="{"Stateful" if promotable else "Dummy"}"'

    def meta(self):
        out = {}
        def maybe(probability, name, *values):
            if self.chance(probability):
                out[name] = self.dice.choice(values)
        maybe(0.15, "resource-stickiness", "0", "1", "100", "INFINITY", "-100")
        maybe(0.1, "priority", "1", "10", "-5")
        maybe(0.08, "target-role", "Stopped", "Started")
        if self.has("unmanaged"):
            maybe(0.25, "is-managed", "false", "true")
            maybe(0.2, "maintenance", "true", "false")
        if self.has("moves"):
            maybe(0.8, "allow-migrate", "true")
        if self.has("reactions"):
            maybe(0.4, "migration-threshold", "1", "2", "3")
            maybe(0.3, "failure-timeout", "60", "1h", "100000000")
            maybe(0.2, "multiple-active", "block", "stop_only", "stop_unexpected")
            maybe(0.2, "critical", "false")
        if self.has("fencing", "topology"):
            maybe(0.4, "requires", "nothing", "quorum", "fencing", "unfencing")
        if self.has("health"):
            maybe(0.3, "allow-unhealthy-nodes", "true", "false")
        if self.has("limits") and self.chance(0.7):
            name = self.dice.choice(("priority", "resource-stickiness", "migration-threshold", "failure-timeout", "target-role", "is-managed",
                                     "multiple-active", "requires", "critical", "maintenance", "allow-migrate"))
            out[name] = self.limit_for(name)
        return out

    def limit_for(self, name):
        if name in ("is-managed", "critical", "maintenance", "allow-migrate", "interleave", "ordered", "notify", "promotable", "globally-unique"):
            return self.dice.choice(BOOLEANS)
        if name in ("failure-timeout",):
            return self.dice.choice(DURATIONS)
        if name == "target-role":
            return self.any_of("Stopped", "stopped", "STARTED", "Master", "Slave", "", "Unknown", "started ", "#default")
        if name in ("multiple-active", "requires"):
            return self.any_of("block", "nothing", "Nothing", "fencing", "", "odd", "quorum", "stop_only", "STOP_START")
        return self.dice.choice(NUMBERS)

    def operations(self, name, promotable):
        out = []
        def op(task, interval, **words):
            at = f"{name}-{task}-{len(out)}"
            text = "".join(f' {key.replace("_", "-")}="{quoted(value)}"' for key, value in words.items())
            out.append(f'<op id="{at}" name="{task}" interval="{quoted(interval)}"{text}/>')
        def words():
            found = {}
            if self.has("reactions") and self.chance(0.4):
                found["on_fail"] = self.any_of("block", "stop", "standby", "fence", "ignore", "restart", "demote")
            if self.has("limits") and self.chance(0.4):
                found["timeout"] = self.dice.choice(DURATIONS)
            if self.chance(0.1):
                found["enabled"] = self.any_of("true", "false")
            if self.has("limits") and self.chance(0.2):
                found["start_delay"] = self.dice.choice(DURATIONS)
            return found
        interval = (lambda usual: self.dice.choice(DURATIONS) if self.has("limits") and self.chance(0.5) else usual)
        if promotable:
            op("monitor", interval("9s"), role=self.any_of("Promoted", "Master"), **words())
            op("monitor", interval("10s"), role=self.any_of("Unpromoted", "Slave"), **words())
        else:
            op("monitor", interval("10s"), **words())
        if self.chance(0.15):
            op("monitor", "30s", role="Stopped")
        for task in ("start", "stop", "promote", "demote"):
            if self.has("reactions", "limits") and self.chance(0.2):
                op(task, "0", **words())
        return f'<operations>{"".join(out)}</operations>'

    def primitive(self, name, promotable=False, meta=None):
        use = ""
        if self.has("utilization"):
            chosen = {key: self.any_of("1", "2", "4", "0") for key in ("cpu", "memory") if self.chance(0.6)}
            use = f'<utilization id="{name}-u">{pairs(name + "-u", chosen)}</utilization>' if chosen else ""
        return (f'<primitive id="{quoted(name)}" {self.agent(name, promotable)}>{metas(name, self.meta() if meta is None else meta)}'
                f'{self.operations(name, promotable)}{use}</primitive>')

    def add_primitive(self):
        name = self.fresh("r")
        if self.has("names") and self.strange:
            name = self.strange.pop()
        self.resources.append(self.primitive(name))
        self.top.append(name)

    def add_group(self):
        name = self.fresh("g")
        members = [f"{name}-{letter}" for letter in "abc"[:self.dice.randint(1, 3)]]
        self.resources.append(f'<group id="{name}">{metas(name, self.meta())}{"".join(self.primitive(each) for each in members)}</group>')
        self.top.append(name)
        if self.chance(0.2):
            self.top.append(self.dice.choice(members))

    def clone_meta(self, promotable):
        out = {}
        def maybe(probability, name, *values):
            if self.chance(probability):
                out[name] = self.dice.choice(values)
        maybe(0.4, "interleave", "true")
        maybe(0.25, "clone-max", "1", "2", "3")
        maybe(0.15, "ordered", "true")
        maybe(0.2, "notify", "true")
        maybe(0.1, "resource-stickiness", "0", "100")
        if self.chance(0.1):
            out["globally-unique"] = "true"
            maybe(0.5, "clone-node-max", "2")
        if promotable:
            out["promotable"] = "true"
            maybe(0.2, "promoted-max", "2", "0")
            maybe(0.1, "target-role", "Unpromoted", "Promoted")
        maybe(0.1, "clone-min", "1", "2")
        if self.has("limits") and self.chance(0.7):
            name = self.dice.choice(("clone-max", "clone-min", "promoted-max", "promoted-node-max", "interleave", "ordered", "notify", "priority"))
            out[name] = self.limit_for(name)
        return out

    def add_clone(self, promotable):
        name = self.fresh("p" if promotable else "c")
        inner = f"{name}-in"
        text = self.primitive(inner, promotable, {})
        if self.chance(0.25):
            text = f'<group id="{name}-g">{self.primitive(name + "-z", promotable, {})}{text}</group>'
        self.resources.append(f'<clone id="{name}">{metas(name, self.clone_meta(promotable))}{text}</clone>')
        self.top.append(name)
        if promotable:
            self.promotable.append(name)
            for _, node, kind in self.nodes:
                if kind == "member" and self.chance(0.7):
                    self.transient.setdefault(node, {})[f"master-{inner}"] = self.any_of("5", "10", "100", "-1", "INFINITY")

    def add_bundle(self):
        name = self.fresh("b")
        word = self.any_of("docker", "podman")
        attributes = f' image="pcmk:test" replicas="{self.any_of("1", "2", "3")}"'
        promotable = self.chance(0.4)
        if self.chance(0.3):
            attributes += f' replicas-per-host="{self.any_of("1", "2")}"'
        if promotable and self.chance(0.8):
            attributes += f' promoted-max="{self.any_of("1", "2")}"'
        if self.chance(0.2):
            attributes += ' options="--log-driver=none"'
        if self.chance(0.2):
            attributes += ' run-command="/bin/sleep 5"'
        inside, network = "", ""
        if self.chance(0.75):
            inside = self.primitive(f"{name}-in", promotable, {})
        if inside or self.chance(0.6):
            words = ' ip-range-start="192.168.122.131"' if self.chance(0.7) else ' control-port="3121"'
            if "ip-range" in words and self.chance(0.4):
                words += ' host-netmask="24" host-interface="eth0"'
            port = '<port-mapping id="%s-port" port="80"/>' % name if self.chance(0.4) else ""
            network = f"<network{words}>{port}</network>"
        storage = ""
        if self.chance(0.5):
            storage = (f'<storage><storage-mapping id="{name}-st" {self.any_of("source-dir", "source-dir-root")}="/var/x" target-dir="/x" '
                       f'options="rw"/></storage>')
        meta = self.meta() if self.chance(0.3) else {}
        self.resources.append(f'<bundle id="{name}">{metas(name, meta)}<{word}{attributes}/>{network}{storage}{inside}</bundle>')
        self.top.append(name)

    def add_guest(self):
        name = self.fresh("v")
        meta = {**self.meta(), "remote-node": f"{name}-node"}
        self.resources.append(self.primitive(name, meta=meta))
        self.top.append(name)
        self.nodes.append((f"{name}-node", f"{name}-node", "guest"))

    def add_remote(self):
        name = self.fresh("remote")
        words = pair(f"{name}-a", "reconnect_interval", "60s") if self.chance(0.2) else ""
        self.resources.append(f'<primitive id="{name}" class="ocf" provider="pacemaker" type="remote">{metas(name, self.meta())}'
                              f'<instance_attributes id="{name}-a">{pair(f"{name}-a", "server", name)}{words}</instance_attributes>'
                              f'{self.operations(name, False)}</primitive>')
        self.nodes.append((name, name, "remote"))

    # --- Constraints

    def score(self):
        return self.dice.choice(SCORES if not self.has("limits") else SCORES + NUMBERS)

    def one(self):
        return self.dice.choice(self.top + self.aliases)

    def two(self):
        one = self.one()
        rest = [each for each in self.top + self.aliases if each != one and not each.startswith(one + "-") and not one.startswith(each + "-")]
        return one, self.dice.choice(rest) if rest else one

    def location(self):
        at, rsc = self.fresh("loc"), self.one()
        role = f' role="{self.dice.choice(ROLES)}"' if self.has("roles") and self.chance(0.4) else ""
        discovery = f' resource-discovery="{self.any_of("always", "never", "exclusive")}"' if self.chance(0.12) else ""
        if self.chance(0.3) or self.has("dates"):
            return f'<rsc_location id="{at}" rsc="{quoted(rsc)}"{discovery}>{self.rule(at, role)}</rsc_location>'
        if self.chance(0.1):
            return (f'<rsc_location id="{at}" rsc-pattern="{self.any_of("^r", "[0-9]$", "g.*-a", "^(.)")}" node="{self.dice.choice(self.nodes)[1]}" '
                    f'score="{self.score()}"/>')
        if self.chance(0.1) and len(self.top) > 1:
            members = "".join(f'<resource_ref id="{quoted(each)}"/>' for each in dict.fromkeys(self.two()))
            return (f'<rsc_location id="{at}" node="{self.dice.choice(self.nodes)[1]}" score="{self.score()}"{discovery}>'
                    f'<resource_set id="{at}-s"{role}>{members}</resource_set></rsc_location>')
        return f'<rsc_location id="{at}" rsc="{quoted(rsc)}" node="{self.dice.choice(self.nodes)[1]}" score="{self.score()}"{role}{discovery}/>'

    def expression(self, at):
        if self.has("dates") and self.chance(0.7):
            return self.date(at)
        name = self.any_of("#uname", "rack", "rack", "disk", "#kind", "#id", "#site-name", "load")
        if self.chance(0.2):
            return f'<expression id="{at}" attribute="{name}" operation="{self.any_of("defined", "not_defined")}"/>'
        kind = self.any_of("", "", ' type="number"', ' type="string"', ' type="version"', ' type="integer"')
        value = {"#uname": "n1", "#kind": "cluster", "#id": "2", "disk": "ssd"}.get(name, self.any_of("1", "2", "10", "1.5", "2.0.1"))
        return f'<expression id="{at}" attribute="{name}" operation="{self.any_of("eq", "ne", "lt", "gt", "lte", "gte")}" value="{value}"{kind}/>'

    def date(self, at):
        moment = lambda: self.any_of("2023-11-14T22:30:00Z", "2023-11-14 22:29:59Z", "2023-11-14T23:30:00+01:00", "2023-11-14", "2023-318",
                                     "2023-W46-2", "20231114T223000Z", "2024-01-01", "2022-12-31T24:00:00Z", "2023-11-14T22:30", "2023-11-15T00:00:00")
        roll = self.dice.random()
        if roll < 0.2:
            return f'<date_expression id="{at}" operation="gt" start="{moment()}"/>'
        if roll < 0.4:
            return f'<date_expression id="{at}" operation="lt" end="{moment()}"/>'
        if roll < 0.55:
            words = "".join(f' {name}="{moment()}"' for name in self.any_of(("start",), ("end",), ("start", "end")))
            return f'<date_expression id="{at}" operation="in_range"{words}/>'
        if roll < 0.75:
            length = "".join(f' {name}="{self.any_of("1", "2", "24", "400")}"' for name in ("years", "months", "weeks", "days", "hours", "minutes", "seconds")
                             if self.chance(0.25)) or ' hours="1"'
            return (f'<date_expression id="{at}" operation="in_range" start="{moment()}"><duration id="{at}-d"{length}/></date_expression>')
        fields = {"years": ("2023", "2022-2023", "2024-"), "months": ("11", "1-6", "10-12", "-11"), "monthdays": ("14", "1-7", "10-", "15"),
                  "hours": ("22", "0-8", "20-23", "23"), "weekdays": ("2", "1-5", "6-7", "3"), "yeardays": ("318", "1-100", "300-"),
                  "weeks": ("46", "1-52", "47"), "weekyears": ("2023", "2024"), "minutes": ("30", "0-29", "30-59")}
        chosen = self.dice.sample(sorted(fields), self.dice.randint(1, 3))
        words = "".join(f' {name}="{self.dice.choice(fields[name])}"' for name in chosen)
        return f'<date_expression id="{at}" operation="date_spec"><date_spec id="{at}-s"{words}/></date_expression>'

    def rule(self, at, role="", score=None):
        found = "".join(self.expression(f"{at}-e{number}") for number in range(self.dice.randint(1, 2)))
        if self.chance(0.2):
            found += f'<rule id="{at}-n" boolean-op="{self.any_of("and", "or")}" score="0">{self.expression(at + "-ne")}{self.expression(at + "-nf")}</rule>'
        worth = f'score="{score or self.score()}"' if score or self.chance(0.85) else f'score-attribute="{self.any_of("load", "rack")}"'
        word = self.any_of("", ' boolean-op="or"', ' boolean-op="and"')
        return f'<rule id="{at}-r" {worth}{word}{role}>{found}</rule>'

    def colocation(self):
        at = self.fresh("col")
        one, other = self.two()
        words = ""
        if self.has("roles") and other in self.promotable:
            words += f' with-rsc-role="{self.any_of("Promoted", "Unpromoted", "Started", "Master")}"'
        if self.has("roles") and one in self.promotable and self.chance(0.5):
            words += f' rsc-role="{self.any_of("Promoted", "Unpromoted", "Started")}"'
        if self.chance(0.12):
            words += ' node-attribute="rack"'
        if self.chance(0.1):
            words += f' influence="{self.any_of("false", "true")}"'
        return f'<rsc_colocation id="{at}" rsc="{quoted(one)}" with-rsc="{quoted(other)}" score="{self.score()}"{words}/>'

    def order(self):
        at = self.fresh("ord")
        one, other = self.two()
        words = ""
        if self.has("roles") and one in self.promotable:
            words += f' first-action="{self.any_of("promote", "demote", "start", "stop")}"'
        if self.has("roles") and self.chance(0.4):
            words += f' then-action="{self.any_of("start", "stop", "promote") if other in self.promotable else "start"}"'
        if self.chance(0.15):
            words += ' symmetrical="false"'
        if self.chance(0.1):
            words += ' require-all="false"'
        return f'<rsc_order id="{at}" first="{quoted(one)}" then="{quoted(other)}" {self.any_of("kind=%sMandatory%s", "kind=%sOptional%s", "kind=%sSerialize%s", "score=%s0%s", "score=%sINFINITY%s") % (chr(34), chr(34))}{words}/>'

    def sets(self, word):
        at = self.fresh("set")
        some = list(dict.fromkeys(self.dice.sample(self.top + self.aliases, min(len(self.top + self.aliases), self.dice.randint(2, 4)))))
        if len(some) < 2:
            return ""
        cut = self.dice.randint(1, len(some) - 1) if self.chance(0.7) else len(some)
        out = ""
        for number, members in enumerate(filter(None, (some[:cut], some[cut:]))):
            words = self.any_of("", "", ' sequential="false"', ' sequential="true"')
            if word == "rsc_order" and self.chance(0.25):
                words += ' require-all="false"'
            if self.has("roles") and all(each in self.promotable for each in members):
                words += ' role="Promoted"' if word == "rsc_colocation" else ' action="promote"'
            if word == "rsc_order" and self.chance(0.1):
                words += ' action="stop"'
            refs = "".join(f'<resource_ref id="{quoted(each)}"/>' for each in members)
            out += f'<resource_set id="{at}-{number}"{words}>{refs}</resource_set>'
        score = f' score="{self.any_of("INFINITY", "100", "-INFINITY", "-100")}"' if word == "rsc_colocation" else \
            self.any_of("", ' kind="Optional"', ' kind="Serialize"', ' symmetrical="false"')
        return f'<{word} id="{at}"{score}>{out}</{word}>'

    # --- The rest

    def own_tags(self):
        for _ in range(self.dice.randint(1, 2)):
            name = self.fresh("tag")
            some = self.dice.sample(self.top, min(len(self.top), self.dice.randint(1, 3)))
            self.tags.append(f'<tag id="{name}">{"".join(f"<obj_ref id={chr(34)}{quoted(each)}{chr(34)}/>" for each in some)}</tag>')
            self.aliases.append(name)

    def own_templates(self):
        for _ in range(self.dice.randint(1, 2)):
            name = self.fresh("tmpl")
            meta, ops = metas(name, self.meta()), self.operations(name, False)
            self.resources.append(f'<template id="{name}" class="ocf" provider="pacemaker" type="Dummy">{meta}{ops}</template>')
            self.templates.append(name)

    def own_references(self):
        """Sets, operations, pairs and rules that are said once and used by reference."""
        shared, kept = self.resources, []
        self.resources.insert(0, '<primitive id="shared" class="ocf" provider="pacemaker" type="Dummy"><meta_attributes id="shared-m">'
                              + pairs("shared-m", self.meta()) + f'<nvpair id="shared-pair" name="resource-stickiness" value="7"/></meta_attributes>'
                              '<operations id="shared-ops"><op id="shared-op" name="monitor" interval="33s" timeout="44s"/></operations></primitive>')
        for text in shared[1:]:
            if text.startswith("<primitive") and self.chance(0.6):
                if self.chance(0.5):
                    begin, end = text.find("<operations>"), text.find("</operations>")
                    if begin > 0:
                        text = text[:begin] + '<operations id-ref="shared-ops"/>' + text[end + len("</operations>"):]
                at = text.find(">") + 1
                text = text[:at] + self.any_of('<meta_attributes id-ref="shared-m"/>', '<meta_attributes id="ref-%d"><nvpair id-ref="shared-pair"/>'
                                               '</meta_attributes>' % len(kept)) + text[at:]
            kept.append(text)
        self.resources = shared[:1] + kept
        self.constraints.append(f'<rsc_location id="ref-loc" rsc="shared">{self.rule("ref-loc")}</rsc_location>')
        self.constraints.append(f'<rsc_location id="ref-loc2" rsc="{quoted(self.one())}"><rule id-ref="ref-loc-r"/></rsc_location>')

    def own_health(self):
        self.options["node-health-strategy"] = self.any_of("none", "only-green", "migrate-on-red", "progressive", "custom", "odd")
        for name, values in (("node-health-base", ("10", "-5", "INFINITY")), ("node-health-green", ("5", "INFINITY")), ("node-health-yellow", ("-7", "100")),
                             ("node-health-red", ("-100", "-INFINITY", "0"))):
            if self.chance(0.4):
                self.options[name] = self.dice.choice(values)
        for _, node, _ in self.nodes:
            for name in ("#health-x", "#health_y"):
                if self.chance(0.5):
                    where = self.any_of(self.node_attributes, self.transient)
                    where.setdefault(node, {})[name] = self.any_of("red", "yellow", "green", "-5", "10", "INFINITY", "-INFINITY", "RED", "odd", "")

    def own_defaults(self):
        meta = self.meta() or {"resource-stickiness": "10"}
        kinds = self.any_of(' class="ocf"', ' type="Dummy"', ' class="ocf" provider="pacemaker" type="Stateful"', ' provider="heartbeat"', ' class="stonith"')
        rule = self.any_of("", f'<rule id="rd-r" boolean-op="and" score="0"><rsc_expression id="rd-e"{kinds}/></rule>',
                           f'<rule id="rd-r" boolean-op="or" score="0"><rsc_expression id="rd-e"{kinds}/>{self.date("rd-d")}</rule>',
                           f'<rule id="rd-r" boolean-op="and" score="0">{self.date("rd-d")}</rule>')
        self.defaults["rsc_defaults"] = f'<meta_attributes id="rd" score="{self.any_of("1", "10")}">{rule}{pairs("rd", meta)}</meta_attributes>' \
            f'<meta_attributes id="rd2" score="5">{pairs("rd2", self.meta())}</meta_attributes>'
        words = self.any_of(' name="monitor"', ' name="monitor" interval="10s"', ' name="start"', ' name="monitor" interval="10000ms"', ' name="stop" interval="0"')
        rule = self.any_of("", f'<rule id="od-r" boolean-op="and" score="0"><op_expression id="od-e"{words}/></rule>',
                           f'<rule id="od-r" boolean-op="{self.any_of("and", "or")}" score="0"><op_expression id="od-e"{words}/><rsc_expression id="od-f"{kinds}/></rule>')
        some = {"timeout": self.any_of("44s", "1min"), **({"on-fail": self.any_of("block", "stop", "ignore", "standby")} if self.chance(0.4) else {})}
        if self.chance(0.2):
            some["enabled"] = "false"
        self.defaults["op_defaults"] = f'<meta_attributes id="od">{rule}{pairs("od", some)}</meta_attributes>'

    def own_tickets(self):
        for _ in range(self.dice.randint(1, 2)):
            at, rsc = self.fresh("tick"), self.one()
            role = f' rsc-role="{self.any_of("Promoted", "Unpromoted", "Started", "Master")}"' if rsc in self.promotable and self.chance(0.7) else ""
            policy = self.any_of("", ' loss-policy="stop"', ' loss-policy="demote"', ' loss-policy="freeze"', ' loss-policy="fence"')
            self.constraints.append(f'<rsc_ticket id="{at}" rsc="{quoted(rsc)}" ticket="{self.any_of("T", "U")}"{role}{policy}/>')
        for name in ("T", "U"):
            if self.chance(0.7):
                self.tickets.append(f'<ticket_state id="{name}" granted="{self.any_of("true", "true", "false")}" standby="{self.any_of("false", "false", "true")}"/>')

    def own_utilization(self):
        self.options["placement-strategy"] = self.any_of("utilization", "balanced", "minimal", "default")
        for _, node, kind in self.nodes:
            if kind == "member":
                self.use[node] = {key: self.any_of("2", "4", "6", "0") for key in ("cpu", "memory") if self.chance(0.8)}

    def own_unmanaged(self):
        if self.chance(0.3):
            self.options[self.any_of("maintenance-mode", "stop-all-resources")] = "true"
        for _, node, _ in self.nodes:
            if self.chance(0.25):
                where = self.any_of(self.node_attributes, self.transient)
                where.setdefault(node, {})[self.any_of("standby", "maintenance")] = self.any_of("on", "true", "off", "yes")

    def own_topology(self):
        for number in range(self.dice.randint(1, 3)):
            target = self.any_of(f'target="{self.dice.choice(self.nodes)[1]}"', 'target-pattern="n[12]"', 'target-attribute="rack" target-value="1"')
            self.topology.append(f'<fencing-level id="fl{number}" {target} index="{self.any_of("1", "2")}" devices="{self.any_of("shooter", "shooter,second", "second")}"/>')
        self.resources.append('<primitive id="second" class="stonith" type="fence_xvm"><instance_attributes id="second-a">'
                              f'{pair("second-a", "pcmk_host_list", "n1 n2")}</instance_attributes></primitive>')
        if self.chance(0.4):
            self.resources.append('<primitive id="third" class="stonith" type="fence_scsi"><meta_attributes id="third-m"><nvpair id="third-p" '
                                  'name="provides" value="unfencing"/></meta_attributes></primitive>')

    def own_locks(self):
        self.options["shutdown-lock"] = "true"
        if self.chance(0.4):
            self.options["shutdown-lock-limit"] = self.any_of("5min", "1h", "0")
        for _, node, kind in self.nodes:
            if kind == "member" and self.chance(0.3):
                self.transient.setdefault(node, {})["shutdown"] = str(NOW - 60)

    def own_old(self):
        """Words of the schemas before 3.0 that crm_simulate still takes."""
        self.words["validate-with"] = self.any_of("pacemaker-1.2", "pacemaker-2.0", "pacemaker-2.5", "pacemaker-2.10", "pacemaker-3.0", "none")
        for name, values in (("stonith_enabled", ("false",)), ("symmetric_cluster", ("true", "false")), ("no_quorum_policy", ("ignore", "stop")),
                             ("default-resource-stickiness", ("100", "INFINITY")), ("is-managed-default", ("false", "true")),
                             ("stop_orphan_resources", ("false",)), ("default_resource_stickiness", ("50",)), ("is_managed_default", ("false",)),
                             ("stop_orphan_actions", ("false",)), ("remove_after_stop", ("true",)), ("default-action-timeout", ("33s",)),
                             ("default_action_timeout", ("33s",)), ("transition_idle_timeout", ("90s",)), ("cluster-delay", ("90s",)),
                             ("startup_fencing", ("false",)), ("start-failure-is-fatal", ("false",)), ("default-migration-threshold", ("1",)),
                             ("maintenance_mode", ("true",)), ("stop_all_resources", ("true",)), ("enable-startup-probes", ("false",))):
            if self.chance(0.12):
                self.options[name] = self.dice.choice(values)
        self.resources = [text.replace("<clone ", "<master ").replace("</clone>", "</master>").replace('name="promoted-max"', 'name="master-max"')
                          if 'name="promotable"' in text and self.chance(0.7) else text for text in self.resources]
        self.resources = [text.replace('name="promotable"', 'name="odd"') if "<master" in text else text for text in self.resources]

    def own_limits(self):
        booleans = ("symmetric-cluster", "maintenance-mode", "enable-startup-probes", "stop-all-resources", "stop-orphan-resources",
                    "startup-fencing", "start-failure-is-fatal", "concurrent-fencing", "shutdown-lock")
        others = ("cluster-delay", "batch-limit", "migration-limit", "stonith-timeout", "priority-fencing-delay", "node-pending-timeout",
                  "shutdown-lock-limit", "no-quorum-policy", "placement-strategy", "stonith-action")
        for _ in range(2):
            name = self.dice.choice(booleans + others)
            if name in booleans:
                value = self.dice.choice(BOOLEANS)
            elif name in ("no-quorum-policy", "placement-strategy", "stonith-action"):
                value = self.any_of("", "odd", "IGNORE", "Balanced", "OFF", "stop", "poweroff")
            else:
                value = self.dice.choice(NUMBERS if name in ("batch-limit", "migration-limit") else DURATIONS)
            self.options[name] = value

    def build(self):
        self.aliases, self.templates = [], []
        self.strange = self.dice.sample(STRANGE, len(STRANGE))
        for number in range(1, self.dice.randint(2, 4) + 1):
            name = f"n{number}"
            self.nodes.append((str(number), name, "member"))
            if self.chance(0.6):
                self.node_attributes[name] = {"rack": self.any_of("1", "2", "10")}
            if self.chance(0.3):
                self.node_attributes.setdefault(name, {})["disk"] = "ssd"
            if self.chance(0.2):
                self.node_attributes.setdefault(name, {})["load"] = self.any_of("1", "-1", "INFINITY", "1.5", "x")
        fencing = self.has("fencing", "topology", "bundles", "guests", "remotes") and self.chance(0.8)
        self.options["stonith-enabled"] = "true" if fencing else "false"
        self.options["concurrent-fencing"] = "true"
        if self.chance(0.1):
            self.options["symmetric-cluster"] = "false"
        if self.chance(0.15):
            self.options["no-quorum-policy"] = self.any_of("ignore", "freeze", "demote", "stop")
        if fencing:
            self.resources.append('<primitive id="shooter" class="stonith" type="fence_xvm"/>')
            if self.chance(0.4):
                self.options["priority-fencing-delay"] = "30s"
        if self.has("templates"):
            self.own_templates()
        for _ in range(self.dice.randint(2, 4)):
            roll = self.dice.random()
            if self.has("bundles") and roll < 0.35:
                self.add_bundle()
            elif self.has("guests") and roll < 0.35:
                self.add_guest()
            elif self.has("remotes") and roll < 0.35:
                self.add_remote()
            elif roll < 0.65:
                self.add_primitive()
            elif roll < 0.8:
                self.add_group()
            else:
                self.add_clone(self.chance(0.6 if self.has("roles", "tickets") else 0.35))
        if not self.top:
            self.add_primitive()
        if self.has("tags"):
            self.own_tags()
        self.aliases += [each for each in self.templates if self.chance(0.7)]
        for _ in range(self.dice.randint(0, 2)):
            self.constraints.append(self.location())
        if len(self.top) > 1:
            for _ in range(self.dice.randint(0, 2)):
                self.constraints.append(self.colocation())
            for _ in range(self.dice.randint(0, 2)):
                self.constraints.append(self.order())
            if self.has("sets") or self.aliases:
                self.constraints += [self.sets(word) for word in ("rsc_order", "rsc_colocation") if self.chance(0.6)]
        for name in ("references", "health", "defaults", "tickets", "utilization", "unmanaged", "topology", "locks", "old", "limits"):
            if self.has(name):
                getattr(self, f"own_{name}")()

    # --- The document

    def root(self):
        nodes, status = "", ""
        for number, name, kind in self.nodes:
            attributes = pairs(f"n-{number}", self.node_attributes.get(name, {}))
            use = self.use.get(name)
            use = f'<utilization id="u-{number}">{pairs(f"u-{number}", use)}</utilization>' if use else ""
            if kind != "guest" or attributes:
                word = ' type="remote"' if kind != "member" else ""
                nodes += f'<node id="{number}" uname="{name}"{word}><instance_attributes id="n-{number}">{attributes}</instance_attributes>{use}</node>'
            transient = pairs(f"s-{number}", self.transient.get(name, {}))
            transient = f'<transient_attributes id="{number}"><instance_attributes id="s-{number}">{transient}</instance_attributes></transient_attributes>'
            if kind == "member":
                status += (f'<node_state id="{number}" uname="{name}" in_ccm="true" crmd="online" join="member" expected="member">{transient}'
                           f'<lrm id="{number}"><lrm_resources/></lrm></node_state>')
            elif name in self.transient:
                status += f'<node_state id="{number}" uname="{name}" remote_node="true">{transient}</node_state>'
        section = lambda name, text: f"<{name}>{text}</{name}>" if text else ""
        words = " ".join(f'{name}="{value}"' for name, value in self.words.items())
        return ET.fromstring(
            f'<cib crm_feature_set="3.16.2" {words} epoch="1" num_updates="1" admin_epoch="0" have-quorum="1" dc-uuid="1" '
            f'execution-date="{NOW}"><configuration><crm_config><cluster_property_set id="cib-bootstrap-options">{pairs("o", self.options)}'
            f'</cluster_property_set></crm_config><nodes>{nodes}</nodes><resources>{"".join(self.resources)}</resources>'
            f'<constraints>{"".join(self.constraints)}</constraints>{section("tags", "".join(self.tags))}'
            f'{section("rsc_defaults", self.defaults["rsc_defaults"])}{section("op_defaults", self.defaults["op_defaults"])}'
            f'{section("fencing-topology", "".join(self.topology))}</configuration>'
            f'<status>{status}{section("tickets", "".join(self.tickets))}</status></cib>')

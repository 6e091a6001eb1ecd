"""What the scenarios have in common: a lab for one scenario, configurations, and how to expect things."""
import contextlib
import json
import re
import subprocess
import tempfile

import cluster
import xblab

NODES = cluster.NODES
other = cluster.other
GROUP = ("address", "httpd")  # docs/examples/web.crm, in start order


class Skip(Exception):
    """The scenario cannot run here; the text says why."""


def expect(condition, claim):
    if not condition:
        raise AssertionError(claim)


def expect_equal(got, wanted, what):
    if got != wanted:
        raise AssertionError(f"{what}: wanted {wanted!r}, got {got!r}")


def web(threshold=1, fencing=True, members=None, stopped=False):
    """docs/examples/web.crm, changed. `members`: the group's text in place of address and httpd. `stopped`: loaded with
    target-role=Stopped, for agents_lab.start_once_probed()."""
    text = (xblab.ROOT / "docs/examples/web.crm").read_text()
    text = text.replace("migration-threshold=1", f"migration-threshold={threshold}")
    if not fencing:
        text = text.replace("stonith-enabled=true", "stonith-enabled=false").replace("on-fail=fence", "on-fail=block")
    if members is not None:
        begin, end = text.index("primitive address"), text.index("group web")
        names = " ".join(re.findall(r"^primitive (\S+)", members, re.MULTILINE))
        text = text[:begin] + members + re.sub(r"group web .*", f"group web {names}", text[end:])
    if stopped:
        text = re.sub(r"(group web .*)", r"\1 meta target-role=Stopped", text)
    return text


def tunable(name, start_s=20, stop_s=20, stop_on_fail="fence"):
    return (f"primitive {name} ocf:xblab:Tunable op start interval=0 timeout={start_s}s "
            f"op monitor interval=10s timeout=20s op stop interval=0 timeout={stop_s}s on-fail={stop_on_fail}\n")


def location(name, first="pm01"):
    """As the group in docs/examples/web.crm: first here, else there."""
    return f"location {name}-first {name} 200: {first}\nlocation {name}-second {name} 100: {other(first)}\n"


def pair(body, fencing=False, stickiness="INFINITY", threshold=1):
    """A configuration of both nodes and `body`; with fencing, their devices are those of docs/examples/web.crm."""
    text = "node 1: pm01\nnode 2: pm02\n" + body
    text += f"rsc_defaults resource-stickiness={stickiness} migration-threshold={threshold}\n"
    if not fencing:
        return text + "property stonith-enabled=false\n"
    example = web()
    begin, end = example.index("primitive fence-pm01"), example.index("location web-prefers")
    return (text + example[begin:end] + "location fence-pm01-elsewhere fence-pm01 -inf: pm01\n"
            "location fence-pm02-elsewhere fence-pm02 -inf: pm02\nproperty stonith-enabled=true stonith-action=off\n")


ROUTER = "10.77.0.100"  # the client answers pings


def connected(dampen="300ms"):
    """docs/examples/web.crm with the group, stopped at first, only where the router is reached."""
    return web(stopped=True) + (
        f"primitive net ocf:xbeat:ping params host_list={ROUTER} multiplier=100 attempts=2 wait=200ms dampen={dampen} "
        "op monitor interval=300ms timeout=10s\n"
        "clone nets net\n"
        "location web-connected web rule -inf: not_defined pingd or pingd lt 100\n")


def change_toml(change):
    """Every node's own configuration becomes change(text); the daemons start anew and join. Before resources run."""
    for node in NODES:
        cluster.leave(node)
        text = xblab.run(node, "cat", "/etc/xbeat/xbeat.toml").stdout
        xblab.run(node, "tee", "/etc/xbeat/xbeat.toml", text=change(text))
    for node in NODES:
        xblab.ask("daemon", node, "start")
    cluster.wait_joined()


def cut_interconnects(node="pm02", verb="cut"):
    """All of them at once, or mended with verb="mend"; returns when the last one was."""
    return [xblab.inject(verb, node, link) for link in ("ic0", "ic1")][-1]


def deafen(node, link, on):
    """The switch delivers nothing to that port any more; what comes from it goes on."""
    word = "off" if on else "on"
    port = f"{node}.{link}"

    def bridge(*words):
        subprocess.run(["ip", "netns", "exec", xblab.PREFIX + "sw", "bridge", *words], check=True, capture_output=True)
    bridge("link", "set", "dev", port, "learning", word, "flood", word, "mcast_flood", word, "bcast_flood", word)
    if on:
        subprocess.run(["ip", "-n", xblab.PREFIX + "sw", "link", "set", port, "type", "bridge_slave", "fdb_flush"],
                       check=True, capture_output=True)


@contextlib.contextmanager
def lab(config=None, *options):
    """A lab with this configuration (crm text), torn down afterwards, whatever happens."""
    words = ["up", *options]
    # These machines lose whole processors for tens of milliseconds to their host. metal-fast, which calls a peer dead
    # after six, is measured by the benchmark; a scenario is about what follows a verdict.
    if "--profile" not in options:
        words += ["--profile", "metal"]
    with tempfile.NamedTemporaryFile("w", suffix=".crm") as file:
        if config is not None:
            file.write(config)
            file.flush()
            words += ["--config", file.name]
        try:
            xblab.lab(*words)
            yield
        finally:
            xblab.lab("down")


def status(node):
    """`xbeat status --json`, the evidence of most scenarios."""
    return json.loads(cluster.shell(node, "status", "--json").stdout)


def resource(node, name):
    def search(rows):
        for row in rows:
            if row["id"] == name:
                return row
            found = search(row.get("children", []))
            if found:
                return found
        return None
    return search(status(node)["resources"])


def places(node, name):
    """Where the cluster says a resource is active."""
    found = resource(node, name)
    return found["nodes"] if found and found["active"] else []


def fail_count(node, name, on):
    """The fail count as shown: "0" if there is none."""
    for row in status(node)["fail_counts"]:
        if row["resource"] == name and row["node"] == on:
            return row["fail_count"]
    return "0"


def failed_action(node, name, on, task):
    """The shown failed action of that resource, node and task, or None."""
    for row in status(node)["failed_actions"]:
        if row["resource"] == name and row["node"] == on and row["task"] == task:
            return row
    return None


def node_row(node, name):
    return next(row for row in status(node)["nodes"] if row["name"] == name)


def patient_probe(kind="http"):
    """A client for scenarios in which not one request may be lost.

    A busy machine answers some after more than the usual 100 ms; a frame that was lost is sent again after a second.
    """
    return xblab.Probe(kind, timeout_ms=900)


def wait_served_by(node, since_ns=None, limit_s=60):
    """Until the address is on that node alone and the cluster has nothing left to do."""
    xblab.wait_until(f"the address is on {node} alone", lambda: cluster.where() == [node], limit_s)
    cluster.wait_settled(node, limit_s)


def wait_event(node, kind, since, limit_s=30, **fields):
    """The first event of that kind after sequence `since`; `fields` as in the row (node=, resource=)."""
    def find():
        for row in cluster.events(node, since):
            if row["kind"] == kind and all(row.get(key) == value for key, value in fields.items()):
                return row
        return None
    return xblab.wait_until(f"{node} notes {kind} {fields or ''}", find, limit_s)


def expect_no_fencing(nodes=NODES):
    for node in nodes:
        expect_equal(xblab.machine_state(node), "running", f"state of {node}")
        expect_equal(cluster.fences(node), [], f"fence history on {node}")


def kinds(node, since=0, **fields):
    """The kinds of a node's events after `since`, in order; `fields` as in the row (node=, resource=)."""
    return [row["kind"] for row in cluster.events(node, since)
            if all(row.get(key) == value for key, value in fields.items())]


def fail(node, name):
    """A tunable instance has gone: its next monitor finds it."""
    xblab.run(node, "rm", f"/run/xblab/{name}.running")


def calls(node):
    """What the tunable agents of a node were asked to do, in order: ("start", "first"), ..."""
    text = xblab.run(node, "cat", "/run/xblab/calls", check=False).stdout
    return [tuple(line.split()) for line in text.splitlines()]


def order_of(rows, task):
    """The resources in the order in which their `task` was called."""
    return [row[1] for row in rows if row[0] == task]


def calls_since(node, before, tasks=("start", "stop", "promote", "demote")):
    """The calls after the first `before` that change anything: [("stop", "second"), ...]."""
    return [row for row in calls(node)[before:] if row[0] in tasks]


def tell(node, name, action, behaviour):
    """Has the tunable resource behave so from now on; an empty behaviour is as usual."""
    path = f"/run/xblab/{name}.{action}"
    if behaviour:
        xblab.run(node, "tee", path, text=behaviour + "\n")
    else:
        xblab.run(node, "rm", "-f", path)

"""What the scenarios have in common: a lab for one scenario, configurations, and how to expect things."""
import contextlib
import json
import re
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


def web(threshold=1, fencing=True, members=None):
    """docs/examples/web.crm, changed. `members`: the group's text in place of address and httpd."""
    text = (xblab.ROOT / "docs/examples/web.crm").read_text()
    text = text.replace("migration-threshold=1", f"migration-threshold={threshold}")
    if not fencing:
        text = text.replace("stonith-enabled=true", "stonith-enabled=false").replace("on-fail=fence", "on-fail=block")
    if members is not None:
        begin, end = text.index("primitive address"), text.index("group web")
        names = " ".join(re.findall(r"^primitive (\S+)", members, re.MULTILINE))
        text = text[:begin] + members + re.sub(r"group web .*", f"group web {names}", text[end:])
    return text


def tunable(name, start_s=20, stop_s=20, stop_on_fail="fence"):
    return (f"primitive {name} ocf:xblab:Tunable op start interval=0 timeout={start_s}s "
            f"op monitor interval=10s timeout=20s op stop interval=0 timeout={stop_s}s on-fail={stop_on_fail}\n")


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


def calls(node):
    """What the tunable agents of a node were asked to do, in order: ("start", "first"), ..."""
    text = xblab.run(node, "cat", "/run/xblab/calls", check=False).stdout
    return [tuple(line.split()) for line in text.splitlines()]


def order_of(rows, task):
    """The resources in the order in which their `task` was called."""
    return [row[1] for row in rows if row[0] == task]


def tell(node, name, action, behaviour):
    """Has the tunable resource behave so from now on; an empty behaviour is as usual."""
    path = f"/run/xblab/{name}.{action}"
    if behaviour:
        xblab.run(node, "tee", path, text=behaviour + "\n")
    else:
        xblab.run(node, "rm", "-f", path)

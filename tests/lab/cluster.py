"""What xbeat says of the cluster, asked as any other local program would: one line of JSON, one line back.

The questions go through the node's read-only socket (docs/control-protocol.md); changes go through the
command line, as a person makes them.
"""
import json
import socket
import xml.etree.ElementTree as ElementTree

import xblab

NODES = ("pm01", "pm02")
OK = 0
NOT_RUNNING = 7


def other(node):
    return NODES[1 - NODES.index(node)]


def call(node, limit_s=10, **request):
    """One request to a node's daemon. LabError if nobody answers or the answer is no."""
    try:
        pid = (xblab.DIRECTORY / node / "init.pid").read_text().strip()
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
            line.settimeout(limit_s)
            line.connect(f"/proc/{pid}/root/run/xbeat/admin.sock")
            line.sendall(json.dumps(request).encode() + b"\n")
            received = b""
            while not received.endswith(b"\n"):
                part = line.recv(1 << 20)
                if not part:
                    raise LabUnavailable(f"{node}: the daemon hung up")
                received += part
    except OSError as error:
        raise LabUnavailable(f"{node}: {error}") from error
    reply = json.loads(received)
    if not reply.get("ok"):
        raise xblab.LabError(f"{node}: {request['op']}: {reply.get('code')}: {reply.get('message')}")
    return reply


class LabUnavailable(xblab.LabError):
    """No daemon answers on that node."""


def answers(node):
    try:
        return call(node, op="ping")
    except LabUnavailable:
        return None


def status(node):
    """The daemon's status, or {} while none answers."""
    try:
        return call(node, op="status")
    except LabUnavailable:
        return {}


def cib(node):
    return ElementTree.fromstring(call(node, op="cib")["cib"])


def peer(node, name):
    """What `node` says of its peer; {} if it does not know it or does not answer."""
    for row in status(node).get("peers", []):
        if row["name"] == name:
            return row
    return {}


def path(node, name, link):
    for row in peer(node, name).get("paths", []):
        if row["name"] == link:
            return row
    return {}


def is_member(node, name):
    return bool(peer(node, name).get("is_member"))


def wait_joined(nodes=NODES, limit_s=60):
    def joined():
        return all(is_member(a, b) for a in nodes for b in nodes if a != b)
    xblab.wait_until(f"{' and '.join(nodes)} have joined", joined, limit_s, 0.02)


def coordinator(node):
    """Who plans, as `node` knows; "" while nobody does."""
    return status(node).get("coordinator", "")


def leave(node):
    """A clean leave, until the daemon's process is gone."""
    shell(node, "shutdown", "--yes")
    xblab.wait_until(f"the daemon of {node} has ended", lambda: not xblab.processes(node, "xbeatd"))


def is_settled(node):
    """Whether the coordinator that `node` knows has nothing under way."""
    planner = coordinator(node)
    return bool(planner) and status(planner).get("activity", "").partition(";")[0] == "idle"


def wait_settled(node, limit_s=90):
    """Until the coordinator has nothing left to do; asked twice, so that the gap between two plans is no rest."""
    def twice():
        return is_settled(node) and is_settled(node) and not _pending(node)
    xblab.wait_until(f"{node} says that the cluster is settled", twice, limit_s, 0.05)


def _pending(node):
    return any(op.get("op-status") == "-1" for op in cib(node).iter("lrm_rsc_op"))


def operations(node, resource=None, on=None):
    """The history rows (lrm_rsc_op) that `node` knows, as dictionaries with `node` and `resource`, in call order."""
    rows = []
    for state in cib(node).iter("node_state"):
        for entry in state.iter("lrm_resource"):
            for op in entry.iter("lrm_rsc_op"):
                rows.append({**op.attrib, "node": state.get("uname"), "resource": entry.get("id")})
    rows = [row for row in rows if (resource is None or row["resource"] == resource) and
            (on is None or row["node"] == on)]
    return sorted(rows, key=lambda row: int(row.get("call-id", "0")))


def fail_count(node, resource, on):
    """The fail count of a resource on a node: a number, or "INFINITY"."""
    total = 0
    for state in cib(node).iter("node_state"):
        if state.get("uname") != on:
            continue
        for pair in state.iter("nvpair"):
            if pair.get("name", "").split("#")[0] == f"fail-count-{resource}":
                if pair.get("value") in ("INFINITY", "+INFINITY", "1000000"):
                    return "INFINITY"
                total += int(pair.get("value"))
    return total


def events(node, since=0):
    return call(node, op="events", since=since, limit=1000)["events"]


def last_event(node):
    return call(node, op="events", limit=1).get("last", 0)


def timelines(node):
    return call(node, op="timeline")["timelines"]


def fences(node, target=None):
    return [row for row in status(node).get("fence_history", []) if target is None or row["target"] == target]


def shell(node, *words, check=True, text=None, limit_s=90):
    """The command line on a node."""
    return xblab.run(node, "xbeat", *words, check=check, text=text, limit_s=limit_s)


def configure(node, text, how="replace"):
    return shell(node, "configure", "load", how, "-", text=text)


def cleanup(node, resource=None):
    shell(node, "resource", "cleanup", *([resource] if resource else []))
    wait_settled(node)


def rejoin(node):
    """Boots a node that is off and waits until it is a member without work left."""
    xblab.inject("boot", node)
    wait_joined(NODES)
    wait_settled(other(node))


def where(resource_address=xblab.SERVICE_ADDRESS):
    """The machines that are not dead and whose kernels have the address: the truth, whatever the cluster says."""
    return [node for node in NODES if xblab.machine_state(node) in ("running", "frozen") and
            xblab.has_address(node, resource_address)]

"""What the scenarios of agents share: small configurations, roles, and the journal of an agent of our own."""
import xml.etree.ElementTree as ElementTree

import cluster
import scene
import xblab

HEAD = """node 1: pm01
node 2: pm02
property stonith-enabled=false
rsc_defaults resource-stickiness=100
"""

JOURNAL = "/run/xblab/journal"


def lab(body):
    return scene.lab(HEAD + body)


def wait_idle(node="pm01", limit_s=90):
    cluster.wait_settled(node, limit_s)


def leaves(rows):
    for row in rows:
        if row.get("children"):
            yield from leaves(row["children"])
        else:
            yield row


def roles(node, name):
    """Node -> role of each active instance of a primitive, as `xbeat status --json` says."""
    found = {}
    for row in leaves(scene.status(node)["resources"]):
        if row["id"].split(":")[0] != name:
            continue
        for place in row["nodes"]:
            found[place] = row["role"]
    return found


def promoted(node, name):
    return [place for place, role in roles(node, name).items() if role == "Promoted"]


def attribute(node, of, name):
    """A transient attribute as the CIB that `node` has says; None without one."""
    for state in cluster.cib(node).iter("node_state"):
        if state.get("uname") != of:
            continue
        for pair in state.iter("nvpair"):
            if pair.get("name") == name:
                return pair.get("value")
    return None


def wait_attribute(node, of, name, value, limit_s=30):
    xblab.wait_until(f"{name} of {of} is {value}", lambda: attribute(node, of, name) == value, limit_s)


def tool(node, *words, check=True):
    """One of the tools that agents call, in the place where they find it."""
    return xblab.run(node, f"/run/xbeat/shims/{words[0]}", *words[1:], check=check)


def rows(node, path=JOURNAL):
    """What the journal of a node's test agents has, each line as a dictionary."""
    text = xblab.run(node, "cat", path, check=False).stdout
    return [dict(word.split("=", 1) for word in line.split("\t") if "=" in word) for line in text.splitlines()]


def graph_of(text):
    return ElementTree.fromstring(text)


def start_once_probed(name, probed, value):
    """Starts what was loaded stopped once both nodes' attribute `probed` is there. A rule keeps a resource from a node without
    the attribute, so the node that is probed first would have it, and with stickiness keep it."""
    for node in scene.NODES:
        wait_attribute("pm01", node, probed, value, 60)
    cluster.shell("pm01", "resource", "start", name)

"""What --dry-run shows is what the cluster does when the same is asked for: names, nodes and order of starts and stops."""
import json

import cluster
import scene
import xblab

SHOWN = ("start", "stop")


def planned(node, *words):
    """Starts and stops that a dry run names: ("stop", "httpd", "pm01"), in order."""
    told = json.loads(cluster.shell(node, *words, "--dry-run", "--json").stdout)
    scene.expect_equal(told["status"], {"code": 0, "message": "OK"}, f"how the dry run of {words} went")
    rows = [line.split() for line in told.get("actions", [])]
    return [(row[0], row[1], row[3]) for row in rows if len(row) == 4 and row[0] in SHOWN and row[2] == "on"]


def state(node):
    """Where each resource runs, as its history says."""
    found = json.loads(cluster.shell(node, "resource", "list", "--json").stdout)
    places = {}

    def walk(rows):
        for row in rows:
            if row.get("children"):
                walk(row["children"])
            else:
                places[row["id"]] = tuple(row["nodes"])

    walk(found["resources"])
    return places


def expect_as_planned(node, *words):
    before = state(node)
    plan = planned(node, *words)
    scene.expect_equal(state(node), before, f"where everything is after the dry run of {words}")
    expected = dict(before)
    for action, resource, place in plan:
        expected[resource] = () if action == "stop" else (place,)
    cluster.shell(node, *words, "--wait")
    scene.expect_equal(state(node), expected, f"where everything is after {words}; planned was {plan}")
    return plan


def completion():
    """The shell that is here asks the program, which knows the cluster's names."""
    script = ("source /tmp/c04.bash; COMP_WORDS=(xbeat {words} ''); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); _xbeat; printf '%s\\n' \"${{COMPREPLY[@]}}\"")
    with open("user/completion/xbeat.bash", encoding="ascii") as source:
        xblab.run("pm01", "sh", "-c", "cat > /tmp/c04.bash", text=source.read())
    for words, wanted in (("resource move", "httpd"), ("node standby", "pm02"), ("resource move httpd", "pm01"), ("configure", "primitive"),
                          ("events --resource", "address")):
        found = xblab.run("pm01", "bash", "-c", script.format(words=words)).stdout.split()
        scene.expect(wanted in found, f"completion of 'xbeat {words} ': {found}")


def run():
    with scene.lab(scene.web()):
        scene.wait_served_by("pm01")
        cluster.wait_settled("pm01")
        plan = expect_as_planned("pm01", "node", "standby", "pm01")
        scene.expect_equal([row for row in plan if row[1] in ("httpd", "address")],
                           [("stop", "httpd", "pm01"), ("stop", "address", "pm01"), ("start", "address", "pm02"), ("start", "httpd", "pm02")],
                           "the plan of the standby")
        expect_as_planned("pm01", "node", "online", "pm01")
        expect_as_planned("pm02", "resource", "move", "web")
        expect_as_planned("pm02", "resource", "clear", "web")
        expect_as_planned("pm01", "resource", "stop", "web")
        expect_as_planned("pm01", "resource", "start", "web")
        completion()
        left = planned("pm01", "shutdown")
        scene.expect(all(row[0] != "start" or row[2] == "pm02" for row in left), f"a shutdown starts things on the other node: {left}")
        scene.expect_no_fencing()

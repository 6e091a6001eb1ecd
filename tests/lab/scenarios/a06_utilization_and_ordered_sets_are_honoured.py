"""Utilization places by capacity, and ordered sets start and stop in their order."""
import agents_lab
import cluster
import scene
import xblab

QUICK = True

BODY = """primitive big ocf:xblab:Tunable utilization mem=6 meta priority=10 op monitor interval=10s
primitive small ocf:xblab:Tunable utilization mem=4 op monitor interval=10s
primitive one ocf:xblab:Tunable op monitor interval=10s
primitive two ocf:xblab:Tunable op monitor interval=10s
primitive three ocf:xblab:Tunable op monitor interval=10s
primitive four ocf:xblab:Tunable op monitor interval=10s
order in-order Mandatory: one ( two three ) four
colocation together inf: one two three four
property placement-strategy=utilization
"""


def run():
    body = BODY.replace("primitive big", "node 1: pm01 utilization mem=8\nnode 2: pm02 utilization mem=4\nprimitive big", 1)
    with scene.lab(agents_lab.HEAD.replace("node 1: pm01\nnode 2: pm02\n", "") + body):
        agents_lab.wait_idle()
        scene.expect_equal(scene.places("pm01", "big"), ["pm01"], "the big one is where it fits")
        scene.expect_equal(scene.places("pm01", "small"), ["pm02"], "the small one is on the other node")
        place = scene.places("pm01", "one")[0]
        starts = [name for name in scene.order_of(scene.calls(place), "start") if name in ("one", "two", "three", "four")]
        scene.expect_equal((starts[0], sorted(starts[1:3]), starts[3]), ("one", ["three", "two"], "four"), "order of starts")

        before = len(scene.calls(place))
        cluster.shell("pm01", "resource", "stop", "one")
        xblab.wait_until("all four are stopped", lambda: not any(scene.places("pm01", name) for name in
                                                                 ("one", "two", "three", "four")), 60)
        stops = scene.order_of(scene.calls(place)[before:], "stop")
        scene.expect_equal((stops[0], sorted(stops[1:3]), stops[3]), ("four", ["three", "two"], "one"), "order of stops")

        # Capacity is a limit: with too little of it the less important one has to wait.
        agents_lab.tool("pm01", "crm_attribute", "-t", "nodes", "-N", "pm02", "-z", "-n", "mem", "-v", "3")
        xblab.wait_until("small fits nowhere", lambda: not scene.places("pm01", "small"), 60)
        scene.expect_equal(scene.places("pm01", "big"), ["pm01"], "the big one stays")

"""`xbeat fence` shows the same history on both nodes, also after both daemons started anew, and forgets it on both."""
import json

import cluster
import scene
import xblab


def history(node, *words):
    return json.loads(cluster.shell(node, "fence", "history", *words, "--json").stdout)["fence_history"]


def run():
    with scene.lab(scene.web()):
        listed = cluster.shell("pm01", "fence", "list").stdout
        scene.expect("pm02 from pm01:\n    1. fence-pm02 (fence_xblab, plug pm02)" in listed, f"who shoots whom: {listed}")
        checked = cluster.shell("pm01", "fence", "validate", "fence-pm02").stdout
        scene.expect("FAILED" not in checked and "plug pm02 is on" in checked, f"validate: {checked}")
        xblab.ask("fault", "pm02", "refuse")
        broken = cluster.shell("pm01", "fence", "node", "pm02", "--off", "--yes", check=False)
        scene.expect(broken.returncode != 0, "fencing with a device that refuses fails")
        xblab.ask("fault", "pm02", "none")

        cluster.shell("pm01", "fence", "node", "pm02", "--off", "--yes")
        cluster.rejoin("pm02")

        wanted = history("pm01")
        scene.expect_equal([row["outcome"] for row in wanted][-2:], ["failed", "success"], "how it went")
        scene.expect_equal(history("pm02"), wanted, "the history on the node that was shot")
        scene.expect("<fence_event status=\"failed\"" in cluster.shell("pm02", "fence", "history", "pm02", "--xml").stdout,
                     "the history as XML")
        for node in ("pm02", "pm01"):
            cluster.leave(node)
        for node in scene.NODES:
            xblab.ask("daemon", node, "start")
        cluster.wait_joined()
        for node in scene.NODES:
            scene.expect_equal(history(node), wanted, f"the history on {node} after both daemons started anew")

        cluster.shell("pm02", "fence", "cleanup", "pm02")

        for node in scene.NODES:
            xblab.wait_until(f"{node} has forgotten", lambda n=node: history(n, "pm02") == [])

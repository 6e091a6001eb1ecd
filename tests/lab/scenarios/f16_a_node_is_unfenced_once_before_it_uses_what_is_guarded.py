"""With provides=unfencing each node switches itself on once after it joined, before its resources start, and not again."""
import cluster
import scene
import xblab


def config():
    text = scene.pair(scene.tunable("guarded") + scene.location("guarded"), fencing=True)
    return text + ("primitive key stonith:fence_xblab params pcmk_host_list=\"pm01 pm02\" pcmk_on_retries=1 "
                   "meta provides=unfencing op monitor interval=60s timeout=20s\n"
                   "fencing_topology pm01: fence-pm01 pm02: fence-pm02\n")


def switched_on(node):
    return [row for row in cluster.fences(node) if row["action"] == "on"]


def run():
    with scene.lab(config()):
        cluster.wait_settled("pm01")
        for node in scene.NODES:
            rows = [row for row in switched_on("pm01") if row["target"] == node]
            scene.expect_equal([(row["outcome"], row["origin"], row["device"]) for row in rows],
                               [("success", node, "key")], f"how {node} was unfenced")
        scene.expect_equal(scene.places("pm01", "guarded"), ["pm01"], "where the guarded resource is")

        # Planned again for another reason: nobody is switched on a second time.
        cluster.shell("pm01", "resource", "refresh", check=False)
        cluster.wait_settled("pm01")
        scene.expect_equal(len(switched_on("pm01")), 2, "unfencings after another plan")

        # A node that was shot has to be let in anew.
        xblab.inject("crash", "pm01")
        xblab.wait_until("the resource is on pm02", lambda: scene.places("pm02", "guarded") == ["pm02"], 60)
        cluster.rejoin("pm01")
        scene.expect_equal([row["target"] for row in switched_on("pm02")][-1], "pm01", "who was unfenced last")
        scene.expect_equal(len(switched_on("pm02")), 3, "unfencings in all")

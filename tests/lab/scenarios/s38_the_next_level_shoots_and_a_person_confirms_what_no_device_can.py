"""A failing fence device gives way to the next level; when all fail too often nothing moves until a person confirms."""
import cluster
import scene
import xblab


def config(attempts=10):
    text = scene.web() + (
        # A helper whose plug does not exist: it always says no.
        "primitive helper stonith:fence_xblab params pcmk_host_map=pm01:nosuch\n"
        "location helper-elsewhere helper -inf: pm01\n"
        "fencing_topology pm01: helper fence-pm01\n")
    return text.replace("stonith-action=off", f"stonith-action=off stonith-max-attempts={attempts}")


def next_level():
    with scene.lab(config()):
        probe = xblab.Probe("http")
        probe.wait_served()

        at_ns = xblab.inject("crash", "pm01")

        probe.wait_outage(at_ns, 60, server="pm02")
        scene.wait_served_by("pm02")
        last = cluster.fences("pm02", "pm01")[-1]
        scene.expect_equal((last["outcome"], last["device"]), ("success", "fence-pm01"), f"who shot: {last}")
        scene.expect_equal(xblab.machine_state("pm01"), "off", "the power of pm01")
        probe.stop()


def all_fail():
    with scene.lab(config(attempts=2)):
        xblab.ask("fault", "pm01", "refuse")
        since = cluster.last_event("pm02")

        xblab.inject("crash", "pm01")

        row = scene.wait_event("pm02", "no-safe-takeover", since, 60)
        scene.expect("2" in row["text"], f"why: {row['text']}")
        failed = [kind for kind in scene.kinds("pm02", since) if kind == "fence-failed"]
        scene.expect_equal(len(failed), 2, "attempts")
        scene.expect_equal(cluster.where(), [], "where the address is")

        cluster.shell("pm02", "node", "confirm", "--yes", "pm01")

        scene.wait_served_by("pm02")
        last = cluster.fences("pm02", "pm01")[-1]
        scene.expect_equal(last["outcome"], "confirmed by operator", f"who vouched: {last}")


def run():
    next_level()
    all_fail()

"""Each failover is one story in the log: it starts, says of each resource what became of it, and succeeded or failed."""
import cluster
import scene
import xblab

STORY = ("failover-started", "resource", "failover-succeeded", "failover-failed")


def story(node, since):
    rows = [row for row in cluster.events(node, since) if row["kind"] in STORY]
    return [(row["kind"], row["text"]) for row in rows if not row["resource"].startswith("fence-")]


def expect_story(node, since, wanted):
    """`wanted`: a kind and the beginning of a sentence, in order."""
    told = xblab.wait_until("the story has an end", lambda: (
        story(node, since) if any(kind in STORY[2:] for kind, _ in story(node, since)) else None))
    fits = len(told) == len(wanted) and all(
        kind == row[0] and row[1].startswith(text) for (kind, text), row in zip(wanted, told))
    scene.expect(fits, f"the story on {node}: wanted {wanted}, got {told}")


def moved(names, source, target):
    return [("resource", f"{name}: Moved {source} -> {target}") for name in sorted(names)]


def run():
    with scene.lab(scene.web()):
        planner = cluster.coordinator("pm01")
        since = cluster.last_event(planner)
        xblab.inject("kill", "pm01", "nginx")
        scene.wait_served_by("pm02")
        expect_story(planner, since, [("failover-started", "start to fail over: "),
                                      *moved(scene.GROUP, "pm01", "pm02"),
                                      ("failover-succeeded", "fail over succeeded after ")])

        # What a person asks for is told as well, but is no failover.
        cluster.cleanup("pm02")
        since = cluster.last_event(planner)
        cluster.shell("pm02", "resource", "move", "web")
        scene.wait_served_by("pm01")
        cluster.shell("pm01", "resource", "clear", "web")
        cluster.wait_settled("pm01")
        scene.expect_equal(story(planner, since), moved(scene.GROUP, "pm02", "pm01"), "the story of a planned move")

        # And one that fails: nothing can start anywhere any more.
        since = cluster.last_event(planner)
        for node in scene.NODES:
            xblab.run(node, "tee", "/etc/nginx/nginx.conf", text="this is no configuration of nginx\n")
        xblab.inject("kill", "pm01", "nginx")
        xblab.wait_until("httpd cannot start", lambda: scene.failed_action(planner, "httpd", "pm02", "start"), 60)
        cluster.wait_settled(planner)
        told = story(planner, since)
        scene.expect_equal(told[0][0], "failover-started", f"the story begins: {told}")
        scene.expect(told[-1][0] == "failover-failed" and "httpd" in told[-1][1], f"and ends with the reason: {told}")
        shown = cluster.shell(planner, "events").stdout
        for text in ("start to fail over", "fail over succeeded", "fail over failed", "httpd: Moved pm01 -> pm02"):
            scene.expect(text in shown, f"xbeat events says {text!r}:\n{shown}")

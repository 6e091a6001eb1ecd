"""A node that cannot stop its resource is fenced, and only then does the group start on the other."""
import cluster
import scene
import xblab


def run():
    members = scene.tunable("first") + scene.tunable("second")
    with scene.lab(scene.web(members=members).replace("monitor interval=10s", "monitor interval=1s")):
        scene.expect_equal(scene.places("pm01", "second"), ["pm01"], "where the group starts")
        scene.tell("pm01", "first", "stop", "fail 1")

        xblab.run("pm01", "rm", "/run/xblab/second.running")

        xblab.wait_until("pm01 is off", lambda: xblab.machine_state("pm01") == "off", 60)
        xblab.wait_until("the group runs on pm02", lambda: scene.places("pm02", "second") == ["pm02"], 60)
        cluster.wait_settled("pm02")
        history = cluster.fences("pm02", "pm01")
        scene.expect(history and history[-1]["outcome"] == "success", f"a successful fencing of pm01: {history}")
        scene.expect(not scene.node_row("pm02", "pm01")["online"], "pm01 is shown offline")
        entries = cluster.timelines("pm02")[-1]["entries"]
        proofs = [entry["to_ns"] for entry in entries if entry["phase"] == "proof"]
        starts = [entry["from_ns"] for entry in entries
                  if entry["phase"] == "action" and "start" in entry["detail"] and "first" in entry["detail"]]
        scene.expect(proofs and starts, f"a proof and a start in the timeline: {entries}")
        scene.expect(proofs[0] <= starts[0], "the start on pm02 comes after the proof")

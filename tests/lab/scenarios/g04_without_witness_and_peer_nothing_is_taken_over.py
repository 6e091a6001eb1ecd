"""With the witness out of reach a crash is not failed over, the survivor says why, and a person's word ends it."""
import cluster
import scene
import xblab

QUICK = True


def run():
    with scene.lab(scene.web(fencing=False), "--arbiter", "witness"):
        scene.wait_served_by("pm01")
        xblab.lab("daemon", "witness", "stop")
        last = cluster.last_event("pm02")
        xblab.inject("crash", "pm01")

        row = scene.wait_event("pm02", "lease-lost", last)
        scene.expect("neither the peer nor the witness answers" in row["text"], f"the reason: {row['text']}")
        scene.wait_event("pm02", "yielded", last)
        scene.expect_equal(xblab.has_address("pm02"), False, "pm02 has the address")
        lease = cluster.status("pm02")["lease"]
        scene.expect_equal(lease["gate"]["is_open"], False, "the survivor's gate")

        cluster.shell("pm02", "node", "confirm", "pm01", "--yes", check=False)
        scene.wait_served_by("pm02")
        scene.expect_equal(cluster.status("pm02")["lease"]["standing"], "alone: the peer is off", "its right")

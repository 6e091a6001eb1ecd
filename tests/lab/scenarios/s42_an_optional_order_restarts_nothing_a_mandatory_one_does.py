"""The first resource fails: with an order of score 0 the second is untouched, with a mandatory one it is restarted."""
import cluster
import scene
import xblab

MEMBERS = ("first", "second")


def run():
    body = "".join(scene.tunable(name) for name in MEMBERS).replace("monitor interval=10s", "monitor interval=1s")
    body += "".join(scene.location(name) for name in MEMBERS)
    wanted = {
        "0": [("stop", "first"), ("start", "first")],
        "INFINITY": [("stop", "second"), ("stop", "first"), ("start", "first"), ("start", "second")],
    }
    with scene.lab():
        for score, calls in wanted.items():
            cluster.configure("pm01", scene.pair(body + f"order in-order {score}: first second\n", threshold=0))
            xblab.wait_until("both run", lambda: all(scene.places("pm01", name) == ["pm01"] for name in MEMBERS))
            cluster.wait_settled("pm01")
            before = len(scene.calls("pm01"))

            scene.fail("pm01", "first")

            xblab.wait_until("first is recovered", lambda: ("start", "first") in scene.calls_since("pm01", before))
            cluster.wait_settled("pm01")
            scene.expect_equal(scene.calls_since("pm01", before), calls, f"what was done with score {score}")
            cluster.cleanup("pm01")
        scene.expect_equal(scene.calls_since("pm02", 0), [], "what pm02 was asked")
        scene.expect_no_fencing()

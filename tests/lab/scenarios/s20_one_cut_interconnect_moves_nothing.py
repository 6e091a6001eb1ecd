"""One cut interconnect of two is shown and noted, and nothing moves; mended, it is up again."""
import cluster
import scene
import xblab

QUICK = True


def run():
    with scene.lab(scene.web()):
        probe = scene.patient_probe()
        probe.wait_served()
        since = cluster.last_event("pm02")

        xblab.inject("cut", "pm01", "ic0")
        xblab.wait_until("pm02 shows ic0 as down", lambda: cluster.path("pm02", "pm01", "ic0")["is_up"] is False)

        scene.wait_event("pm02", "path-down", since)
        scene.expect(cluster.path("pm02", "pm01", "ic1")["is_up"], "ic1 is still up")
        scene.expect_equal(cluster.peer("pm02", "pm01")["state"], "alive", "pm01 as pm02 sees it")
        scene.expect(cluster.is_member("pm02", "pm01"), "pm01 is still a member")

        xblab.inject("mend", "pm01", "ic0")
        xblab.wait_until("pm02 shows ic0 as up", lambda: cluster.path("pm02", "pm01", "ic0")["is_up"])
        scene.wait_event("pm02", "path-up", since)
        scene.expect_no_fencing()
        scene.expect_equal(cluster.where(), ["pm01"], "where the address is")
        scene.expect_equal(probe.stop()["lost"], 0, "requests lost")

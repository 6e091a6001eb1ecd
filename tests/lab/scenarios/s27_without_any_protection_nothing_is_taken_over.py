"""Without fencing, lease or leave to be unsafe a silent peer's service is not taken over, and the state says so."""
import cluster
import scene
import xblab

QUICK = True


def run():
    for arbiter in ("fence", "none"):
        with scene.lab(scene.web(fencing=False), "--arbiter", arbiter):
            probe = scene.patient_probe()
            probe.wait_served()
            since = cluster.last_event("pm02")

            scene.cut_interconnects()

            row = scene.wait_event("pm02", "no-safe-takeover", since)
            scene.expect_equal(row["level"], "error", "an alarm for a person")
            xblab.wait_until("pm02 has nothing under way", lambda: cluster.status("pm02")["activity"].startswith(
                "no safe takeover"))
            shown = cluster.shell("pm02", "status").stdout
            scene.expect("no safe takeover" in shown.lower(), f"xbeat status on pm02 says so:\n{shown}")
            scene.expect_equal(cluster.where(), ["pm01"], "where the address is")
            starts = [op for op in cluster.operations("pm02", on="pm02") if op["operation"] == "start" and
                      op["resource"] in scene.GROUP]
            scene.expect_equal(starts, [], "starts on pm02")

            # The cables are back: nothing has happened.
            scene.cut_interconnects(verb="mend")
            cluster.wait_joined()
            cluster.wait_settled("pm01")
            scene.expect_equal(cluster.where(), ["pm01"], "where the address is when the cables are back")
            scene.expect_equal(probe.stop()["lost"], 0, f"requests lost, arbiter {arbiter}")
            scene.expect_no_fencing()

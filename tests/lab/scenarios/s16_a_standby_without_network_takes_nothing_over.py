"""A standby that lost its network moves nothing, and when the active node's service fails the group stays stopped."""
import agents_lab
import cluster
import scene
import xblab


def run():
    with scene.lab(scene.connected()):
        agents_lab.start_once_probed("web", "pingd", "100")
        scene.wait_served_by("pm01")
        probe = scene.patient_probe()
        probe.wait_served()

        xblab.inject("cut", "pm02", "svc")

        agents_lab.wait_attribute("pm01", "pm02", "pingd", "0")
        cluster.wait_settled("pm01")
        scene.expect_equal(cluster.where(), ["pm01"], "where the address is")
        scene.expect_equal(probe.stop()["lost"], 0, "requests lost")

        xblab.inject("kill", "pm01", "nginx")
        xblab.wait_until("httpd runs nowhere", lambda: scene.failed_action("pm01", "httpd", "pm01", "monitor") and
                         not scene.places("pm01", "httpd"))
        cluster.wait_settled("pm01")
        # As in Pacemaker, a group's earlier members run on without a later one.
        scene.expect_equal(cluster.where(), ["pm01"], "where the address is after the failure")
        starts = [row for row in cluster.operations("pm01", on="pm02") if row["operation"] == "start" and
                  row["resource"] in scene.GROUP]
        scene.expect_equal(starts, [], "starts on pm02")
        scene.expect_no_fencing()

        xblab.inject("mend", "pm02", "svc")
        scene.wait_served_by("pm02")

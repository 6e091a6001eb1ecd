"""A node that leaves in maintenance keeps its service; the other one starts it only when a person vouches."""
import cluster
import scene
import xblab


def run():
    with scene.lab(scene.web(fencing=False)):
        scene.wait_served_by("pm01")
        cluster.shell("pm01", "configure", "property", "maintenance-mode=true")
        cluster.wait_settled("pm01")

        cluster.leave("pm01")
        xblab.wait_until("pm01 is out", lambda: not cluster.is_member("pm02", "pm01"))
        scene.expect(xblab.processes("pm01", "nginx"), "nginx goes on running on pm01")
        cluster.shell("pm02", "configure", "property", "maintenance-mode=false")
        cluster.wait_settled("pm02")

        scene.expect_equal(cluster.where(), ["pm01"], "where the address is")
        scene.expect("may still run there" in cluster.status("pm02")["activity"], "status says what pm01 left running")
        left = [row for row in cluster.events("pm02") if row["kind"] == "left"]
        scene.expect(left and "httpd" in left[-1]["text"], f"the event names the service: {left}")
        before = cluster.answers("pm02")["pid"]
        xblab.inject("kill", "pm02", "xbeatd")
        xblab.wait_until("a new daemon on pm02", lambda: (cluster.answers("pm02") or {"pid": before})["pid"] != before)
        xblab.wait_until("pm02 leads again", lambda: cluster.coordinator("pm02") == "pm02", 30)
        cluster.wait_settled("pm02")
        scene.expect_equal(cluster.where(), ["pm01"], "where the address is after a restart of the survivor")

        xblab.ask("daemon", "pm01", "start")
        cluster.wait_joined()
        cluster.wait_settled("pm02")
        scene.expect_equal(cluster.where(), ["pm01"], "where the address is when pm01 is back")
        starts = [row for row in cluster.operations("pm02") if row["operation"] == "start" and row["resource"] == "httpd"]
        scene.expect_equal(starts, [], "starts of httpd that are remembered")

        cluster.shell("pm02", "configure", "property", "maintenance-mode=true")
        cluster.wait_settled("pm02")
        cluster.leave("pm01")
        xblab.wait_until("pm01 is out again", lambda: not cluster.is_member("pm02", "pm01"))
        xblab.inject("crash", "pm01")
        cluster.shell("pm02", "configure", "property", "maintenance-mode=false")
        cluster.shell("pm02", "node", "confirm", "--yes", "pm01")
        scene.wait_served_by("pm02")

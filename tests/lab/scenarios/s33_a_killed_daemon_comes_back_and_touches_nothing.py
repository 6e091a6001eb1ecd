"""Killed daemons (xbeatd, xbeat-exec, both) come back while the service runs on untouched."""
import cluster
import scene
import xblab

QUICK = True


def run():
    with scene.lab(scene.web()):
        probe = scene.patient_probe()
        probe.wait_served()
        nginx = xblab.run("pm01", "cat", "/run/nginx.pid").stdout

        for node in ("pm01", "pm02"):
            for victims in (["xbeatd"], ["xbeat-exec"], ["xbeat-exec", "xbeatd"]):
                before = cluster.answers(node)["pid"]
                for victim in victims:
                    xblab.inject("kill", node, victim)
                if "xbeatd" in victims:
                    xblab.wait_until(f"a new daemon on {node}", lambda: (
                        cluster.answers(node) or {"pid": before})["pid"] != before)
                cluster.wait_joined()
                cluster.wait_settled(node)

        scene.expect_equal(xblab.run("pm01", "cat", "/run/nginx.pid").stdout, nginx, "the PID of nginx")
        scene.expect_equal(cluster.where(), ["pm01"], "where the address is")
        for node in scene.NODES:
            dead = [row for row in cluster.events(node) if row["kind"] == "peer-dead"]
            scene.expect_equal(dead, [], f"dead verdicts on {node}")
            for name in scene.GROUP:
                scene.expect_equal(scene.places(node, name), ["pm01"], f"where {name} runs, asked on {node}")
        scene.expect_equal(scene.fail_count("pm01", "httpd", "pm01"), "0", "fail count of httpd")
        scene.expect_no_fencing()
        scene.expect_equal(probe.stop()["lost"], 0, "requests lost")

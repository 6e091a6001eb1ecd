"""A disk that gives errors moves the group; where it lets the stop hang too, the node is fenced first."""
import agents_lab
import cluster
import scene
import xblab

DISK = "/var/lib/xblab-disk"


def config():
    members = scene.tunable("first", stop_s=2) + scene.tunable("second", stop_s=2)
    return scene.web(members=members, stopped=True) + (
        f"primitive disk ocf:xbeat:disk params device={DISK} deadline=500ms op monitor interval=500ms timeout=10s\n"
        "clone disks disk\n"
        "location web-disk web rule -inf: not_defined diskd or diskd eq ERROR\n")


def run():
    with scene.lab():
        for node in scene.NODES:
            xblab.run(node, "sh", "-c", f"head -c 8192 /dev/zero >{DISK}")
        cluster.configure("pm01", config())
        agents_lab.start_once_probed("web", "diskd", "normal")
        xblab.wait_until("the group runs on pm01", lambda: scene.places("pm01", "second") == ["pm01"], 60)
        cluster.wait_settled("pm01")

        xblab.run("pm01", "rm", DISK)

        xblab.wait_until("the group runs on pm02", lambda: scene.places("pm02", "second") == ["pm02"], 60)
        cluster.wait_settled("pm02")
        scene.expect_equal([agents_lab.attribute("pm02", node, "diskd") for node in scene.NODES], ["ERROR", "normal"],
                           "disks of pm01, pm02")
        scene.expect_equal(scene.status("pm02")["failed_actions"], [], "failed actions")
        scene.expect_no_fencing()

        # The other way round, and now the stop hangs as well.
        xblab.run("pm01", "sh", "-c", f"head -c 8192 /dev/zero >{DISK}")
        agents_lab.wait_attribute("pm02", "pm01", "diskd", "normal")
        cluster.wait_settled("pm02")
        scene.tell("pm02", "first", "stop", "hang")
        xblab.run("pm02", "rm", DISK)

        xblab.wait_until("pm02 is off", lambda: xblab.machine_state("pm02") == "off", 60)
        xblab.wait_until("the group runs on pm01", lambda: scene.places("pm01", "second") == ["pm01"], 60)
        cluster.wait_settled("pm01")
        scene.expect_equal(cluster.fences("pm01", "pm02")[-1]["outcome"], "success", "fencing of pm02")

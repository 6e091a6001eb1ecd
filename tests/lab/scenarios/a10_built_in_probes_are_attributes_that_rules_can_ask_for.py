"""Built-in probes: reachability, a disk and an interface as attributes; a location rule acts on them."""
import agents_lab
import cluster
import scene
import xblab

QUICK = True

BODY = """primitive d ocf:pacemaker:Dummy meta target-role=Stopped op monitor interval=10s
primitive net ocf:xbeat:ping params host_list=10.77.0.100 multiplier=100 attempts=2 wait=200ms dampen=300ms op monitor interval=300ms timeout=10s
primitive disk ocf:xbeat:disk params device=/var/lib/xblab-disk deadline=500ms op monitor interval=500ms timeout=10s
primitive nic ocf:xbeat:link params interface=svc op monitor interval=300ms timeout=10s
clone nets net
clone disks disk
clone nics nic
location d-first d 10: pm01
location d-connected d rule -inf: not_defined pingd or pingd lt 100
"""


def run():
    with scene.lab():
        for node in scene.NODES:
            xblab.run(node, "sh", "-c", "head -c 8192 /dev/zero >/var/lib/xblab-disk")
        cluster.configure("pm01", agents_lab.HEAD + BODY)
        agents_lab.start_once_probed("d", "pingd", "100")
        for node in scene.NODES:
            agents_lab.wait_attribute("pm01", node, "link-svc", "1")
        xblab.wait_until("d runs on pm01", lambda: scene.places("pm01", "d") == ["pm01"], 30)
        agents_lab.wait_idle()

        xblab.inject("cut", "pm01", "svc")
        xblab.wait_until("d has moved", lambda: scene.places("pm02", "d") == ["pm02"], 30)
        scene.expect_equal(agents_lab.attribute("pm02", "pm01", "pingd"), "0", "pingd of the cut node")
        scene.expect_equal(agents_lab.attribute("pm02", "pm02", "pingd"), "100", "pingd of the other node")
        xblab.inject("mend", "pm01", "svc")
        agents_lab.wait_attribute("pm02", "pm01", "pingd", "100")

        xblab.run("pm02", "ip", "link", "set", "svc", "down")
        agents_lab.wait_attribute("pm01", "pm02", "link-svc", "0")
        xblab.run("pm02", "ip", "link", "set", "svc", "up")
        agents_lab.wait_attribute("pm01", "pm02", "link-svc", "1")

        xblab.run("pm01", "rm", "/var/lib/xblab-disk")
        agents_lab.wait_attribute("pm02", "pm01", "diskd", "ERROR")
        scene.expect_equal(scene.status("pm01")["failed_actions"], [], "failed actions")
        scene.expect_no_fencing()

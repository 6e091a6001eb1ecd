"""A pulled cable of the service LAN is seen by the kernel's carrier and moves the group, nobody fenced."""
import agents_lab
import cluster
import scene
import xblab

PROBE = """primitive nic ocf:xbeat:link params interface=svc op monitor interval=300ms timeout=10s
clone nics nic
location web-carrier web rule -inf: not_defined link-svc or link-svc lt 1
"""


def run():
    with scene.lab(scene.web(stopped=True) + PROBE):
        agents_lab.start_once_probed("web", "link-svc", "1")
        scene.wait_served_by("pm01")

        xblab.inject("cut", "pm01", "svc", "carrier")

        scene.wait_served_by("pm02")
        scene.expect_equal([agents_lab.attribute("pm02", node, "link-svc") for node in scene.NODES], ["0", "1"],
                           "carrier of pm01, pm02")
        for name in scene.GROUP:
            scene.expect_equal(scene.places("pm02", name), ["pm02"], f"where {name} runs")
            scene.expect_equal(scene.fail_count("pm02", name, "pm01"), "0", f"fail count of {name}")
        scene.expect_no_fencing()
        xblab.inject("mend", "pm01", "svc")
        agents_lab.wait_attribute("pm02", "pm01", "link-svc", "1")
        cluster.wait_settled("pm02")
        scene.expect_equal(cluster.where(), ["pm02"], "where the address is with the cable back")

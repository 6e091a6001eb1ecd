"""Each kill of a program under xbeat:process is noticed by its exit, not by the next monitor."""
import cluster
import scene
import xblab

KILLS = 12
MONITOR_S = 60  # so that no monitor can have noticed it


def run():
    config = (xblab.ROOT / "docs/examples/fast.crm").read_text()
    config = config.replace("monitor interval=10s", f"monitor interval={MONITOR_S}s")
    with scene.lab(config):
        probe = xblab.Probe("udp")
        probe.wait_served()
        for _ in range(KILLS):
            node = cluster.where()[0]
            at_ns = xblab.inject("kill", node, "xblab-echo")
            probe.wait_outage(at_ns, MONITOR_S / 2, server=scene.other(node))
            scene.wait_served_by(scene.other(node))
            cluster.cleanup(scene.other(node))
        scene.expect_no_fencing()
        probe.stop()

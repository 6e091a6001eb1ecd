"""Nothing is taken over while the fence device hangs or refuses; once it works, or a person confirms, it is."""
import cluster
import scene
import xblab


def run():
    for fault in ("hang", "refuse"):
        config = scene.web().replace("pcmk_host_list=pm01", "pcmk_host_list=pm01 pcmk_off_timeout=3s")
        with scene.lab(config):
            xblab.ask("fault", "pm01", fault)
            since = cluster.last_event("pm02")

            xblab.inject("crash", "pm01")

            scene.wait_event("pm02", "peer-dead", since, 30)
            xblab.wait_until("a failed fencing is shown", lambda: any(
                row["outcome"] != "success" and row["outcome"] != "pending"
                for row in cluster.fences("pm02", "pm01")), 60)
            scene.expect_equal(cluster.where(), [], f"where the address is while the device would {fault}")
            cluster.shell("pm02", "node", "confirm", "--yes", "pm01")
            scene.wait_served_by("pm02")

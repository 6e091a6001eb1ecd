"""A split brain without fencing: the standby's start is refused while the address answers from the other node."""
import cluster
import scene
import xblab


def config():
    text = (xblab.ROOT / "docs/examples/fast.crm").read_text()
    return text.replace("stonith-enabled=true", "stonith-enabled=false").replace("on-fail=fence", "on-fail=block")


def run():
    with scene.lab():
        scene.change_toml(lambda text: "unsafe_takeover = true\n" + text)
        cluster.configure("pm01", config())
        scene.wait_served_by("pm01")
        probe = scene.patient_probe("udp")
        probe.wait_served()

        scene.cut_interconnects()

        failed = xblab.wait_until("the start was refused on pm02", lambda: scene.failed_action(
            "pm02", "address", "pm02", "start"), 60)
        scene.expect("in use" in failed["exit_reason"], f"because the address is in use: {failed}")
        cluster.wait_settled("pm02")
        scene.expect_equal(cluster.where(), ["pm01"], "where the address is")
        scene.expect("pm02" not in scene.places("pm02", "echo"), "pm02 does not run the service")

        scene.cut_interconnects(verb="mend")
        cluster.wait_joined()
        cluster.wait_settled("pm01")
        scene.expect_equal(cluster.where(), ["pm01"], "where the address is when the cables are back")
        scene.expect_equal(probe.stop()["lost"], 0, "requests lost")
        scene.expect_no_fencing()

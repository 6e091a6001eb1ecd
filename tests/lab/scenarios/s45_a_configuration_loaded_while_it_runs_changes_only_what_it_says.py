"""A new configuration restarts only what it changes and keeps all identities; a bad one is refused whole."""
import cluster
import scene
import xblab

EXTRA = """primitive extra ocf:pacemaker:Dummy params fake=one state=/run/xblab/extra-one op monitor interval=10s
location extra-first extra 100: pm01
"""


def identities(node):
    """Every id of the configuration, but for those of the extra resource."""
    configuration = cluster.cib(node).find("configuration")
    return {element.get("id") for element in configuration.iter()
            if element.get("id") and not element.get("id").startswith("extra")}


def run():
    with scene.lab(scene.web() + EXTRA):
        probe = scene.patient_probe()
        probe.wait_served()
        nginx = xblab.run("pm01", "cat", "/run/nginx.pid").stdout
        before = identities("pm01")
        rows = len(cluster.operations("pm01"))

        changed = scene.web() + EXTRA.replace("extra-one", "extra-two")
        cluster.configure("pm01", changed, how="update")

        xblab.wait_until("extra runs with the new parameter", lambda: xblab.run(
            "pm01", "test", "-e", "/run/xblab/extra-two", check=False).returncode == 0)
        cluster.wait_settled("pm01")
        scene.expect_equal(xblab.run("pm01", "cat", "/run/nginx.pid").stdout, nginx, "the PID of nginx")
        touched = {row["resource"] for row in cluster.operations("pm01")[rows:]
                   if row["operation"] in ("start", "stop")}
        scene.expect(touched <= {"extra"}, f"what was started or stopped: {touched}")
        for node in scene.NODES:
            scene.expect_equal(identities(node), before, f"identities on {node}")

        shown = cluster.shell("pm01", "configure", "show").stdout
        bad = "property batch-limit=9\nlocation nowhere nosuchresource 100: pm01\n"
        done = cluster.shell("pm01", "configure", "load", "update", "-", text=bad, check=False)
        scene.expect(done.returncode != 0 and "nosuchresource" in done.stderr, f"refused with the reason: {done.stderr}")
        scene.expect_equal(cluster.shell("pm02", "configure", "show").stdout, shown, "the configuration afterwards")
        scene.expect_equal(probe.stop()["lost"], 0, "requests lost")
        scene.expect_no_fencing()

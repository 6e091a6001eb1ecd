"""A changed parameter that the agent can take in is reloaded in place; any other one restarts its resource."""
import agents_lab
import cluster
import scene
import xblab

QUICK = True

ENVIRONMENT = "/run/xblab-dummy-calls"


def body(fake="1", state="one", old_fake="1", old_state="one"):
    """`modern` follows OCF 1.1 (reloadable, reload-agent), `old` OCF 1.0 (unique, reload)."""
    return agents_lab.HEAD + (
        f"primitive modern ocf:pacemaker:Dummy params fake={fake} state=/run/modern-{state} envfile={ENVIRONMENT} "
        "op monitor interval=7s\n"
        f"primitive old ocf:heartbeat:Dummy params fake={old_fake} state=/run/old-{old_state} op monitor interval=7s\n"
        "primitive user ocf:heartbeat:Dummy op monitor interval=7s\n"
        "group both modern old user\nlocation both-here both 100: pm01\n")


def calls(node, since):
    """What was called of `modern` after the first `since` calls, but for monitors."""
    text = xblab.run(node, "cat", ENVIRONMENT, check=False).stdout
    rows = [line.split()[1] for line in text.splitlines() if line.startswith("### ")]
    rows = [row for row in rows if row != "@"]
    return [row for row in rows if row not in ("monitor", "meta-data")][since:]


def last(resource):
    return next(row for row in cluster.operations("pm01", resource, "pm01") if row["id"] == f"{resource}_last_0")


def change(**values):
    cluster.configure("pm01", body(**values))
    cluster.wait_settled("pm01")


def run():
    with scene.lab(body()):
        agents_lab.wait_idle()
        for resource, restarting in (("modern", " state "), ("old", " state ")):
            scene.expect_equal(last(resource).get("op-force-restart"), restarting, f"what {resource} cannot reload")
            scene.expect(last(resource).get("op-restart-digest"), f"{resource} has a digest over that")
        began = {row["resource"]: row["call-id"] for row in cluster.operations("pm01", on="pm01") if row["id"].endswith("_last_0")}
        before = len(calls("pm01", 0))

        shown = cluster.shell("pm01", "simulate", "--live-check", check=False)
        change(fake="2", old_fake="2")

        scene.expect_equal(calls("pm01", before), ["reload-agent"], f"what was asked of modern ({shown.stderr})")
        scene.expect("OCF_RESKEY_fake=2" in xblab.run("pm01", "cat", ENVIRONMENT).stdout, "the new value reached it")
        scene.expect_equal(last("user")["call-id"], began["user"], "who stands behind them was not touched")
        for resource in ("modern", "old"):
            scene.expect(int(last(resource)["call-id"]) > int(began[resource]), f"{resource} was reloaded")
            scene.expect_equal(last(resource)["operation"], "start", f"the record of the reload of {resource}")
        done = [row for row in cluster.events("pm01") if row["kind"] == "action-done" and "stop" in row.get("text", "")]
        scene.expect_equal(done, [], "stops")

        # Its monitor has the new parameters too: nothing is left to do.
        cluster.wait_settled("pm01")
        scene.expect_equal(calls("pm01", before), ["reload-agent"], "asked later on")

        change(fake="2", old_fake="2", state="two")
        scene.expect_equal(calls("pm01", before), ["reload-agent", "stop", "start"], "a parameter that needs a restart")
        scene.expect_equal(xblab.run("pm01", "sh", "-c", "ls /run/modern-*").stdout, "/run/modern-two\n",
                           "what is left of the old parameters")
        scene.expect(int(last("user")["call-id"]) > int(began["user"]), "who stands behind it was restarted")

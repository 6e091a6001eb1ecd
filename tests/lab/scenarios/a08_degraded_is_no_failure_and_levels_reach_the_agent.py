"""A degraded service is no failed one, each monitor gets its level, and a changed parameter restarts."""
import agents_lab
import cluster
import scene
import xblab

QUICK = True

BODY = """primitive j ocf:xblab:Journal params note=one op monitor interval=1s timeout=20s op monitor interval=2s timeout=20s OCF_CHECK_LEVEL=10
location j-first j 10: pm01
"""


def tasks(mark):
    return [row["action"] for row in agents_lab.rows("pm01")[mark:] if row["action"] != "monitor"]


def run():
    with agents_lab.lab(BODY):
        agents_lab.wait_idle()
        xblab.wait_until("both levels are monitored", lambda: {row["level"] for row in agents_lab.rows("pm01") if
                         row["action"] == "monitor"} >= {"", "10"} or {row["level"] for row in
                         agents_lab.rows("pm01") if row["action"] == "monitor"} >= {"0", "10"}, 20)
        xblab.run("pm01", "touch", "/run/xblab/degraded")
        xblab.wait_until("the result is known as degraded", lambda: any(
            row["rc-code"] == "190" for row in cluster.operations("pm01", "j", on="pm01")), 20)
        agents_lab.wait_idle()
        scene.expect_equal(scene.fail_count("pm01", "j", "pm01"), "0", "fail count of a degraded one")
        scene.expect_equal(scene.places("pm01", "j"), ["pm01"], "a degraded one stays")
        xblab.run("pm01", "rm", "/run/xblab/degraded")

        mark = len(agents_lab.rows("pm01"))
        cluster.configure("pm01", "primitive j ocf:xblab:Journal params note=one score=9 op monitor interval=1s "
                          "timeout=20s op monitor interval=2s timeout=20s OCF_CHECK_LEVEL=10\n", "update")
        xblab.wait_until("it was started anew", lambda: "start" in tasks(mark), 30)
        agents_lab.wait_idle()
        scene.expect_equal(tasks(mark), ["stop", "start"], "what a change does")

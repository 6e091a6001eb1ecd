"""The node of a primary PostgreSQL crashes: it is fenced, the standby is promoted, and no acknowledged commit is lost."""
import agents_lab
import cluster
import pgsql_lab
import scene
import xblab


def run():
    pgsql_lab.require()
    with scene.lab():
        pgsql_lab.prepare()
        cluster.configure("pm01", scene.pair(
            pgsql_lab.BODY + "location dbs-first dbs rule $role=Promoted 10: #uname eq pm01\n", fencing=True))
        pgsql_lab.wait_synchronous()
        writer = pgsql_lab.Writer()
        writer.wait(20)

        xblab.inject("crash", "pm01")
        before = len(writer.acknowledged)

        xblab.wait_until("pm02 is promoted", lambda: agents_lab.promoted("pm02", "db") == ["pm02"], 120)
        writer.wait(before + 20)
        acknowledged = writer.stop()
        scene.expect_equal(pgsql_lab.lost("pm02", acknowledged), [], "acknowledged commits that are lost")
        scene.expect_equal(xblab.machine_state("pm01"), "off", "the power of pm01")

        # Its lock file says that it was primary when it went down: the agent refuses to start on that data, by itself.
        cluster.rejoin("pm01")
        cluster.wait_settled("pm02")
        scene.expect_equal(agents_lab.promoted("pm02", "db"), ["pm02"], "who is promoted afterwards")
        refused = scene.failed_action("pm02", "db", "pm01", "start")
        scene.expect(refused is not None and "PGSQL.lock" in refused["exit_reason"], f"why pm01 does not start it: {refused}")
        scene.expect_equal(pgsql_lab.lost("pm02", acknowledged), [], "acknowledged commits that are lost in the end")
        print(f"  {len(acknowledged)} commits were acknowledged, none is lost")

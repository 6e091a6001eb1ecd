"""The processes of a primary PostgreSQL are killed: the synchronous standby is promoted, and no acknowledged commit is lost."""
import agents_lab
import cluster
import pgsql_lab
import scene
import xblab


def run():
    pgsql_lab.require()
    with scene.lab():
        pgsql_lab.prepare()
        cluster.configure("pm01", scene.pair(pgsql_lab.BODY + "location dbs-first dbs rule $role=Promoted 10: #uname eq pm01\n"))
        pgsql_lab.wait_synchronous()
        writer = pgsql_lab.Writer()
        writer.wait(20)

        xblab.run("pm01", "pkill", "-9", "postgres")
        before = len(writer.acknowledged)

        xblab.wait_until("pm02 is promoted", lambda: agents_lab.promoted("pm02", "db") == ["pm02"], 120)
        writer.wait(before + 20)
        acknowledged = writer.stop()
        scene.expect_equal(pgsql_lab.lost("pm02", acknowledged), [], "acknowledged commits that are lost")
        scene.expect_equal(cluster.where(pgsql_lab.ADDRESS), ["pm02"], "where the address is")
        agents_lab.wait_attribute("pm02", "pm02", "db-status", "PRI", 60)
        agents_lab.wait_attribute("pm02", "pm02", "master-db", "1000", 60)
        xblab.wait_until("the data of pm01 counts as old",
                         lambda: pgsql_lab.permanent("pm01", "db-data-status") == "DISCONNECT", 60)
        print(f"  {len(acknowledged)} commits were acknowledged, none is lost")

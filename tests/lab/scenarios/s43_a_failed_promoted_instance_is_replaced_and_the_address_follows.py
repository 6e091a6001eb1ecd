"""A promoted instance fails: the peer is promoted, the address follows it, and after a cleanup the old one rejoins."""
import agents_lab
import cluster
import scene
import xblab

ADDRESS = "10.77.0.200"
BODY = f"""primitive db ocf:xblab:Tunable op start interval=0 timeout=20s op stop interval=0 timeout=20s \\
    op promote interval=0 timeout=20s op demote interval=0 timeout=20s \\
    op monitor interval=1s timeout=20s op monitor interval=1100ms role=Promoted timeout=20s
primitive vip ocf:xbeat:VIP params ip={ADDRESS} cidr_netmask=24 nic=svc op monitor interval=10s timeout=5s
clone dbs db meta promotable=true
location dbs-first dbs rule $role=Promoted 200: #uname eq pm01
location dbs-second dbs rule $role=Promoted 100: #uname eq pm02
colocation vip-with-db inf: vip dbs:Promoted
order db-then-vip Mandatory: dbs:promote vip:start symmetrical=false
order vip-then-db 0: vip:stop dbs:demote symmetrical=false
"""


def run():
    with scene.lab(scene.pair(BODY)):
        xblab.wait_until("pm01 is promoted", lambda: agents_lab.promoted("pm01", "db") == ["pm01"])
        cluster.wait_settled("pm01")
        scene.expect_equal(cluster.where(), ["pm01"], "where the address starts")

        scene.fail("pm01", "db")

        xblab.wait_until("pm02 is promoted", lambda: agents_lab.promoted("pm02", "db") == ["pm02"])
        scene.wait_served_by("pm02")
        scene.expect_equal(agents_lab.roles("pm02", "db"), {"pm02": "Promoted"}, "roles after the failure")
        failed = scene.failed_action("pm02", "db", "pm01", "monitor")
        scene.expect(failed is not None and failed["rc"] == cluster.NOT_RUNNING, f"a failed monitor: {failed}")
        rows = cluster.operations("pm02", on="pm02")
        done = [(row["resource"], row["operation"]) for row in rows if row["operation"] in ("promote", "start")]
        scene.expect(done.index(("db", "promote")) < done.index(("vip", "start")), f"promoted, then the address: {done}")

        cluster.cleanup("pm02", "dbs")
        xblab.wait_until("pm01 runs it again", lambda: "pm01" in agents_lab.roles("pm02", "db"))
        cluster.wait_settled("pm02")
        scene.expect_equal(agents_lab.promoted("pm02", "db"), ["pm02"], "who is promoted after the cleanup")
        scene.expect_equal(cluster.where(), ["pm02"], "where the address is after the cleanup")
        scene.expect_no_fencing()

"""What needs a ticket starts when it is granted and stops when it is taken away."""
import agents_lab
import cluster
import scene
import xblab

QUICK = True

BODY = """primitive d ocf:pacemaker:Dummy op monitor interval=10s
rsc_ticket d-needs T: d loss-policy=stop
"""


def run():
    with agents_lab.lab(BODY):
        agents_lab.wait_idle()
        scene.expect_equal(scene.places("pm01", "d"), [], "without the ticket")

        cluster.call("pm02", op="set_ticket", ticket="T", name="granted", value="true")
        xblab.wait_until("d runs", lambda: scene.places("pm01", "d"))
        agents_lab.wait_idle()
        scene.expect_equal(agents_lab.tool("pm02", "crm_ticket", "-t", "T", "-G", "granted").stdout, "true\n",
                           "crm_ticket -G")

        agents_lab.tool("pm01", "crm_ticket", "-t", "T", "--standby")
        xblab.wait_until("d is stopped by standby", lambda: not scene.places("pm01", "d"))
        agents_lab.tool("pm01", "crm_ticket", "-t", "T", "--activate")
        xblab.wait_until("d runs again", lambda: scene.places("pm01", "d"))
        agents_lab.wait_idle()

        agents_lab.tool("pm01", "crm_ticket", "-t", "T", "--revoke", "--force")
        xblab.wait_until("d is stopped", lambda: not scene.places("pm01", "d"))
        agents_lab.wait_idle()
        scene.expect_equal(scene.status("pm01")["failed_actions"], [], "failed actions")

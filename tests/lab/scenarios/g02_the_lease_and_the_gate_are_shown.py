"""`xbeat status --json` says by what right each node serves and that its gate stands on every NIC."""
import cluster
import scene
import xblab

QUICK = True


def lease(node):
    return cluster.status(node)["lease"]


def run():
    with scene.lab(scene.web(fencing=False), "--arbiter", "witness"):
        scene.wait_served_by("pm01")
        for node in scene.NODES:
            found = lease(node)
            scene.expect_equal(found["standing"], "under the peer's grant", f"{node}: its right")
            scene.expect(found["granted_until_ns"] > xblab.now_ns() - 10**9, f"{node}: granted lately: {found}")
            scene.expect(found["granting_ns"] > 0, f"{node} grants its peer")
            gate = found["gate"]
            scene.expect_equal(gate["managed"], [xblab.SERVICE_ADDRESS], f"{node}: what is under the gate")
            nics = {nic["interface"] for nic in gate["nics"] if nic["is_armed"]}
            scene.expect(nics >= {"svc", "ic0", "ic1"}, f"{node}: armed NICs {gate['nics']}")

        xblab.inject("crash", "pm02")
        scene.wait_event("pm01", "lease-ran-out", 0)
        found = lease("pm01")
        scene.expect_equal(found["standing"], "exclusive by the witness", "the survivor's right")
        scene.expect(found["gate"]["is_open"], f"the survivor's gate: {found['gate']}")

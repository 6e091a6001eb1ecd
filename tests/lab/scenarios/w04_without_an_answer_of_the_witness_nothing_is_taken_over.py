"""A crashed node's service stays down, and the reason is told, while the witness is unreachable, starting or has another key."""
import cluster
import scene
import witness
import xblab


def refuse(what, spoil, kinds):
    with witness.pair():
        spoil()
        since = cluster.last_event("pm02")
        xblab.inject("crash", "pm01")
        scene.wait_event("pm02", "peer-dead", since, 30)
        xblab.wait_until(f"pm02 tells why it does not take over ({what})", lambda: any(
            row["kind"] in kinds for row in cluster.events("pm02", since)), 30)
        begin = xblab.now_ns()
        xblab.wait_until("two leases have passed", lambda: xblab.now_ns() > begin + 6e9, 10)
        scene.expect_equal(cluster.where(), [], f"where the address is with a witness that is {what}")


def cut_off():
    xblab.inject("cut", "witness", "svc")


def restart():
    witness.stop()
    xblab.wait_until("the witness has ended", lambda: not xblab.processes("witness", "xbeat-witness"))
    witness.start()
    xblab.wait_until("a new witness answers", lambda: witness.status("pm02", check=False).get("starting"))


def change_key():
    line = xblab.run("witness", "cat", "/etc/xbeat/witness.keys").stdout.split()
    other = line[2][:-1] + ("0" if line[2][-1] != "0" else "1")
    # Another key for requests: the witness does not know this cluster any more.
    text = f"{line[0]} {line[1]} {'0' if line[2][0] != '0' else '1'}{other[1:]}\n"
    xblab.run("witness", "tee", "/etc/xbeat/witness.keys", text=text)
    xblab.run("witness", "pkill", "-HUP", "-x", "xbeat-witness")
    xblab.wait_until("the witness does not answer this cluster", lambda: not witness.status("pm02", check=False))


def run():
    told = ("lease-lost", "no-safe-takeover", "witness-unreachable")
    refuse("cut off", cut_off, told)
    refuse("just restarted", restart, told)
    refuse("using another key", change_key, told)

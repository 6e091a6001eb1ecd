"""While the witness is unreachable, has another key, or may not grant yet, a crashed node's service stays down, and it is told why."""
import cluster
import scene
import witness
import xblab

LONGEST_LEASE_NS = 10_000_000_000


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


def wait_the_new_witness_out():
    """It forgot whom it had granted what, so it grants nothing before the longest lease has run out."""
    with witness.pair():
        begin = xblab.now_ns()
        restart()
        since = cluster.last_event("pm02")
        xblab.inject("crash", "pm01")
        granted = scene.wait_event("pm02", "exclusivity-granted", since, 60)
        scene.expect(granted["at_ns"] - begin >= LONGEST_LEASE_NS, "a new witness granted too early")
        xblab.wait_until("pm02 serves", lambda: cluster.where() == ["pm02"], 30)
        told = next(row for row in cluster.events("pm02") if row["kind"] == "witness-restarted")
        scene.expect(told["at_ns"] < granted["at_ns"], "it was told before what the takeover waits for")


def run():
    told = ("lease-lost", "no-safe-takeover", "witness-unreachable")
    refuse("cut off", cut_off, told)
    wait_the_new_witness_out()
    refuse("using another key", change_key, told)

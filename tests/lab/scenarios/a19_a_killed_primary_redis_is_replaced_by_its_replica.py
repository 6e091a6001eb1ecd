"""Redis as a promotable clone: the replica follows the primary, takes over when it is killed, and has its data."""
import pathlib

import agents_lab
import cluster
import scene
import xblab

ADDRESS = "10.77.0.201"
CONFIG = """bind 0.0.0.0
protected-mode no
port 6379
dir /var/lib/redis
logfile /var/log/redis/redis.log
save ""
replica-priority 100
"""
BODY = f"""primitive cache ocf:heartbeat:redis params bin=/usr/bin/redis-server client_bin=/usr/bin/redis-cli config=/etc/redis/redis.conf \\
    op start interval=0 timeout=60s op stop interval=0 timeout=60s op promote interval=0 timeout=60s \\
    op demote interval=0 timeout=60s op notify interval=0 timeout=60s \\
    op monitor interval=2s timeout=60s op monitor interval=1s role=Promoted timeout=60s
primitive vip ocf:xbeat:VIP params ip={ADDRESS} cidr_netmask=24 nic=svc op monitor interval=10s timeout=5s
clone caches cache meta promotable=true notify=true
colocation vip-with-cache inf: vip caches:Promoted
order cache-then-vip Mandatory: caches:promote vip:start symmetrical=false
order vip-then-cache 0: vip:stop caches:demote symmetrical=false
location caches-first caches rule $role=Promoted 10: #uname eq pm01
"""


def ask(node, *words, host="127.0.0.1"):
    return xblab.run(node, "redis-cli", "-h", host, *words, check=False, limit_s=10).stdout.strip()


def replicated(node):
    info = dict(line.split(":", 1) for line in ask(node, "info", "replication").splitlines() if ":" in line)
    return info.get("role") == "slave" and info.get("master_link_status") == "up" and info.get("master_host") == scene.other(node)


def run():
    if not pathlib.Path("/usr/bin/redis-server").exists():
        raise scene.Skip("redis-server is not installed: scripts/setup --agents")
    with scene.lab():
        for node in scene.NODES:
            for folder in ("/var/lib/redis", "/var/log/redis", "/run/redis", "/etc/redis"):
                xblab.run(node, "install", "-d", "-o", "redis", folder)
            xblab.run(node, "tee", "/etc/redis/redis.conf", text=CONFIG)
        cluster.configure("pm01", scene.pair(BODY))
        xblab.wait_until("pm01 is promoted", lambda: agents_lab.promoted("pm01", "cache") == ["pm01"], 90)
        xblab.wait_until("pm02 follows it", lambda: replicated("pm02"), 60)
        known = agents_lab.tool("pm01", "crm_attribute", "--type", "crm_config", "--name", "cache_REPL_INFO", "-s",
                                "redis_replication", "--query", "-q").stdout.strip()
        scene.expect_equal(known, "pm01", "the primary that is known to all")
        cluster.wait_settled("pm01")
        scene.expect_equal(ask("client", "set", "colour", "blue", host=ADDRESS), "OK", "a write through the address")
        xblab.wait_until("it is on the replica", lambda: ask("pm02", "get", "colour") == "blue", 20)

        xblab.run("pm01", "pkill", "-9", "redis-server")

        xblab.wait_until("pm02 is promoted", lambda: agents_lab.promoted("pm02", "cache") == ["pm02"], 90)
        xblab.wait_until("the address serves the value", lambda: ask("client", "get", "colour", host=ADDRESS) == "blue", 30)
        scene.expect_equal(ask("client", "set", "colour", "red", host=ADDRESS), "OK", "a write to the new primary")
        scene.expect_equal(cluster.where(ADDRESS), ["pm02"], "where the address is")

        cluster.cleanup("pm02", "caches")
        xblab.wait_until("pm01 follows pm02", lambda: replicated("pm01"), 60)
        xblab.wait_until("and has the new value", lambda: ask("pm01", "get", "colour") == "red", 20)

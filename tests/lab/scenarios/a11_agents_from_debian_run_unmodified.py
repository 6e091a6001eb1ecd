"""Agents from Debian's packages run unmodified: each starts, does what it is for, is monitored, and stops."""
import pathlib

import agents_lab
import cluster
import scene
import xblab

QUICK = False

CLIENT = "10.77.0.100"


def program(name):
    return any((pathlib.Path(folder) / name).exists() for folder in ("/usr/sbin", "/usr/bin", "/sbin", "/bin"))


def on_node(*words):
    return lambda: xblab.run("pm01", *words, check=False).returncode == 0


def has_attribute(name, test=lambda value: bool(value)):
    return lambda: test(agents_lab.attribute("pm01", "pm01", name))


def utilization(name):
    return lambda: agents_lab.tool("pm01", "crm_attribute", "-t", "nodes", "-N", "pm01", "-z", "-n", name, "-G", "-q",
                                   check=False).stdout.strip().isdigit()


def always():
    return True


# Agent, parameters, what shows that it works, the program that it needs.
TABLE = (
    ("ocf:heartbeat:IPaddr2", "ip=10.77.0.201 cidr_netmask=24 nic=svc",
     lambda: xblab.has_address("pm01", "10.77.0.201"), "ip"),
    ("ocf:heartbeat:nginx", "configfile=/etc/nginx/nginx.conf", on_node("pgrep", "nginx"), "nginx"),
    ("ocf:heartbeat:apache", "configfile=/etc/apache2/apache2.conf", on_node("pgrep", "apache2"), "apache2"),
    ("ocf:heartbeat:Dummy", "", always, "sh"),
    ("ocf:heartbeat:dummypy", "state=/run/resource-agents/dummypy.state", always, "python3"),
    ("ocf:pacemaker:Dummy", "fake=1", always, "sh"),
    ("ocf:heartbeat:Delay", "startdelay=1 stopdelay=0 mondelay=0", always, "sh"),
    ("ocf:heartbeat:anything", "binfile=/bin/sleep cmdline_options=86399", on_node("pgrep", "-f", "sleep 86399"), "sh"),
    ("ocf:heartbeat:symlink", "link=/var/lib/xblab-link target=/etc/hosts", on_node("test", "-L", "/var/lib/xblab-link"), "sh"),
    ("ocf:heartbeat:Filesystem", "device=/var/lib/xblab.img directory=/var/lib/xblab-mount fstype=ext4 options=loop",
     on_node("mountpoint", "-q", "/var/lib/xblab-mount"), "mkfs.ext4"),
    ("ocf:heartbeat:Route", "destination=192.0.2.0/24 device=svc",
     on_node("sh", "-c", "ip route | grep -q 192.0.2.0/24"), "ip"),
    ("ocf:heartbeat:ethmonitor", "interface=svc repeat_count=1 pktcnt_timeout=1 link_status_only=true",
     has_attribute("ethmonitor-svc", lambda value: value == "1"), "ip"),
    ("ocf:heartbeat:NodeUtilization", "dynamic=true", utilization("cpu"), "sh"),
    ("ocf:heartbeat:redis", "config=/etc/redis/redis.conf", on_node("pgrep", "redis-server"), "redis-server"),
    ("ocf:heartbeat:mysql", "binary=/usr/bin/mysqld_safe config=/etc/mysql/my.cnf datadir=/var/lib/mysql "
     "pid=/run/mysqld/mysqld.pid socket=/run/mysqld/mysqld.sock", on_node("pgrep", "mariadbd"), "mariadbd"),
    ("ocf:pacemaker:ping", f"host_list={CLIENT} multiplier=100 dampen=1s attempts=1",
     has_attribute("pingd", lambda value: value == "100"), "ping"),
    ("ocf:pacemaker:attribute", "name=xblab-switch active_value=on inactive_value=off",
     has_attribute("xblab-switch", lambda value: value == "on"), "sh"),
    ("ocf:pacemaker:SysInfo", "delay=0", has_attribute("cpu_cores"), "sh"),
    ("ocf:pacemaker:ClusterMon", "htmlfile=/run/xblab-mon.html pidfile=/run/xblab-mon.pid update=1",
     on_node("grep", "-q", "r00-ipaddr2", "/run/xblab-mon.html"), "ps"),
    ("ocf:pacemaker:HealthIOWait", "", has_attribute("#health-iowait", lambda value: value in ("green", "yellow", "red")),
     "top"),
    ("ocf:pacemaker:HealthCPU", "red_limit=-2 yellow_limit=-1",
     has_attribute("#health-cpu", lambda value: value in ("green", "yellow", "red")), "top"),
)

def name_of(index, agent):
    return f"r{index:02}-{agent.split(':')[-1].lower()}"


def prepare():
    xblab.run("pm01", "sh", "-c", "mkdir -p /var/lib/xblab-mount; [ -e /var/lib/xblab.img ] || "
              "{ truncate -s 8M /var/lib/xblab.img && mkfs.ext4 -q /var/lib/xblab.img; }", check=False)
    # nginx has the usual port.
    xblab.run("pm01", "sed", "-i", "s/^Listen 80$/Listen 8080/", "/etc/apache2/ports.conf", check=False)
    # What systemd-tmpfiles and the packages' units make at boot.
    for folder, owner in (("/run/redis", "redis"), ("/run/mysqld", "mysql"), ("/run/apache2", "root"),
                          ("/run/lock/apache2", "www-data"), ("/var/log/apache2", "root"), ("/var/log/mysql", "mysql"),
                          ("/var/log/redis", "redis")):
        xblab.run("pm01", "install", "-d", "-o", owner, folder, check=False)


def can_loop():
    """Whether a loop device can be had in here."""
    done = xblab.run("pm01", "sh", "-c", "mount -o loop /var/lib/xblab.img /var/lib/xblab-mount && umount /var/lib/xblab-mount",
                     check=False)
    return done.returncode == 0


def run():
    with scene.lab():
        prepare()
        skipped = {}
        body = ""
        wanted = []
        for index, (agent, parameters, works, needs) in enumerate(TABLE):
            if not program(needs):
                skipped[agent] = f"{needs} is not installed: scripts/setup --agents"
                continue
            if agent.endswith(":Filesystem") and not can_loop():
                skipped[agent] = "no loop device can be mounted here"
                continue
            name = name_of(index, agent)
            body += (f"primitive {name} {agent} " + (f"params {parameters} " if parameters else "") +
                     "op start timeout=60s interval=0 op stop timeout=60s interval=0 op monitor interval=5s timeout=60s\n"
                     f"location {name}-here {name} inf: pm01\n")
            wanted.append((name, agent, works))
        cluster.configure("pm01", agents_lab.HEAD + body)
        agents_lab.wait_idle("pm01", 180)
        failed = [f"{row['resource']} {row['task']}: rc {row['rc']} {row['exit_reason']}"
                  for row in scene.status("pm01")["failed_actions"]]
        scene.expect_equal(failed, [], "failed actions")
        for name, agent, works in wanted:
            scene.expect_equal(scene.places("pm01", name), ["pm01"], f"where {agent} runs")
            xblab.wait_until(f"{agent} does what it is for", works, 60)

        for name, agent, _ in wanted:
            cluster.shell("pm01", "resource", "stop", name)
        xblab.wait_until("all are stopped", lambda: not any(scene.places("pm01", name) for name, _, _ in wanted), 120)
        agents_lab.wait_idle("pm01", 120)
        failed = [f"{row['resource']} {row['task']}: rc {row['rc']} {row['exit_reason']}"
                  for row in scene.status("pm01")["failed_actions"]]
        scene.expect_equal(failed, [], "failed actions after all stops")
        scene.expect(not xblab.has_address("pm01", "10.77.0.201"), "the address is gone")
        scene.expect(on_node("sh", "-c", "! pgrep -f '[s]leep 86399'")(), "the program of anything is gone")
        for agent, reason in skipped.items():
            print(f"  not run: {agent}: {reason}")
        print(f"  run: {', '.join(agent for _, agent, _ in wanted)}")

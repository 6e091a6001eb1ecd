"""Those who are measured side by side: each serves the same address in the same lab to the same client.

A contender knows how to come up, who is active, how to bring a returned node back as standby, how to
forget a failure, and how to move by hand. Injecting and measuring is bench.py's work.
"""
import re
import subprocess

import cluster
import witness
import xblab

NODES = ("pm01", "pm02")


def other(node):
    return NODES[1 - NODES.index(node)]


class Contender:
    name = ""
    probe = "udp"
    service = "xblab-echo"  # the process that is killed
    daemon = ""             # the process that is stopped

    def up(self):
        """Brings the lab and the cluster up; returns when the service is there and the standby ready."""
        raise NotImplementedError

    def active(self):
        holders = [node for node in NODES if xblab.has_address(node)]
        return holders[0] if len(holders) == 1 else None

    def rejoin(self, node):
        """Boots a node that crashed and waits until it is a ready standby."""
        raise NotImplementedError

    def heal(self, node):
        """Forgets the failure of a service process on the node."""
        raise NotImplementedError

    def move(self, source):
        """Starts a planned move away from the node."""
        raise NotImplementedError

    def moved(self, source):
        """Tidies up after a planned move."""

    def daemon_pids(self, node):
        """The processes of the cluster software that are stopped in the stall test; PIDs of the host."""
        return xblab.processes(node, self.daemon)

    def load_pids(self, node):
        """All processes that belong to the cluster software itself, for its memory."""
        raise NotImplementedError

    def wait_ready(self, limit_s=90):
        xblab.wait_until(f"{self.name}: one node is active", self.active, limit_s)


class Keepalived(Contender):
    daemon = "keepalived"

    def __init__(self, interval):
        self.interval = interval
        self.name = f"keepalived {interval:g} s"

    def configuration(self, node):
        # One priority for both: a node that returns does not take the address back, and a failed service
        # lowers it by 100.
        peer = 3 - int(node[-1])
        return f"""global_defs {{
    router_id {node}
    vrrp_version 3
    vrrp_garp_master_refresh 0
}}
track_file service {{
    file /run/service.state
    weight 1
}}
vrrp_instance web {{
    state BACKUP
    interface svc
    virtual_router_id 77
    priority 150
    advert_int {self.interval:g}
    unicast_peer {{
        10.77.0.{peer}
    }}
    virtual_ipaddress {{
        {xblab.SERVICE_ADDRESS}/24 dev svc
    }}
    track_file {{
        service
    }}
}}
"""

    def start_node(self, node):
        self.start_service(node)
        (xblab.DIRECTORY / node / "etc/keepalived").mkdir(parents=True, exist_ok=True)
        xblab.run(node, "mkdir", "-p", "/etc/keepalived")
        xblab.run(node, "tee", "/etc/keepalived/keepalived.conf", text=self.configuration(node))
        self.start_daemon(node)

    @staticmethod
    def start_service(node):
        """The service under a shell that tells keepalived of its end at once.

        vrrp_track_process needs the kernel's process connector, which does not reach into namespaces.
        """
        xblab.start(node, "bash", "-c", f"echo 0 >/run/service.state; xblab-echo --port {xblab.ECHO_PORT}; "
                    "echo -100 >/run/service.state", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        xblab.wait_until("the service runs", lambda: xblab.run(node, "pgrep", "-x", "xblab-echo",
                                                               check=False).returncode == 0)

    def up(self):
        xblab.lab("up", "--bare")
        self.start_node("pm01")
        xblab.wait_until("keepalived: pm01 is master", lambda: xblab.has_address("pm01"))
        self.start_node("pm02")
        self.wait_ready()

    def rejoin(self, node):
        xblab.inject("boot", node)
        self.start_node(node)
        self.wait_standby(node)

    def start_daemon(self, node):
        log = open(xblab.DIRECTORY / node / "log/keepalived.log", "w", encoding="utf-8")
        with log:
            xblab.start(node, "keepalived", "--dont-fork", "--log-console", stdout=log, stderr=log)

    @staticmethod
    def wait_standby(node):
        def is_backup():
            log = (xblab.DIRECTORY / node / "log/keepalived.log").read_text()
            states = re.findall(r"Entering (\w+) STATE", log)
            return states and states[-1] == "BACKUP"
        xblab.wait_until(f"keepalived on {node} is backup", is_backup, 30, 0.05)

    def heal(self, node):
        self.start_service(node)
        self.wait_standby(node)

    def move(self, source):
        """keepalived has no planned move: its daemon is stopped, which sends priority 0 first."""
        xblab.run(source, "pkill", "-TERM", "-o", "-x", "keepalived")

    def moved(self, source):
        xblab.wait_until("keepalived has ended", lambda: xblab.run(
            source, "pgrep", "-x", "keepalived", check=False).returncode != 0)
        self.start_daemon(source)
        self.wait_standby(source)

    def load_pids(self, node):
        return self.daemon_pids(node)


COROSYNC = """totem {{
    version: 2
    cluster_name: lab
    transport: knet
    crypto_cipher: none
    crypto_hash: none
    token: {token_ms}
}}
nodelist {{
    node {{
        name: pm01
        nodeid: 1
        ring0_addr: 10.77.1.1
        ring1_addr: 10.77.2.1
    }}
    node {{
        name: pm02
        nodeid: 2
        ring0_addr: 10.77.1.2
        ring1_addr: 10.77.2.2
    }}
}}
quorum {{
    provider: corosync_votequorum
    two_node: 1
}}
logging {{
    to_logfile: yes
    logfile: /var/log/corosync/corosync.log
    to_syslog: no
}}
"""

START_PACEMAKER = """
install -d -o hacluster -g haclient -m 750 /run/crm /var/log/pacemaker
install -d /var/log/corosync
corosync && pacemakerd >/dev/null 2>&1 &
"""


class Pacemaker(Contender):
    probe = "http"
    service = "nginx"
    daemon = "corosync"

    def __init__(self, name, token_ms, monitor_s):
        self.name = name
        self.token_ms = token_ms
        self.monitor_s = monitor_s

    def up(self):
        xblab.lab("up", "--bare")
        for node in NODES:
            xblab.run(node, "tee", "/etc/corosync/corosync.conf", text=COROSYNC.format(token_ms=self.token_ms))
            self.start_node(node)
        for node in NODES:
            self.wait_online(node)
        web = (xblab.ROOT / "docs/examples/web.crm").read_text()
        web = web.replace("monitor interval=10s", f"monitor interval={self.monitor_s}s")
        # crmsh keeps files of its own at home, which must not be this machine's.
        xblab.run("pm01", "mkdir", "-p", "/var/log/crmsh")
        xblab.run("pm01", "env", "HOME=/run", "crm", "-F", "configure", "load", "replace", "-", text=web)
        self.wait_ready()

    @staticmethod
    def start_node(node):
        xblab.start(node, "bash", "-c", START_PACEMAKER, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    @staticmethod
    def wait_online(node):
        def is_online():
            report = xblab.run(node, "crm_mon", "-1", check=False).stdout
            return re.search(r"Online: \[[^]]*\b" + node + r"\b", report) and "pending" not in report
        xblab.wait_until(f"pacemaker on {node} is online", is_online, 120, 0.3)

    def wait_idle(self):
        xblab.run("pm01" if xblab.machine_state("pm01") == "running" else "pm02", "crm_resource", "--wait",
                  check=False, limit_s=120)

    def rejoin(self, node):
        xblab.inject("boot", node)
        self.start_node(node)
        self.wait_online(node)
        self.wait_idle()

    def heal(self, node):
        self.wait_idle()
        xblab.run(node, "crm_resource", "--cleanup", check=False)
        self.wait_idle()

    def move(self, source):
        xblab.start(source, "crm_resource", "--move", "--resource", "web", stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL)

    def moved(self, source):
        self.wait_idle()
        xblab.run(source, "crm_resource", "--clear", "--resource", "web")
        self.wait_idle()

    def load_pids(self, node):
        return xblab.processes(node, "corosync|pacemaker.*")


class Xbeat(Contender):
    daemon = "xbeatd"

    def __init__(self, name, config, probe, service):
        self.name = name
        self.config = config
        self.probe = probe
        self.service = service

    def up(self):
        xblab.lab("up", "--profile", "metal-fast", "--config", xblab.ROOT / "docs/examples" / self.config)
        self.wait_ready()

    def rejoin(self, node):
        cluster.rejoin(node)

    def heal(self, node):
        cluster.cleanup(other(node))

    def move(self, source):
        xblab.start(source, "xbeat", "resource", "move", "web", stdout=subprocess.DEVNULL)

    def moved(self, source):
        cluster.wait_settled(source)
        xblab.run(source, "xbeat", "resource", "clear", "web")
        cluster.wait_settled(source)

    def load_pids(self, node):
        return xblab.processes(node, "xbeatd|xbeat-exec")


class XbeatWitness(Xbeat):
    """The built-in agents without any fence device: a witness grants the survivor its exclusivity."""

    def up(self):
        config = xblab.BUILD / "bench-witness.crm"
        config.write_text(witness.fast())
        xblab.lab("up", "--profile", "metal-fast", "--config", config, "--arbiter", "witness")
        witness.wait_ready()
        self.wait_ready()


def all_contenders():
    return [
        Xbeat("xbeat built-in agents", "fast.crm", "udp", "xblab-echo"),
        XbeatWitness("xbeat with a witness", "fast.crm", "udp", "xblab-echo"),
        Xbeat("xbeat shell agents", "web.crm", "http", "nginx"),
        Keepalived(0.01),
        Keepalived(0.1),
        Pacemaker("Pacemaker tuned", 500, 1),
        Pacemaker("Pacemaker default", 3000, 10),
    ]

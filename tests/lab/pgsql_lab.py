"""A PostgreSQL pair in synchronous streaming replication under ocf:heartbeat:pgsql, and a client that counts commits."""
import pathlib
import subprocess
import threading

import agents_lab
import cluster
import scene
import xblab

ADDRESS = "10.77.0.201"  # of whoever is promoted: clients and the standby connect to it
BIN = pathlib.Path("/usr/lib/postgresql/15/bin")
HOME = "/var/lib/xbpg"  # on the node's disk: it outlives a crash
DATA = f"{HOME}/data"
SOCKETS = "/run/postgresql"

BODY = f"""primitive db ocf:heartbeat:pgsql params pgctl={BIN}/pg_ctl psql=/usr/bin/psql pgdata={DATA} tmpdir={HOME}/tmp \\
    socketdir={SOCKETS} logfile={HOME}/log rep_mode=sync node_list="pm01 pm02" master_ip={ADDRESS} stop_escalate=5 \\
    stop_escalate_in_slave=5 \\
    op start interval=0 timeout=60s op stop interval=0 timeout=60s op promote interval=0 timeout=60s \\
    op demote interval=0 timeout=60s op notify interval=0 timeout=60s \\
    op monitor interval=2s timeout=60s op monitor interval=1s role=Promoted timeout=60s
primitive vip ocf:xbeat:VIP params ip={ADDRESS} cidr_netmask=24 nic=svc op monitor interval=10s timeout=5s
clone dbs db meta promotable=true notify=true
colocation vip-with-db inf: vip dbs:Promoted
order db-then-vip Mandatory: dbs:promote vip:start symmetrical=false
order vip-then-db 0: vip:stop dbs:demote symmetrical=false
"""

SETTINGS = f"""listen_addresses = '*'
unix_socket_directories = '{SOCKETS}'
wal_level = replica
max_wal_senders = 4
wal_keep_size = 64MB
hot_standby = on
restart_after_crash = off
shared_buffers = 8MB
max_connections = 20
wal_receiver_status_interval = 1s
wal_retrieve_retry_interval = 500ms
"""


def require():
    if not (BIN / "postgres").exists():
        raise scene.Skip("PostgreSQL 15 is not installed: scripts/setup --agents")


def sql(node, statement, check=True, host=SOCKETS, limit_s=30):
    """One statement's answer, bare."""
    return xblab.run(node, "psql", "-h", host, "-U", "postgres", "-d", "postgres", "-XAtq", "-c", statement,
                     check=check, limit_s=limit_s).stdout.strip()


def as_postgres(node, *words):
    return xblab.run(node, "setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", *words, limit_s=120)


def prepare():
    """Two equal copies of one database, none of them running."""
    for node in scene.NODES:
        for folder in (HOME, f"{HOME}/tmp", SOCKETS):
            xblab.run(node, "install", "-d", "-o", "postgres", "-g", "postgres", "-m", "755", folder)
    as_postgres("pm01", BIN / "initdb", "-D", DATA, "-A", "trust", "--no-sync", "--locale=C")
    xblab.run("pm01", "tee", "-a", f"{DATA}/postgresql.conf", text=SETTINGS)
    xblab.run("pm01", "tee", "-a", f"{DATA}/pg_hba.conf",
              text="host all all 10.77.0.0/16 trust\nhost replication all 10.77.0.0/16 trust\n")
    as_postgres("pm01", BIN / "pg_ctl", "-D", DATA, "-w", "-l", f"{HOME}/log", "start")
    sql("pm01", "create table ledger (number bigint primary key)")
    as_postgres("pm02", BIN / "pg_basebackup", "-h", "10.77.1.1", "-U", "postgres", "-D", DATA, "-X", "stream",
                "-c", "fast", "--no-sync")
    as_postgres("pm01", BIN / "pg_ctl", "-D", DATA, "-w", "-m", "fast", "stop")


def permanent(of, name):
    for node in cluster.cib("pm02").iter("node"):
        if node.get("uname") == of:
            for pair in node.iter("nvpair"):
                if pair.get("name") == name:
                    return pair.get("value")
    return None


def wait_synchronous(primary="pm01"):
    standby = scene.other(primary)
    xblab.wait_until(f"{primary} is promoted", lambda: agents_lab.promoted(primary, "db") == [primary], 120)
    xblab.wait_until(f"the data of {standby} is in step",
                     lambda: permanent(standby, "db-data-status") == "STREAMING|SYNC", 120)
    agents_lab.wait_attribute(primary, standby, "db-status", "HS:sync", 60)
    agents_lab.wait_attribute(primary, standby, "master-db", "100", 60)
    agents_lab.wait_attribute(primary, primary, "db-status", "PRI", 60)
    agents_lab.wait_attribute(primary, primary, "master-db", "1000", 60)
    scene.expect_equal(permanent(primary, "db-data-status"), "LATEST", "the data of the primary")
    scene.expect(agents_lab.attribute(primary, primary, "db-master-baseline"), "the location at the promotion is kept")


class Writer:
    """Commits one number after the other through the address, and remembers which were acknowledged."""

    def __init__(self):
        self.acknowledged = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._write, daemon=True)
        self._thread.start()

    def _write(self):
        number = 0
        while not self._stop.is_set():
            number += 1
            try:
                done = xblab.run("client", "env", "PGCONNECT_TIMEOUT=2", "psql", "-h", ADDRESS, "-U", "postgres", "-d",
                                 "postgres", "-XAtq", "-c", f"insert into ledger values ({number})", check=False, limit_s=5)
            except subprocess.TimeoutExpired:
                continue  # nobody said whether it was committed
            if done.returncode == 0:
                self.acknowledged.append(number)

    def wait(self, count):
        xblab.wait_until(f"{count} commits are acknowledged", lambda: len(self.acknowledged) >= count, 60)

    def stop(self):
        self._stop.set()
        self._thread.join(20)
        return self.acknowledged


def lost(node, acknowledged):
    """The acknowledged commits that are not in the database of `node`."""
    there = {int(line) for line in sql(node, "select number from ledger").splitlines()}
    return sorted(set(acknowledged) - there)

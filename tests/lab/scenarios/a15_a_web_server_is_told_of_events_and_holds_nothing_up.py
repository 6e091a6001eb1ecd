"""The webhook alert agent posts each event as JSON; a server that hangs or is gone costs the cluster nothing."""
import json

import agents_lab
import cluster
import scene
import xblab

FOLDER = "/var/lib/xblab-alerts"
HEARD = "/run/xblab-hook"
PORT = 18080

SERVER = f"""
import http.server, sys
class Hook(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        open("{HEARD}", "ab").write(self.path.encode() + b" " + body.strip() + b"\\n")
        self.send_response(204)
        self.end_headers()
    def log_message(self, *_):
        pass
http.server.ThreadingHTTPServer(("", {PORT}), Hook).serve_forever()
"""
# Takes connections and never answers.
HUNG = f"""
import socket, time
line = socket.create_server(("", {PORT + 1}), backlog=128)
time.sleep(86400)
"""

BODY = f"""primitive d ocf:pacemaker:Dummy op monitor interval=10s
location d-first d 10: pm01
alert hook "{FOLDER}/webhook" meta timeout=20s to "http://{scene.ROUTER}:{PORT}/hook?a=b"
alert hung "{FOLDER}/webhook" attributes hook_timeout=1 hook_retries=0 meta timeout=20s to "http://{scene.ROUTER}:{PORT + 1}/"
alert gone "{FOLDER}/webhook" attributes hook_timeout=1 hook_retries=0 meta timeout=20s to "http://{scene.ROUTER}:{PORT + 2}/"
"""


def heard():
    text = xblab.run("client", "cat", HEARD, check=False).stdout
    rows = [line.split(" ", 1) for line in text.splitlines()]
    return [json.loads(body) for path, body in rows if path == "/hook?a=b"]


def run():
    with scene.lab():
        servers = [xblab.start("client", "python3", "-c", text) for text in (SERVER, HUNG)]
        try:
            script = (xblab.ROOT / "user/alert/webhook").read_text()
            for node in scene.NODES:
                xblab.run(node, "mkdir", "-p", FOLDER)
                xblab.run(node, "chmod", "755", FOLDER)
                xblab.run(node, "tee", f"{FOLDER}/webhook", text=script)
                xblab.run(node, "chmod", "755", f"{FOLDER}/webhook")
            cluster.configure("pm01", agents_lab.HEAD + BODY)
            agents_lab.wait_idle()
            planner = cluster.coordinator("pm01")

            xblab.wait_until("the start was posted", lambda: [row for row in heard() if row.get("task") == "start"], 30)
            start = next(row for row in heard() if row.get("task") == "start")
            for name, value in (("kind", "resource"), ("rsc", "d"), ("node", "pm01"), ("rc", "0"), ("target_rc", "0")):
                scene.expect_equal(start[name], value, name)
            scene.expect(int(start["timestamp_epoch"]) > 1_600_000_000, f"its time: {start}")
            # Both servers that do not answer are told of, and nothing waited for them.
            xblab.wait_until("the other two failed", lambda: len([row for row in cluster.events(planner)
                             if row["kind"] == "alert-failed"]) >= 2, 30)
            cluster.shell("pm01", "node", "standby", "pm01")
            xblab.wait_until("d has moved", lambda: scene.places("pm01", "d") == ["pm02"], 20)
            xblab.wait_until("its stop and start were posted", lambda: {("stop", "pm01"), ("start", "pm02")} <= {
                (row.get("task"), row["node"]) for row in heard()}, 30)
        finally:
            for server in servers:
                server.kill()
                server.wait()

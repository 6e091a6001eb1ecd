"""`xbeat mon` on real terminals: 80x24 and others, keys, a fail-over seen live, without flicker and for next to no processor time."""
import os
import time

import scene
import terminal
import xblab

SHARE_MAX = 0.02  # of a processor
IDLE_BYTES_MAX = 4096  # a second of a quiet cluster: figures that changed, not whole screens


def processor_seconds(pid):
    fields = open(f"/proc/{pid}/stat", encoding="ascii").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Mon:
    def __init__(self, node, columns, lines):
        self.screen = terminal.Terminal(columns, lines)
        ends = dict(stdin=self.screen.slave, stdout=self.screen.slave, stderr=self.screen.slave)
        self.process = xblab.start(node, "env", "TERM=vt100", "LANG=C.UTF-8", "xbeat", "mon", **ends)
        xblab.wait_until("mon runs", lambda: open(f"/proc/{self.pid()}/comm", encoding="ascii").read().strip() == "xbeat")

    def pid(self):
        pids = [pid for pid in xblab.processes("pm01", "xbeat") if b"mon" in open(f"/proc/{pid}/cmdline", "rb").read()]
        return pids[0] if pids else self.process.pid

    def shows(self, *words, limit_s=20):
        """The screen once it shows all of these."""
        deadline = time.monotonic() + limit_s
        while True:
            self.screen.feed(0.2)
            text = "\n".join(self.screen.text())
            if all(word in text for word in words):
                return text
            scene.expect(time.monotonic() < deadline, f"the screen never showed {words}:\n{text}")

    def resize(self, columns, lines):
        self.screen.resize(columns, lines)
        os.kill(self.pid(), 28)  # SIGWINCH; the terminal is not the process's controlling one

    def end(self):
        self.screen.press("q")
        self.screen.feed(0.5)
        code = self.process.wait(timeout=20)
        self.screen.close()
        return code


def look(mon, title, text):
    print(f"--- {title}: {mon.screen.columns}x{mon.screen.lines}\n{text}")
    widest = max(len(line) for line in mon.screen.text())
    scene.expect(widest <= mon.screen.columns, f"{title}: a line of {widest} columns")


def run():
    with scene.lab(scene.web()):
        scene.wait_served_by("pm01")
        mon = Mon("pm01", 80, 24)
        look(mon, "at rest", mon.shows("pm01", "pm02", "httpd", "ic0", "ic1", "Last change"))

        mon.screen.feed(2)
        clears, received, spent, began = mon.screen.clears, mon.screen.received, processor_seconds(mon.pid()), time.monotonic()
        mon.screen.feed(10)
        elapsed = time.monotonic() - began
        share = (processor_seconds(mon.pid()) - spent) / elapsed
        a_second = (mon.screen.received - received) / elapsed
        print(f"mon: {share * 100:.2f} % of a processor, {a_second:.0f} bytes a second")
        scene.expect(share < SHARE_MAX, f"{share * 100:.1f} % of a processor")
        scene.expect_equal(mon.screen.clears, clears, "times that the screen was blanked")
        scene.expect(a_second < IDLE_BYTES_MAX, f"{a_second:.0f} bytes a second")

        xblab.inject("kill", "pm01", "nginx")
        scene.wait_served_by("pm02")
        look(mon, "after a fail-over", mon.shows("Last fail-over", "ic0", "ic1", "lost"))

        for columns, lines in ((120, 40), (40, 12), (80, 24)):
            mon.resize(columns, lines)
            look(mon, "resized", mon.shows("pm01"))
        mon.screen.press("?")
        look(mon, "help", mon.shows("fail counts"))
        mon.screen.press("?f")
        mon.shows("pm01")
        scene.expect_equal(mon.end(), 0, "exit code of mon")

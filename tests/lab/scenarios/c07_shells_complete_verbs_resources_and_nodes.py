"""bash, zsh and fish, each on a terminal, complete verbs, options, resources and nodes of the cluster that runs."""
import contextlib
import os
import pty
import select
import shutil
import time

import scene
import xblab

LIMIT_S = 30
COMPLETION = xblab.ROOT / "user/completion"
# A shell without anybody's settings, and what makes it take our file.
SHELLS = {
    "bash": (("bash", "--norc", "--noprofile", "-i"), f"source {COMPLETION}/xbeat.bash"),
    "zsh": (("zsh", "-f", "-i"), f"fpath=({COMPLETION} $fpath); autoload -Uz compinit; compinit -u -D"),
    "fish": (("fish", "--no-config", "-i"), f"source {COMPLETION}/xbeat.fish"),
}
# What is typed before the tabulator, and what stands there afterwards.
LINES = [
    ("xbeat resou", "xbeat resource"),
    ("xbeat resource cons", "xbeat resource constraints"),
    ("xbeat resource locate htt", "xbeat resource locate httpd"),
    ("xbeat resource move web pm0", "xbeat resource move web pm0"),  # both nodes begin so
    ("xbeat resource move web pm02 --dry", "xbeat resource move web pm02 --dry-run"),
    ("xbeat node standby pm02 --wa", "xbeat node standby pm02 --wait"),
    ("xbeat configure show xbeat-no-such-thing", "xbeat configure show xbeat-no-such-thing"),
]
BEGIN, TABULATOR = "\x01", "\t"  # to the beginning of the line; complete


class Terminal:
    """A shell on a terminal of its own, in a node."""

    def __init__(self, node, words):
        self.master, slave = pty.openpty()
        try:
            self.process = xblab.start(node, "setsid", "--ctty", "--wait", "env", "TERM=dumb", "HOME=/root", *words,
                                       stdin=slave, stdout=slave, stderr=slave)
        finally:
            os.close(slave)
        self.seen = ""

    def type(self, text):
        os.write(self.master, text.encode())

    def wait_for(self, text):
        """Reads until the text has come; returns what came."""
        deadline = time.monotonic() + LIMIT_S
        while text not in self.seen:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.master], [], [], left)[0]:
                raise AssertionError(f"{text!r} has not come: {self.seen[-2000:]!r}")
            try:
                self.seen += os.read(self.master, 65536).decode(errors="replace")
            except OSError as error:  # the shell has ended
                raise AssertionError(f"{text!r} has not come: {self.seen[-2000:]!r}, {error}") from error
        before, self.seen = self.seen.split(text, 1)
        return before

    def close(self):
        os.close(self.master)  # the terminal hangs up, and the shell ends
        self.process.wait(timeout=LIMIT_S)


@contextlib.contextmanager
def shell(name):
    words, setup = SHELLS[name]
    terminal = Terminal("pm01", words)
    try:
        # The quotes keep the word out of the echo of what is typed.
        terminal.type(f"{setup}; echo REA''DY\r")
        terminal.wait_for("READY\r\n")
        yield terminal
    finally:
        terminal.close()


def completed(terminal, typed):
    """What the line has become after a tabulator: told by an echo in front of it."""
    terminal.type(typed + TABULATOR)
    terminal.type(BEGIN + "echo DO''NE \r")
    terminal.wait_for("DONE ")
    return terminal.wait_for("\r\n").strip()


def run():
    here = [name for name in SHELLS if shutil.which(name)]
    missing = sorted(set(SHELLS) - set(here))
    with scene.lab(scene.web()):
        scene.wait_served_by("pm01")
        for name in here:
            with shell(name) as terminal:
                for typed, wanted in LINES:
                    scene.expect_equal(completed(terminal, typed), wanted, f"{name} completes {typed!r}")
    if missing:
        raise scene.Skip(f"not installed: {', '.join(missing)}; the others complete as they should")

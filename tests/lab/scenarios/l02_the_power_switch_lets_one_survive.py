"""The power switch kills before it answers, refuses the dead, and keeps the cables of the living."""
import concurrent.futures
import statistics

import scene
import xblab

QUICK = True
ROUNDS = 10
ANSWER_MS = 1000  # generous: this machine may be busy; the benchmark has the figure


def fence(node, target, action="off"):
    begin = xblab.now_ns()
    done = xblab.run(node, "fence_xblab", check=False, text=f"# a comment\naction={action}\nplug={target}\n")
    return done.returncode, (xblab.now_ns() - begin) / 1e6


def duel(node):
    """Its exit code, or what became of a node that was dead before it could shoot."""
    try:
        return fence(node, scene.other(node))[0]
    except FileNotFoundError:  # the machine's init is gone
        return "dead already"


def run():
    with scene.lab(None, "--bare"):
        took = []
        for _ in range(ROUNDS):
            sleeper = xblab.start("pm01", "sleep", "1000")
            code, milliseconds = fence("pm02", "pm01")
            took.append(milliseconds)
            scene.expect_equal(code, 0, "exit of off")
            scene.expect_equal(xblab.machine_state("pm01"), "off", "the machine when the answer came")
            scene.expect(sleeper.wait(5) != 0, "its processes are dead")
            scene.expect_equal(fence("pm02", "pm01", "status")[0], 2, "exit of status: off")
            scene.expect_equal(fence("pm02", "pm01", "on")[0], 0, "exit of on")
            scene.expect_equal(fence("pm02", "pm01", "status")[0], 0, "exit of status: on")
        scene.expect(statistics.median(took) < ANSWER_MS, f"off answers in {ANSWER_MS} ms, median: {took}")

        for _ in range(ROUNDS):
            with concurrent.futures.ThreadPoolExecutor() as pool:
                codes = list(pool.map(duel, scene.NODES))
            alive = [node for node in scene.NODES if xblab.machine_state(node) == "running"]
            scene.expect_equal(len(alive), 1, f"who is alive after two shots at once ({codes})")
            xblab.inject("boot", scene.other(alive[0]))

        for kind, wanted in (("refuse", 1), ("lie", 0)):
            xblab.ask("fault", "pm01", kind)
            scene.expect_equal(fence("pm02", "pm01")[0], wanted, f"exit of off when the switch would {kind}")
            scene.expect_equal(xblab.machine_state("pm01"), "running", f"the machine after a {kind}")
        xblab.ask("fault", "pm01", "none")
        scene.expect_equal(xblab.run("pm02", "fence_xblab", "-o", "off", check=False).returncode, 2,
                           "exit of off without a machine")
        scene.expect("<resource-agent" in xblab.run("pm02", "fence_xblab", "-o", "metadata").stdout, "metadata")

"""Each OCF agent of Debian's packages answers `xbeat ra info`, as XML and as text to read."""
import concurrent.futures
import pathlib
import subprocess
import xml.etree.ElementTree as ElementTree

import scene
import xblab

AGENTS = pathlib.Path("/usr/lib/ocf/resource.d")
# Of Debian 12's resource-agents 4.12 and pacemaker-resource-agents 2.1.5.
WANTED = {"heartbeat": 141, "pacemaker": 13}


def xbeat(*words):
    return subprocess.run([xblab.BUILD / "xbeat", "ra", *words], capture_output=True, text=True, timeout=120, check=False)


def troubles(agent):
    """What is wrong with the answers of that agent; empty if nothing."""
    found = []
    done = xbeat("info", "--xml", agent)
    if done.returncode != 0:
        return [f"{agent}: exit {done.returncode}: {done.stderr.strip()}"]
    try:
        root = ElementTree.fromstring(done.stdout[done.stdout.index("<resource-agent"):])
        if root.find("actions") is None:
            found.append(f"{agent}: no actions")
    except (ValueError, ElementTree.ParseError) as error:
        found.append(f"{agent}: {error}")
    done = xbeat("info", agent)
    if done.returncode != 0 or not done.stdout.startswith(agent):
        found.append(f"{agent}: to read: exit {done.returncode}: {done.stdout[:80]} {done.stderr.strip()}")
    return found


def run():
    listed = xbeat("list", "ocf").stdout.split()
    for provider, count in WANTED.items():
        here = [agent for agent in listed if agent.split(":")[1] == provider]
        if not (AGENTS / provider).is_dir():
            raise scene.Skip(f"no agents of {provider} are installed: scripts/setup")
        scene.expect(len(here) >= count, f"{len(here)} agents of {provider} are listed, {count} are packaged")
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        found = [line for lines in pool.map(troubles, listed) for line in lines]
    scene.expect_equal(found, [], "agents that do not answer")
    print(f"  {len(listed)} agents answer")

#!/usr/bin/env python3
"""Waits for the cluster in the lab: `settle.py joined NODE...` or `settle.py settled NODE`."""
import sys

sys.dont_write_bytecode = True

import cluster  # noqa: E402
import xblab  # noqa: E402


GONE_S = 3  # a daemon that is missing so long is not being started again


def wait_joined(nodes):
    """As cluster.wait_joined(), but a daemon that gave up (wrong configuration) is not waited for."""
    seen = {node: xblab.now_ns() for node in nodes}

    def joined():
        for node in nodes:
            if xblab.processes(node, "xbeatd"):
                seen[node] = xblab.now_ns()
            elif xblab.now_ns() - seen[node] > GONE_S * 1e9:
                raise xblab.LabError(f"{node} runs no xbeatd")
        if len(nodes) == 1:  # a node on its own has nobody to join: its daemon must answer
            return cluster.answers(nodes[0])
        return all(cluster.is_member(a, b) for a in nodes for b in nodes if a != b)
    xblab.wait_until(f"{' and '.join(nodes)} have joined", joined, 60)


def main():
    if len(sys.argv) < 3 or sys.argv[1] not in ("joined", "settled"):
        print(__doc__, file=sys.stderr)
        return 64
    try:
        if sys.argv[1] == "joined":
            wait_joined(sys.argv[2:])
        else:
            cluster.wait_settled(sys.argv[2])
    except xblab.LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""Waits for the cluster in the lab: `settle.py joined NODE...` or `settle.py settled NODE`."""
import sys

sys.dont_write_bytecode = True

import cluster  # noqa: E402
import xblab  # noqa: E402


def main():
    if len(sys.argv) < 3 or sys.argv[1] not in ("joined", "settled"):
        print(__doc__, file=sys.stderr)
        return 64
    try:
        if sys.argv[1] == "joined":
            cluster.wait_joined(sys.argv[2:])
            if len(sys.argv) == 3:  # a node on its own has nobody to join: its daemon must answer
                xblab.wait_until("the daemon answers", lambda: cluster.answers(sys.argv[2]))
        else:
            cluster.wait_settled(sys.argv[2])
    except xblab.LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

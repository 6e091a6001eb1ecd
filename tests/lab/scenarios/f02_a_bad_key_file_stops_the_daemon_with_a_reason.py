"""A key that is missing, short or readable by others stops the daemon with exit 78 or 77 and a reason."""
import re

import scene
import xblab

KEY = "/etc/xbeat/keys/cluster.key"
CASES = {
    "missing": (["rm", KEY], "there is no|no such file|missing|not exist"),
    "short": (["truncate", "-s", "16", KEY], "16|32|bytes"),
    "readable by others": (["chmod", "0444", KEY], "0400|0600|mode|readable"),
}


def run():
    with scene.lab():
        good = xblab.run("pm02", "base64", KEY).stdout
        for case, (spoil, reason) in CASES.items():
            xblab.run("pm02", *spoil)
            done = xblab.run("pm02", "xbeatd", "--check", check=False)
            scene.expect(done.returncode in (66, 77, 78), f"{case}: exit 66, 77 or 78, not {done.returncode}")
            scene.expect(re.search(reason, done.stderr + done.stdout, re.IGNORECASE),
                         f"{case}: the reason: {done.stderr}")
            scene.expect(KEY in done.stderr + done.stdout, f"{case}: the file's name: {done.stderr}")
            xblab.run("pm02", "sh", "-c", f"rm -f {KEY}; base64 -d >{KEY}; chmod 400 {KEY}", text=good)
        scene.expect_equal(xblab.run("pm02", "xbeatd", "--check", check=False).returncode, 0, "the good key's check")

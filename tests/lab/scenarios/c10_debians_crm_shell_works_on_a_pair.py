"""Debian's crm shell, unmodified, configures, moves, tunes and looks at a pair."""
import pathlib

import cluster
import scene
import xblab

# What a user of crmsh types in a day: a line and, where it matters, what has to be in the answer.
LINES = (
    ("status", "Online: [ pm01 pm02 ]"),
    ("status xml", '<node name="pm01" id="1" online="true"'),
    ("status simple", "CLUSTER OK: 2 nodes online"),
    ("configure show", "group web address httpd"),
    ("configure show xml", '<group id="web">'),
    ("configure verify", ""),
    ("configure primitive d1 ocf:pacemaker:Dummy op monitor interval=10s", ""),
    ("configure location l1 d1 10: pm02", ""),
    ("configure show l1", "location l1 d1 10: pm02"),
    ("configure rename l1 l2", ""),
    ("configure property cluster-recheck-interval=5min", ""),
    ("configure rsc_defaults failure-timeout=10min", ""),
    ("configure save /run/saved.crm", ""),
    ("configure load update /run/saved.crm", ""),
    ("resource status", "httpd"),
    ("resource locate httpd", "resource httpd is running on: pm01"),
    ("resource constraints web", "web"),
    ("resource scores", "web"),
    ("resource move web pm02 force", "Move constraint created for web"),
    ("resource clear web", "Removed migration constraints for web"),
    ("resource ban d1 pm01", "Ban constraint created for d1"),
    ("resource clear d1", "Removed migration constraints for d1"),
    ("resource meta web set priority 5", ""),
    ("resource meta web show priority", "5"),
    ("resource param httpd show configfile", "/etc/nginx/nginx.conf"),
    ("resource failcount httpd show pm01", "value=0"),
    ("resource cleanup web", ""),
    ("resource refresh d1", ""),
    ("resource maintenance d1 on", ""),
    ("resource maintenance d1 off", ""),
    ("resource stop d1", ""),
    ("resource start d1", ""),
    ("resource restart d1", ""),
    ("node show", "pm01(1): member"),
    ("node standby pm02", ""),
    ("node online pm02", ""),
    ("node maintenance pm02", ""),
    ("node ready pm02", ""),
    ("node attribute pm01 set site east", ""),
    ("node attribute pm01 show site", "value=east"),
    ("node utilization pm01 set cpu 4", ""),
    ("ra list ocf pacemaker", "Dummy"),
    ("ra info ocf:pacemaker:Dummy", "Example stateless resource agent"),
    ("resource stop d1", ""),
    ("configure delete --force l2 d1", ""),
)


def crm(line):
    # crmsh 4.4.1 of Debian 12 ends with a NameError where cluster-glue's lrmadmin is a program: it is hidden.
    return xblab.run("pm01", "sh", "-c", "mkdir -p /var/log/crmsh && mount --bind /dev/null /usr/sbin/lrmadmin 2>/dev/null; "
                     f"PATH=/run/xbeat/shims:$PATH crm -F {line} </dev/null; code=$?; umount /usr/sbin/lrmadmin 2>/dev/null; exit $code",
                     check=False)


def run():
    if not pathlib.Path("/usr/sbin/crm").exists():
        raise scene.Skip("crmsh is not installed: scripts/setup")
    with scene.lab(scene.web()):
        scene.wait_served_by("pm01")
        for line, wanted in LINES:
            done = crm(line)
            text = done.stdout + done.stderr
            scene.expect_equal(done.returncode, 0, f"exit code of `crm {line}`: {text}")
            scene.expect(wanted in text and "Traceback" not in text and "ERROR" not in text,
                         f"`crm {line}` should say {wanted!r} and no error: {text!r}")
            cluster.wait_settled("pm01")
            if line.startswith("resource move"):
                scene.wait_served_by("pm02")
        # What the shell typed is what the cluster has.
        text = cluster.shell("pm02", "configure", "show").stdout
        for wanted in ("site=east", "cpu=4", "cluster-recheck-interval=5min", "failure-timeout=10min"):
            scene.expect(wanted in text, f"{wanted} is configured: {text}")
        scene.expect("d1" not in text and "l2" not in text, f"d1 and its constraint are gone: {text}")
        scene.expect_no_fencing()

"""A rule by date takes effect when its time comes, without anybody's doing."""
import datetime

import agents_lab
import scene
import xblab

QUICK = True


def run():
    # The lab's clock is the host's. Far enough away for the lab to be up before.
    moment = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=45)
    text = moment.strftime("%Y-%m-%d %H:%M:%SZ")
    body = f"""primitive d ocf:pacemaker:Dummy op monitor interval=10s
location d-first d 10: pm01
location d-later d rule 1000: date gt "{text}"  and #uname eq pm02
"""
    with agents_lab.lab(body):
        agents_lab.wait_idle()
        if datetime.datetime.now(datetime.timezone.utc) > moment - datetime.timedelta(seconds=5):
            raise scene.Skip("the machine was too slow: the moment had come before the lab was up")
        scene.expect_equal(scene.places("pm01", "d"), ["pm01"], "before the time")
        xblab.wait_until("d has moved to pm02", lambda: scene.places("pm01", "d") == ["pm02"], 90)
        scene.expect(datetime.datetime.now(datetime.timezone.utc) >= moment, "not before its time")

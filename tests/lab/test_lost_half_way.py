"""A host that dies or hangs in the middle of its audit passes nothing by what it said before."""

from __future__ import annotations

import threading
import time

from tests.lab.audit import audit
from tests.lab.host import LabHost
from tests.lab.lab import Lab

RECYCLE = "tcp-tw-recycle-disabled"


def test_a_host_that_dies_half_way_is_not_passed(lab: Lab, host: LabHost) -> None:
    def die() -> None:
        deadline = time.monotonic() + 120
        while "Starting session" not in host.sshd.log() and time.monotonic() < deadline:
            time.sleep(0.02)
        time.sleep(0.3)
        host.sshd.kill()

    death = threading.Thread(target=die)
    death.start()
    run = audit(lab, [host], "--window=60")
    death.join()
    assert run.one(host, "host-reachable").outcome == "failed"
    # It was under way, in the middle of the window: that its first half was clean proves nothing.
    others = [one for one in run.of(host) if one.rule != "host-reachable"]
    assert "accept-queue-not-overflowing" in {one.rule for one in others}
    assert "passed" not in {one.outcome for one in others}
    assert run.status == 1


def test_a_host_that_hangs_is_given_up_at_the_deadline(lab: Lab, host: LabHost) -> None:
    host.write_file("/usr/bin/uname", "#!/bin/sh\nexec sleep 600\n", 0o755)
    run = audit(lab, [host], "--window=0.2", "--command-timeout=2")
    assert run.seconds < 300
    assert "passed" not in {found.outcome for found in run.of(host, RECYCLE)}

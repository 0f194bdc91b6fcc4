"""S3: SYN cookies, the SYN queue, and the switch that proves an overflow."""

from __future__ import annotations

from tests.lab.cases.case import SHOP, LabCase, Scene, sysctl


def serve(scene: Scene) -> None:
    scene.restart()


CASES = [
    LabCase(
        name="no-syncookies",
        rule="tcp-syncookies-enabled",
        breaks=sysctl(net__ipv4__tcp_syncookies=0),
    ),
    LabCase(
        name="syncookies-always",
        rule="tcp-syncookies-enabled",
        breaks=sysctl(net__ipv4__tcp_syncookies=2),
    ),
    LabCase(
        name="short-syn-queue",
        rule="tcp-max-syn-backlog-covers-backlog",
        policy=SHOP,
        prepares=serve,
        # With cookies on, this kernel does not heed the setting.
        healthy="not-applicable",
        breaks=sysctl(net__ipv4__tcp_syncookies=0, net__ipv4__tcp_max_syn_backlog=128),
        also=frozenset({"tcp-syncookies-enabled"}),
        says="128",
    ),
    LabCase(
        name="abort-on-overflow",
        rule="tcp-abort-on-overflow-disabled",
        breaks=sysctl(net__ipv4__tcp_abort_on_overflow=1),
    ),
]

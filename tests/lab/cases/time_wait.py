"""S1.4: the settings that lock out clients behind a NAT, and the wrong cure for them."""

from __future__ import annotations

from tests.lab.cases.case import LabCase, Scene, sysctl

PERSISTED = "net.ipv4.tcp_tw_recycle = 1\n"


def recycle(scene: Scene) -> None:
    scene.host.write_file("/etc/sysctl.conf", PERSISTED)
    scene.host.write_file("/etc/sysctl.d/50-tuning.conf", PERSISTED)
    scene.host.fake_sysctl_directory(tcp_tw_recycle=1)


CASES = [
    LabCase(name="tw-recycle", rule="tcp-tw-recycle-disabled", breaks=recycle, says="NAT"),
    LabCase(
        name="tw-reuse",
        rule="tcp-tw-reuse-matches-policy",
        breaks=sysctl(net__ipv4__tcp_tw_reuse=1),
        says="tw_reuse: loopback",
    ),
    LabCase(
        name="tw-reuse-not-global",
        rule="tcp-tw-reuse-matches-policy",
        policy={"tw_reuse": "global"},
        prepares=sysctl(net__ipv4__tcp_tw_reuse=1),
        breaks=sysctl(net__ipv4__tcp_tw_reuse=2),
        says="tw_reuse: global",
    ),
    LabCase(
        name="no-timestamps",
        rule="tcp-timestamps-enabled",
        breaks=sysctl(net__ipv4__tcp_timestamps=0),
    ),
]

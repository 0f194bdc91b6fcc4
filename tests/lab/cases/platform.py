"""S3: SELinux and NetworkManager that are not what they were declared to be.

This kernel has neither: their files and systemctl's answer are put where the real ones lie.
"""

from __future__ import annotations

from tests.lab.cases.case import Act, LabCase, Scene

SYSTEMCTL = """#!/bin/sh
printf 'LoadState=loaded\\nActiveState={}\\nUnitFileState={}\\n'
"""


def with_selinux(scene: Scene) -> None:
    scene.host.shell("mount -t tmpfs tmpfs /sys/fs && mkdir /sys/fs/selinux")
    scene.host.write_file("/etc/selinux/config", "SELINUX=enforcing\nSELINUXTYPE=targeted\n")
    # The command line is the machine's, and may speak of SELinux.
    scene.host.write_file("/run/cmdline", "root=/dev/vda1 ro quiet\n")
    scene.host.shell("mount --bind /run/cmdline /proc/cmdline")
    setenforce("1")(scene)


def setenforce(value: str) -> Act:
    """What setenforce(8) does."""

    def act(scene: Scene) -> None:
        scene.host.shell('printf "$1" > /sys/fs/selinux/enforce', value)

    return act


def network_manager(active: str, enabled: str) -> Act:
    """A systemctl that answers so."""

    def act(scene: Scene) -> None:
        scene.host.write_file("/usr/bin/systemctl", SYSTEMCTL.format(active, enabled), 0o755)

    return act


CASES = [
    LabCase(
        name="setenforce-0",
        rule="selinux-matches-policy",
        policy={"selinux": "enforcing"},
        prepares=with_selinux,
        breaks=setenforce("0"),
        mends=setenforce("1"),
        says="SELinux now is permissive",
    ),
    LabCase(
        name="network-manager-back",
        rule="network-manager-matches-policy",
        policy={"network_manager": "inactive"},
        prepares=network_manager("inactive", "disabled"),
        breaks=network_manager("inactive", "enabled"),
        mends=network_manager("inactive", "disabled"),
        says="NetworkManager at boot is enabled",
    ),
]

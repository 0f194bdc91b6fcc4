"""S3: SELinux and NetworkManager that are not what they were declared to be.

This kernel has neither: their files and systemctl's answer are put where the real ones lie.
"""

from __future__ import annotations

from tests.lab.cases.case import Act, LabCase, Scene

# show tells the state, and enable or disable --now changes it, as the real one's do.
SYSTEMCTL = """#!/bin/sh
case "$1 $2" in
  "enable --now") printf 'active\\nenabled\\n' > /run/nm ;;
  "disable --now") printf 'inactive\\ndisabled\\n' > /run/nm ;;
  *) { read active; read enabled; } < /run/nm
    printf 'LoadState=loaded\\nActiveState=%s\\nUnitFileState=%s\\n' "$active" "$enabled" ;;
esac
"""
# What setenforce(8) does.
SETENFORCE = """#!/bin/sh
printf "$1" > /sys/fs/selinux/enforce
"""


def with_selinux(scene: Scene) -> None:
    scene.host.shell("mount -t tmpfs tmpfs /sys/fs && mkdir /sys/fs/selinux")
    scene.host.write_file("/etc/selinux/config", "SELINUX=enforcing\nSELINUXTYPE=targeted\n")
    # The command line is the machine's, and may speak of SELinux.
    scene.host.write_file("/run/cmdline", "root=/dev/vda1 ro quiet\n")
    scene.host.shell("mount --bind /run/cmdline /proc/cmdline")
    scene.host.write_file("/usr/sbin/setenforce", SETENFORCE, 0o755)
    scene.host.shell("setenforce 1")


def off_for_a_while(scene: Scene) -> None:
    scene.host.shell("setenforce 0")


def off_for_good(scene: Scene) -> None:
    off_for_a_while(scene)
    scene.host.write_file("/etc/selinux/config", "SELINUX=permissive\nSELINUXTYPE=targeted\n")


def network_manager(active: str, enabled: str) -> Act:
    """A systemctl that answers so, until it is told otherwise."""

    def act(scene: Scene) -> None:
        scene.host.write_file("/usr/bin/systemctl", SYSTEMCTL, 0o755)
        scene.host.write_file("/run/nm", f"{active}\n{enabled}\n")

    return act


CASES = [
    LabCase(
        name="setenforce-0",
        rule="selinux-matches-policy",
        policy={"selinux": "enforcing"},
        prepares=with_selinux,
        breaks=off_for_a_while,
        says="SELinux now is permissive",
    ),
    LabCase(
        name="permissive-for-good",
        rule="selinux-matches-policy",
        policy={"selinux": "enforcing"},
        prepares=with_selinux,
        breaks=off_for_good,
        says="SELinux after the next boot is permissive",
    ),
    LabCase(
        name="network-manager-back",
        rule="network-manager-matches-policy",
        policy={"network_manager": "inactive"},
        prepares=network_manager("inactive", "disabled"),
        breaks=network_manager("inactive", "enabled"),
        says="NetworkManager at boot is enabled",
    ),
    LabCase(
        name="network-manager-gone",
        rule="network-manager-matches-policy",
        policy={"network_manager": "active"},
        prepares=network_manager("active", "enabled"),
        breaks=network_manager("inactive", "disabled"),
        says="NetworkManager now is inactive",
    ),
]

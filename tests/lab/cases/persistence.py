"""A sysctl that was typed in during an incident: right until the next boot."""

from __future__ import annotations

from tests.lab.cases.case import LabCase, Scene, sysctl

RULE = "settings-persist"

# The machine that the lab runs on may be a container, and has files of its own.
BOOTS_ITSELF = """
rm -f /run/.containerenv
for one in /.dockerenv /proc/1/cgroup /proc/1/environ; do
  if [ -e $one ]; then mount --bind /dev/null $one; fi
done
for one in /etc/sysctl.d/*.conf /usr/lib/sysctl.d/*.conf /usr/local/lib/sysctl.d/*.conf; do
  [ $one = /etc/sysctl.d/10-lab.conf ] || rm -f $one
done
: > /etc/sysctl.conf
rm -f /etc/ufw/ufw.conf
"""


def boots_itself(scene: Scene) -> None:
    scene.host.shell(BOOTS_ITSELF)


def written_down_and_overruled(scene: Scene) -> None:
    """It was written down, but a file of a later name says otherwise."""
    sysctl(net__core__somaxconn=16384)(scene)
    scene.host.write_file("/etc/sysctl.d/50-shop.conf", "net.core.somaxconn = 16384\n")
    scene.host.write_file("/usr/lib/sysctl.d/60-vendor.conf", "net.core.somaxconn = 1024\n")


def written_down_elsewhere(scene: Scene) -> None:
    """A file that is applied after all others of sysctl.d says otherwise."""
    sysctl(net__core__somaxconn=16384)(scene)
    scene.host.write_file("/etc/sysctl.d/zz-last.conf", "net/core/somaxconn=1024 # of 2019\n")


CASES = [
    LabCase(
        name="typed-in",
        rule=RULE,
        item="net.core.somaxconn",
        policy={"min_somaxconn": 4096},
        prepares=boots_itself,
        breaks=sysctl(net__core__somaxconn=16384),
        says="lost at reboot: no file sets it",
    ),
    LabCase(
        name="overruled",
        rule=RULE,
        item="net.core.somaxconn",
        policy={"min_somaxconn": 4096},
        prepares=boots_itself,
        breaks=written_down_and_overruled,
        says="/usr/lib/sysctl.d/60-vendor.conf sets it to 1024",
    ),
    LabCase(
        name="overruled-by-the-last",
        rule=RULE,
        item="net.core.somaxconn",
        policy={"min_somaxconn": 4096},
        prepares=boots_itself,
        breaks=written_down_elsewhere,
        says="/etc/sysctl.d/zz-last.conf sets it to 1024",
    ),
]

"""The identity of a machine for the results, and the user id of the login."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from nethygiene.collect.command import Command
from nethygiene.collect.shell_file import sh_c
from nethygiene.engine.fact import Fact
from nethygiene.engine.lines import file_lines
from nethygiene.engine.outcomes import Reason, Unreadable
from nethygiene.engine.probe import Probe, Sections


@dataclass(frozen=True)
class Machine(Fact):
    """Identity of a host.

    Attributes:
        os: PRETTY_NAME of os-release, empty where there is none.
        boot_id: the kernel's id of this boot, empty where it could not be read.
        uptime: seconds since boot, None where it could not be read.
        uid: user id of the login, None where it could not be read.
    """

    os: str
    boot_id: str
    uptime: float | None
    uid: int | None


_LONGEST = 200  # characters of a name, which heads every report


def parse(sections: Sections) -> Machine | Unreadable:
    """Parse the user id on the first line, then ``grep -H ''`` of the files."""
    section = sections[MACHINE.name]
    if isinstance(section, Unreadable):
        return section
    first = section.stdout.split(b"\n", 1)[0]
    uid = int(first) if re.fullmatch(rb"\d{1,10}", first) else None
    os_names: dict[str, str] = {}
    boot_id = ""
    uptime: float | None = None
    for path, text in file_lines(section):
        if path.endswith("os-release"):
            name, equals, value = text.partition("=")
            if equals:
                os_names.setdefault(name, value.strip("\"'")[:_LONGEST])
        elif path.endswith("boot_id"):
            boot_id = text.strip()[:_LONGEST]
        elif path == "/proc/uptime" and (match := re.match(r"\d{1,15}\.\d{1,9}", text, re.ASCII)):
            uptime = float(match[0])
    if uid is None and not boot_id:
        return Unreadable(Reason.UNPARSABLE, MACHINE.shown, "no user id and no boot id")
    return Machine(os_names.get("PRETTY_NAME", ""), boot_id, uptime, uid)


MACHINE = Command(
    "machine",
    sh_c(Path(__file__).with_name("machine.sh")),
    small=True,
    title="id -u, /etc/os-release, /proc",
    holds="addresses",
)
PROBE = Probe("machine", 1, (MACHINE,), parse)

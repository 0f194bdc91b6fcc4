"""The running kernel: its name and release."""

from __future__ import annotations

import re
from dataclasses import dataclass

from nethygiene.collect.command import Command
from nethygiene.engine.fact import Fact
from nethygiene.engine.outcomes import Reason, Unreadable
from nethygiene.engine.probe import Probe, Sections, refused


@dataclass(frozen=True)
class Kernel(Fact):
    """The output of uname.

    Attributes:
        name: ``Linux`` on the hosts that rules judge.
        release: as ``5.14.0-427.el9.x86_64``.
        version: the first two numbers of the release, as ``(5, 14)``.
    """

    name: str
    release: str
    version: tuple[int, int]

    def is_at_least(self, major: int, minor: int) -> bool:
        """Whether this is Linux `major`.`minor` or later, by its release alone.

        Vendors backport single changes without raising these numbers: use it for changes that
        were made upstream, and name a vendor that is known to differ.
        """
        self.require()
        return self.version >= (major, minor)

    def require(self) -> None:
        """Record the release as read; an unreadable kernel ends the rule."""
        self.ledger.read("kernel", UNAME.shell, self.release)


def parse(sections: Sections) -> Kernel | Unreadable:
    """Parse ``uname -s -r``: one line, as ``Linux 6.1.0-18-amd64``."""
    section = sections[UNAME.name]
    if isinstance(section, Unreadable):
        return section
    if section.status != 0:
        return refused(UNAME, section)
    text = section.stdout.decode("utf-8", "replace").strip()
    match = re.fullmatch(r"(\S{1,80}) ((\d{1,4})\.(\d{1,4})\S{0,80})", text, re.ASCII)
    if match is None:
        return Unreadable(
            Reason.UNPARSABLE, UNAME.shell, f"not a name and a release: {text[:80]!r}"
        )
    return Kernel(match[1], match[2], (int(match[3]), int(match[4])))


UNAME = Command("kernel", "uname -s -r", small=True, holds="addresses")
PROBE = Probe("kernel", 1, (UNAME,), parse)

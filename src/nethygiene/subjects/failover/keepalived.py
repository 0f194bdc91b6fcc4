"""keepalived: the daemons that run on the host, and their VRRP instances."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from nethygiene.collect.command import Command
from nethygiene.collect.shell_file import awk_program, in_double_quotes, sh_c
from nethygiene.engine.fact import Fact
from nethygiene.engine.outcomes import Unreadable
from nethygiene.engine.probe import Probe, Sections, refused
from nethygiene.subjects.failover.keepalived_answer import Daemon, read_answer
from nethygiene.subjects.failover.keepalived_conf.configuration import Address, VrrpInstance

_HERE = Path(__file__).parent
DEFAULT = "/etc/keepalived/keepalived.conf"
TITLE = "keepalived.conf"


@dataclass(frozen=True)
class Keepalived(Fact):
    """What keepalived does on the host.

    Attributes:
        running: a keepalived runs in the host's own network namespace.
        _daemons: the daemons that run; without one, what the default file would have it do.
    """

    running: bool
    _daemons: Sequence[Daemon | Unreadable]

    @property
    def runs(self) -> bool:
        """Whether a keepalived runs in the host's own network namespace."""
        self.ledger.read("keepalived", "/proc/*/comm", "runs" if self.running else "does not run")
        return self.running

    @property
    def instances(self) -> tuple[VrrpInstance, ...]:
        """The VRRP instances of all daemons; without a daemon, those that are configured."""
        found: list[VrrpInstance] = []
        for daemon in self._daemons:
            if isinstance(daemon, Unreadable):
                self.ledger.cannot_read(daemon)
            names = ", ".join(instance.name for instance in daemon.instances)
            self.ledger.read("VRRP instances", daemon.path, names or "none")
            found += daemon.instances
        return tuple(found)

    def holding(self, address: Address) -> tuple[VrrpInstance, ...]:
        """The instances that hold an address while they are master."""
        return tuple(instance for instance in self.instances if instance.holds(address) is not None)

    def file_of(self, instance: VrrpInstance) -> str:
        """The file that the daemon of an instance was given; it may include others."""
        return next(
            (
                daemon.path
                for daemon in self._daemons
                if isinstance(daemon, Daemon) and instance in daemon.instances
            ),
            DEFAULT,
        )


def parse(sections: Sections) -> Keepalived | Unreadable:
    """Parse what runs, which files were read, and their lines."""
    section = sections[KEEPALIVED.name]
    if isinstance(section, Unreadable):
        return section
    text = section.stdout.decode("utf-8", "surrogateescape")
    if section.status != 0 or not text.endswith("\nend\n"):
        return refused(KEEPALIVED, section)
    answer = read_answer(text, TITLE, DEFAULT)
    if isinstance(answer, Unreadable):
        return answer
    return Keepalived(answer.running, answer.daemons)


KEEPALIVED = Command(
    "keepalived",
    sh_c(
        _HERE / "keepalived.sh",
        DEFAULT=DEFAULT,
        PROGRAM=in_double_quotes(awk_program(_HERE / "keepalived.awk")),
    ),
    title=TITLE,
    holds="keepalived",
)
PROBE = Probe("keepalived", 1, (KEEPALIVED,), parse)

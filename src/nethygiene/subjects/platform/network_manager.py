"""NetworkManager: whether it runs, and whether the boot starts it."""

from __future__ import annotations

from dataclasses import dataclass

from nethygiene.collect.command import Command
from nethygiene.engine.fact import Fact
from nethygiene.engine.outcomes import Unreadable
from nethygiene.engine.probe import Probe, Sections, read_listing


@dataclass(frozen=True)
class NetworkManager(Fact):
    """The unit NetworkManager.service, in systemd's words.

    Attributes:
        load_state: ``loaded``, ``masked``, ``not-found``…
        active_state: ``active``, ``inactive``, ``failed``…
        unit_file_state: ``enabled``, ``disabled``, ``masked``…; empty if there is no file.
    """

    load_state: str
    active_state: str
    unit_file_state: str

    @property
    def exists(self) -> bool:
        """Whether the unit exists."""
        self.ledger.read("LoadState", SHOW.shown, self.load_state)
        return self.load_state != "not-found"

    @property
    def state(self) -> str:
        """Whether it runs, as ``active`` or ``failed``."""
        self.ledger.read("ActiveState", SHOW.shown, self.active_state)
        return self.active_state

    @property
    def at_boot(self) -> str:
        """Whether the boot starts it, as ``enabled`` or ``masked``."""
        self.ledger.read("UnitFileState", SHOW.shown, self.unit_file_state)
        return self.unit_file_state


def parse(sections: Sections) -> NetworkManager | Unreadable:
    """Parse ``systemctl show``: lines of ``Name=value``."""
    return read_listing(sections[SHOW.name], SHOW, _unit)


def _unit(text: str) -> NetworkManager:
    lines = text.split("\n")
    values = {name: value for name, _, value in (line.partition("=") for line in lines)}
    if not values.get("LoadState") or not values.get("ActiveState"):
        raise ValueError(f"no LoadState and ActiveState: {lines!r:.120}")
    return NetworkManager(
        values["LoadState"], values["ActiveState"], values.get("UnitFileState", "")
    )


SHOW = Command(
    "network_manager",
    "systemctl show -p LoadState -p ActiveState -p UnitFileState NetworkManager.service",
    title="systemctl show NetworkManager",
    holds="addresses",
)
PROBE = Probe("network_manager", 1, (SHOW,), parse)

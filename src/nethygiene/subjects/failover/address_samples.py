"""The addresses of a host at both ends of the window: they may move while the audit looks."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from nethygiene.collect.command import Command
from nethygiene.collect.shell_file import sh_c
from nethygiene.engine.fact import Fact
from nethygiene.engine.outcomes import Reason, Unreadable
from nethygiene.engine.probe import Probe, Sections, read_listing
from nethygiene.subjects.links.ip.addresses import LinkAddress, parse_addresses
from nethygiene.subjects.links.ip.families import Address


@dataclass(frozen=True, slots=True)
class AddressSample:
    """The addresses at one moment.

    Attributes:
        addresses: those of all interfaces, both families.
        uptime: seconds since boot, None if not known.
        boot: the boot's id, empty if not known.
        namespace: the network namespace, as ``net:[4026531840]``, empty if not known.
    """

    addresses: tuple[LinkAddress, ...]
    uptime: float | None = None
    boot: str = ""
    namespace: str = ""

    def of(self, address: Address) -> tuple[LinkAddress, ...]:
        """Where the host has an address."""
        return tuple(has for has in self.addresses if has.interface.ip == address)


@dataclass(frozen=True, slots=True)
class Sightings:
    """Where a host has one address, at both ends of the window.

    Attributes:
        first: at its beginning; None without a window.
        last: at its end.
        seconds: between the two, 0 without a window.
        stack: which network stack was asked, empty if not known; two hosts of an inventory may be
            one.
    """

    first: tuple[LinkAddress, ...] | None
    last: tuple[LinkAddress, ...]
    seconds: float
    stack: str


@dataclass(frozen=True)
class AddressSamples(Fact):
    """Two samples of a host's addresses; the first is missing without a window."""

    _first: AddressSample | None
    _last: AddressSample

    def of(self, address: Address) -> Sightings:
        """Where the host has an address, at both ends of the window."""
        first, last = self._first, self._last
        seen = last.of(address)
        self.ledger.read(f"interfaces with {address}", ADDRESSES.shown, _listed(seen))
        if first is not None and (before := first.of(address)) != seen:
            self.ledger.read(f"the same before the window of {address}", "", _listed(before))
        seconds = 0.0
        if first is not None and first.uptime is not None and last.uptime is not None:
            seconds = max(0.0, last.uptime - first.uptime)
        stack = f"{last.boot} {last.namespace}" if last.boot and last.namespace else ""
        return Sightings(None if first is None else first.of(address), seen, seconds, stack)


def _listed(seen: tuple[LinkAddress, ...]) -> str:
    return ", ".join(has.link for has in seen) or "none"


def parse(sections: Sections) -> AddressSamples | Unreadable:
    """Parse the samples; without a window there is the last alone."""
    _, first_name, last_name = ADDRESSES.sections
    last = read_listing(sections[last_name], ADDRESSES, parse_sample)
    if isinstance(last, Unreadable):
        return last
    first = read_listing(sections[first_name], ADDRESSES, parse_sample)
    if not isinstance(first, Unreadable):
        return AddressSamples(first, last)
    return AddressSamples(None, last) if first.reason is Reason.NOT_COLLECTED else first


def parse_sample(text: str) -> AddressSample:
    """Read one sample.

    Raises:
        ValueError: a line is no address.
    """
    boot = re.search(rf"^{_BOOT_ID}:([0-9a-f-]{{36}})$", text, re.MULTILINE)
    uptime = re.search(r"^/proc/uptime:(\d{1,15}\.\d{1,9}) ", text, re.MULTILINE | re.ASCII)
    namespace = re.match(r"net:\[\d+\](?=\n)", text, re.ASCII)
    rows = [line for line in text.split("\n") if not line.startswith(("net:[", "/proc/"))]
    return AddressSample(
        parse_addresses("\n".join(rows)),
        float(uptime[1]) if uptime else None,
        boot[1] if boot else "",
        namespace[0] if namespace else "",
    )


_BOOT_ID = "/proc/sys/kernel/random/boot_id"
ADDRESSES = Command(
    "address_samples",
    sh_c(Path(__file__).with_name("address_samples.sh")),
    sampled=True,
    small=True,
    title="ip -o addr",
    holds="interfaces",
)
PROBE = Probe("address_samples", 1, (ADDRESSES,), parse)

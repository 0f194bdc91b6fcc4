"""Names of hosts and groups in a policy, replaced by the addresses that they stand for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, ip_network
from typing import Literal, TypeVar

from nethygiene.inventory.directory import Directory
from nethygiene.inventory.items import BlockedPort, FarEnd, Service, Upstream
from nethygiene.inventory.places import PlaceName, TargetName
from nethygiene.inventory.policy import Policy
from nethygiene.inventory.values import Address, Network

N = TypeVar("N", Network, Literal["any"] | Network)


@dataclass(frozen=True, slots=True)
class HostAddresses:
    """The addresses of one host.

    Attributes:
        addresses: all that it has for others, or the one that it is reached at.
        doubt: why these may not be all; empty if they are.
    """

    addresses: tuple[Address, ...]
    doubt: str = ""


def addressed(policy: Policy, directory: Directory, known: Mapping[str, HostAddresses]) -> Policy:
    """The policy with addresses in place of the names of hosts and groups.

    Args:
        policy: a policy after :meth:`Directory.linked`.
        directory: what its names stand for.
        known: the addresses of all hosts that it names.
    """
    stand_in = _StandIn(directory, known)
    return policy.instead(
        services={name: stand_in.service(item) for name, item in policy.services.items()},
        blocked_ports={port: stand_in.port(item) for port, item in policy.blocked_ports.items()},
        upstreams={name: stand_in.upstream(item) for name, item in policy.upstreams.items()},
    )


@dataclass(frozen=True, slots=True)
class _StandIn:
    directory: Directory
    known: Mapping[str, HostAddresses]

    def service(self, item: Service) -> Service:
        """A service whose clients are networks."""
        if not _names(item.allow_from) and not _names(item.deny_from):
            return item
        lists = {
            key: self._networks(getattr(item, key))
            for key in ("allow_from", "deny_from")
            if item.declares(key)
        }
        made = item.model_copy(update=lists)
        made._doubts = self._doubts(item.allow_from)  # noqa: SLF001 - part of the same model
        made._exempt = self._doubts(item.deny_from)  # noqa: SLF001 - see above
        return made

    def port(self, item: BlockedPort) -> BlockedPort:
        """A blocked port whose exceptions are networks."""
        if not _names(item.except_):
            return item
        made = item.model_copy(update={"except_": self._networks(item.except_)})
        made._exempt = self._doubts(item.except_)  # noqa: SLF001 - part of the same model
        return made

    def upstream(self, item: Upstream) -> Upstream:
        """An upstream that knows the addresses of its end."""
        if item.end is None:
            return item
        made = item.model_copy()
        if item.end.virtual is not None and item.to is not None:
            end, doubts = self._holder(item.to, item.end, item.end.virtual)
            made._end = end  # noqa: SLF001 - part of the same model
            made._doubts = doubts  # noqa: SLF001 - see above
            return made
        known = self.known[item.end.host]
        made._found = known.addresses  # noqa: SLF001 - part of the same model
        made._doubts = (known.doubt,) if known.doubt else ()  # noqa: SLF001 - see above
        return made

    def _holder(
        self, target: TargetName, end: FarEnd, virtual: Address
    ) -> tuple[FarEnd, tuple[str, ...]]:
        """The end of whoever holds a virtual address; an empty host if that is not one host."""
        members = self.directory.hosts_of(target.place)
        holders = [host for host in members if virtual in self.known[host].addresses]
        doubts = [self.known[host].doubt for host in members if host not in holders]
        if incomplete := self.directory.incomplete.get(target.virtual[1]):
            doubts.append(f"of group {target.virtual[1]}, {incomplete}")
        if len(holders) != 1:
            who = " and ".join(holders) if holders else f"no host of group {target.virtual[1]}"
            verb = "have" if holders else "has"
            doubts.insert(0, f"{who} {verb} {virtual}: see virtual-address-held-once")
            return end, tuple(filter(None, doubts))
        declared = self.directory.policies.get(holders[0])
        service = None if declared is None else declared.services.get(target.service)
        return FarEnd(holders[0], service, virtual), tuple(filter(None, doubts))

    def _networks(self, sources: Iterable[object]) -> tuple[object, ...]:
        networks: dict[object, None] = {}
        for source in sources:
            if not isinstance(source, PlaceName):
                networks[source] = None
                continue
            for host in self.directory.hosts_of(source):
                # Of 128 bits or 32: a host has no further address.
                networks.update((ip_network(ip), None) for ip in self.known[host].addresses)
        return tuple(networks)

    def _doubts(self, sources: Iterable[object]) -> tuple[str, ...]:
        doubts: dict[str, None] = {}
        for name in _names(sources):
            if incomplete := self.directory.incomplete.get(name):
                doubts[f"of group {name}, {incomplete}"] = None
            hosts = self.directory.hosts_of(name)
            doubts.update((self.known[host].doubt, None) for host in hosts)
        return tuple(filter(None, doubts))


def _names(sources: Iterable[object]) -> list[PlaceName]:
    return [source for source in sources if isinstance(source, PlaceName)]


def reached_at(address: str) -> tuple[Address, ...]:
    """The address of a connection, if it is one and no name; else nothing."""
    try:
        ip = ip_network(address).network_address
    except ValueError:
        return ()
    return (ip,) if isinstance(ip, IPv4Address) or ip.ipv4_mapped is None else (ip.ipv4_mapped,)

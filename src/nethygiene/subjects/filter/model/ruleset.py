"""The intermediate model of one family, into which nft's and iptables' rules are read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from functools import reduce
from operator import or_

from nethygiene.subjects.filter.model.address_types import AddressIs
from nethygiene.subjects.filter.model.addresses import Intervals
from nethygiene.subjects.filter.model.effects import Effect, PutInZone, PutOn, Untrack
from nethygiene.subjects.filter.model.fields import Field
from nethygiene.subjects.filter.model.masks import Masked
from nethygiene.subjects.filter.model.matches import AnyOf, In, Match
from nethygiene.subjects.filter.model.way_matches import ReversePath
from nethygiene.subjects.links.ip.families import Family


class Action(Enum):
    """What a rule does with a packet that matches."""

    ACCEPT = auto()
    DROP = auto()
    REJECT = auto()
    RETURN = auto()
    CONTINUE = auto()
    JUMP = auto()
    GOTO = auto()
    NAT = auto()
    UNDECIDED = auto()
    """It hands the packet to a program or to another device, so both ends are possible."""


class Hook(Enum):
    """Where the kernel asks base chains about a packet."""

    INGRESS = auto()
    BRIDGE_PREROUTING = auto()
    BRIDGE_INPUT = auto()
    BRIDGE_OUTPUT = auto()
    BRIDGE_POSTROUTING = auto()
    ARP_INPUT = auto()
    ARP_OUTPUT = auto()
    PREROUTING = auto()
    INPUT = auto()
    FORWARD = auto()
    OUTPUT = auto()
    POSTROUTING = auto()
    EGRESS = auto()


@dataclass(frozen=True, slots=True)
class NatTarget:
    """Where destination NAT takes a packet.

    Attributes:
        here: NAT takes it to the host itself (redirect).
        addresses: the possible addresses; None leaves the address.
        ports: the possible ports; None leaves the port.
        unknown: the part that is unknown; empty if nothing is.
        tproxy: a program of the host takes it, without NAT.
    """

    here: bool = False
    addresses: Intervals | None = None
    ports: Intervals | None = None
    unknown: str = ""
    tproxy: bool = False


@dataclass(frozen=True, slots=True)
class End:
    """The fields of the host's end of a packet, which differ from service to service."""

    port: Field
    fields: frozenset[Field]


_OF_CONNECTION = frozenset(
    {Field.ORIGINAL_DADDR, Field.ORIGINAL_DPORT, Field.REPLY_SADDR, Field.REPLY_SPORT}
)
COMING = End(Field.DPORT, frozenset({Field.DPORT, Field.DADDR, Field.ARP_DADDR}) | _OF_CONNECTION)
GOING = End(Field.SPORT, frozenset({Field.SPORT, Field.SADDR, Field.ARP_SADDR}) | _OF_CONNECTION)


@dataclass(frozen=True, slots=True)
class FilterRule:
    """One rule.

    Attributes:
        place: as ``ip filter INPUT``.
        text: the rule as its tool writes it.
        matches: its conditions, which all have to hold.
        action: its action then.
        chain: the chain that a jump or goto leads to.
        target: where NAT takes it.
        effects: its effects on the packet, before the action.
        bans: it belongs to a list of addresses that a program such as fail2ban keeps.
    """

    place: str
    text: str
    matches: tuple[Match, ...]
    action: Action
    chain: str = ""
    target: NatTarget | None = None
    effects: tuple[Effect, ...] = ()
    bans: bool = False

    def __str__(self) -> str:
        return f"{self.place}: {self.text}"

    def parts(self) -> Iterator[Match]:
        """Its matches, with the parts of alternatives."""
        return _apart(self.matches)

    @property
    def names_clients(self) -> bool:
        """Whether it names source addresses and is only for these."""
        return any(
            isinstance(match, In) and Field.SADDR in match.fields and not match.inverted
            for match in self.matches
        )

    def tells_services_apart(self, end: End) -> bool:
        """Whether its verdict may depend on the host's port or address."""
        matches = list(_apart(self.matches))
        if any(isinstance(match, AddressIs | ReversePath) for match in matches):
            return True
        fields = {field for match in matches if isinstance(match, In) for field in match.fields}
        fields |= {match.field for match in matches if isinstance(match, Masked)}
        return bool(fields & end.fields)

    def excluded_ports(self, end: End) -> frozenset[int] | None:
        """The few ports that a rule for all ports and destinations excepts; None for others."""
        ports: set[int] = set()
        for match in self.matches:
            if isinstance(match, In) and match.fields == (end.port,) and match.inverted:
                spans = [v for e in match.elements for v in e.values[0] if not isinstance(v, str)]
                if sum(high - low + 1 for low, high in spans) > 64:
                    return None
                ports.update(port for low, high in spans for port in range(low, high + 1))
            elif replace(self, matches=(match,)).tells_services_apart(end):
                return None
        return frozenset(ports)

    def ports(self, end: End) -> Intervals | None:
        """The only ports of the host that it may match; None for all."""
        for match in self.matches:
            if isinstance(match, In) and match.fields == (end.port,) and not match.inverted:
                values = [v for e in match.elements for v in e.values[0] if not isinstance(v, str)]
                return tuple(values)
        return None


def _apart(matches: Iterable[Match]) -> Iterator[Match]:
    for match in matches:
        if isinstance(match, AnyOf):
            yield from _apart(match.matches)
        else:
            yield match


@dataclass(frozen=True, slots=True)
class Chain:
    """A chain of rules."""

    place: str
    rules: tuple[FilterRule, ...]


@dataclass(frozen=True, slots=True)
class BaseChain:
    """A chain that the kernel asks.

    Attributes:
        chain: its rules.
        hook: the hook.
        priority: the kernel asks the lowest first.
        policy: the action for a packet that no rule decides.
        nat: it has type nat: connection tracking asks it, at its own priority, for new connections.
        table: the table to whose chains its rules may jump.
        devices: the interfaces of an ingress or egress chain; None if they are unknown.
        reroutes: it has type route: the kernel reroutes a packet whose mark it changes.
    """

    chain: Chain
    hook: Hook
    priority: int
    policy: Action
    nat: bool
    table: str
    devices: tuple[str, ...] | None = ()
    reroutes: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A table: chains that may jump to one another.

    Attributes:
        name: unique, as ``inet filter`` or ``legacy ip nat``.
        chains: by name.
        bases: the chains that the kernel asks.
    """

    name: str
    chains: Mapping[str, Chain]
    bases: tuple[BaseChain, ...]


@dataclass(frozen=True)
class Ruleset:
    """All tables that one family's packets meet."""

    family: Family
    tables: Mapping[str, Table]
    _bases: dict[Hook, tuple[BaseChain, ...]] = field(default_factory=dict, compare=False)
    _asked: set[Field] = field(default_factory=set, compare=False)
    _flags: list[int] = field(default_factory=list, compare=False)

    def bases(self, hook: Hook) -> tuple[BaseChain, ...]:
        """The base chains of a hook, in the order in which the kernel asks them.

        Of one priority, the chain that was registered last is asked first (nf_hook_entries_grow
        in net/netfilter/core.c; Linux 6.18); tables and chains are listed as they were made.
        """
        if not self._bases:
            bases = [base for table in self.tables.values() for base in table.bases][::-1]
            bases.sort(key=lambda base: base.priority)
            self._bases.update(dict.fromkeys(Hook, ()))
            for base in bases:
                self._bases[base.hook] += (base,)
        return self._bases[hook]

    def asks(self, fields: frozenset[Field]) -> bool:
        """Whether any rule looks at one of these fields."""
        if not self._asked:
            matches = [match for rule in self.rules() for match in _apart(rule.matches)]
            self._asked.update(
                field for each in matches if isinstance(each, In) for field in each.fields
            )
            self._asked.update(each.field for each in matches if isinstance(each, Masked))
            self._asked.add(Field.SADDR)  # and so it is not empty
            # A list on which a packet is put affects the next packet. So does a packet that
            # connection tracking has not seen: NAT may take the next packet for the first.
            telling = (PutInZone, PutOn, Untrack)
            if any(isinstance(effect, telling) for rule in self.rules() for effect in rule.effects):
                self._asked.add(Field.CT_STATE)
        return not self._asked.isdisjoint(fields)

    def asks_flags(self, bits: int) -> bool:
        """Whether any rule looks at one of these flags of TCP."""
        if not self._flags:
            matches = (match for rule in self.rules() for match in _apart(rule.matches))
            asked = (
                match.mask
                for match in matches
                if isinstance(match, Masked) and match.field is Field.TCP_FLAGS
            )
            self._flags.append(reduce(or_, asked, 0))
        return bool(self._flags[0] & bits)

    def rules(self) -> Iterator[FilterRule]:
        """Every rule."""
        for table in self.tables.values():
            for chain in table.chains.values():
                yield from chain.rules

    def client_sets(self) -> Iterator[Intervals]:
        """Every set of addresses that a rule distinguishes."""
        for rule in self.rules():
            for match in rule.matches:
                yield from match.client_sets(self.family)

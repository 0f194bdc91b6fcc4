"""Who holds a shared address, as far as the members were seen at the same time.

Hosts are read one after another, and the address may move between two of them. A host that has it
at both ends of its window has it in between; two hosts hold it for certain if such spans overlap.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from nethygiene.engine.each import Each, read_members
from nethygiene.engine.expect import unknown
from nethygiene.engine.matchers import Matcher
from nethygiene.engine.outcomes import Reason
from nethygiene.engine.subject import RoundTrip
from nethygiene.inventory.group_policy import VirtualAddress
from nethygiene.subjects.failover.address_samples import AddressSamples, Sightings
from nethygiene.subjects.failover.holding import Degree, Member, Stand
from nethygiene.subjects.kernel.sysctl import Sysctls
from nethygiene.subjects.links.interfaces import Interfaces


@dataclass(frozen=True, slots=True)
class SeenSpan:
    """A time in which a host was seen for certain, by the clock of the machine that audits."""

    begin: float
    end: float


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen of one member.

    Attributes:
        host: its name.
        first: how it stood to the address when the window began; None without a window.
        last: how it stood when the window was over.
        place: the interface on which it would hold the address; empty if it has none for it.
        stack: which network stack it is, empty if not known.
        span: between the two samples for certain; None if there is no such time.
    """

    host: str
    first: Stand | None
    last: Stand
    place: str
    stack: str
    span: SeenSpan | None

    @property
    def is_steady(self) -> bool:
        """Whether it stood alike at both ends of the window."""
        return self.first is None or self.first.degree == self.last.degree

    @property
    def has_it(self) -> bool:
        """Whether it holds the address or answers for it, at the end of the window at least."""
        return self.last.degree is not Degree.NOTHING

    def __str__(self) -> str:
        return f"{self.host} ({self.last.how})"


@dataclass(frozen=True, slots=True)
class HeldBy:
    """The members that hold the address at one time.

    Attributes:
        looks: them.
    """

    looks: tuple[Look, ...]

    def __str__(self) -> str:
        return f"held by {' and '.join(map(str, self.looks)) or 'no member'}"


def by_one_member() -> Matcher[HeldBy]:
    """One member holds it, and no other answers for it."""
    return Matcher("held by one member", lambda held: len(held.looks) == 1)


def told_apart(held: HeldBy, looks: Iterable[Look]) -> str:
    """The meaning of several holders, or of none."""
    if held.looks:
        return "neighbours send to the one whose answer came last"
    unused = [f"{look.host} has it on {look.last.how}" for look in looks if look.last.how]
    return "; ".join(["nobody serves it", *unused])


def looks_at(
    wanted: VirtualAddress,
    address_samples: Each[AddressSamples],
    interfaces: Each[Interfaces],
    sysctl: Each[Sysctls],
    round_trip: Each[RoundTrip],
) -> list[Look]:
    """What was seen of each member that was read."""

    def look(
        host: str,
        samples: AddressSamples,
        of_host: Interfaces,
        settings: Sysctls,
        trip: RoundTrip,
    ) -> Look:
        member = Member.of(wanted, of_host, settings)
        seen = samples.of(wanted.address)
        first = None if seen.first is None else member.stand(seen.first)
        last = member.stand(seen.last)
        return Look(
            host, first, last, next(iter(member.places), ""), seen.stack, span_of(trip, seen)
        )

    facts = (address_samples, interfaces, sysctl, round_trip)
    return list(read_members(look, *facts).values())


def span_of(round_trip: RoundTrip, sightings: Sightings) -> SeenSpan | None:
    """The time that lies between a host's two samples, wherever in the round trip these were.

    The first was taken `seconds` before the answer came, or earlier. The last was taken `seconds`
    after the script was sent, or later.
    """
    sent, received = round_trip.ends
    # A host that tells of a longer time than it was given is not believed.
    seconds = min(sightings.seconds, received - sent)
    begin, end = received - seconds, sent + seconds
    return SeenSpan(begin, end) if begin <= end and seconds > 0 else None


def held_by(looks: Iterable[Look], *, all_were_read: bool) -> HeldBy:
    """The members that hold the address; more than one if they do so at the same time.

    The rule ends as unknown if the members were not seen at the same time and this decides it, or
    if none has it and some member was not read.

    Args:
        looks: what was seen of each member that was read.
        all_were_read: no member was left out.
    """
    members = _distinct(looks)
    steady = [look for look in members if look.is_steady]
    having = [look for look in steady if look.has_it]
    holding = [look for look in having if look.last.degree is Degree.HOLDS]
    if holding and len(having) > 1:
        together = _together(having)
        if len(together) > 1:
            return HeldBy(together)
        _refuse_samples(having)
    if moving := [look.host for look in members if not look.is_steady]:
        unknown(f"the address moved while the audit looked at {' and '.join(moving)}: look again")
    if holding:
        return HeldBy((holding[0],))
    if not all_were_read:
        unknown(f"none of the {len(members)} members that were read has it")
    if len(_together(members)) < len(members):
        _refuse_samples(members)
    return HeldBy(())


def _distinct(looks: Iterable[Look]) -> list[Look]:
    """One look for each network stack: a host may stand in the inventory under two names."""
    stacks: dict[str, Look] = {}
    for look in looks:
        stacks.setdefault(look.stack or f"host {look.host}", look)
    return list(stacks.values())


def _together(looks: Collection[Look]) -> tuple[Look, ...]:
    """The most of them that were seen at one moment; none if there is no such moment."""
    groups = [
        tuple(
            other
            for other in looks
            if other.span is not None and other.span.begin <= look.span.begin <= other.span.end
        )
        for look in looks
        if look.span is not None
    ]
    return max(groups, key=len, default=())


def _refuse_samples(looks: Sequence[Look]) -> None:
    """End the rule: a failover between the looks would have shown the same."""
    having = [str(look) for look in looks if look.has_it]
    what = f"{' and '.join(having)} have it" if having else "no member has it"
    if any(look.first is None for look in looks):
        why = "one sample was taken of each, so that it may have moved in between: give --window"
        unknown(f"{what}, but {why}", Reason.NO_SECOND_SAMPLE)
    unknown(
        f"{what}, but they were read at different moments, and it may have moved in between: audit "
        "this group alone with --limit, or with a longer --window"
    )

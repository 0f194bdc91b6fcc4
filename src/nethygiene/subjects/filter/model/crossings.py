"""What becomes of one connection or datagram at a host, under its limits, lists and chance."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from nethygiene.subjects.filter.model.attempts import choices_of
from nethygiene.subjects.filter.model.choices import Choice
from nethygiene.subjects.filter.model.trace import Event, Trace
from nethygiene.subjects.filter.model.traced import TracedPacket
from nethygiene.subjects.links.ip.families import Family

Chosen = frozenset[tuple[Choice, bool]]
"""Conditions that go both ways, and which way they go."""
_MOST = 8


@dataclass(frozen=True, slots=True)
class Course:
    """What becomes of a connection, or of one datagram.

    Attributes:
        passed: its last packet, once for each way that it may pass; none if it is certainly lost.
        left: its first packet as it leaves the host or arrives at its socket, likewise.
        trace: what happened on the way.
    """

    passed: Sequence[TracedPacket]
    left: Sequence[TracedPacket]
    trace: Trace

    @property
    def passes(self) -> bool | None:
        """Whether it passes; None if that cannot be told."""
        if not self.passed:
            return False
        return None if self.trace.lost else True

    @property
    def loss(self) -> Event | None:
        """What loses it, perhaps; a certain loss goes first."""
        doubted = {id(rule) for _, rule in self.trace.doubts}
        sure = (event for event in self.trace.lost if id(event.rule) not in doubted)
        return next(sure, next(iter(self.trace.lost), None))

    @property
    def pass_by(self) -> Event | None:
        """The rule that lets it pass: of a chain that may keep packets out, and not its policy."""
        events = [event for event in self.trace.accepted if event.weight]
        return max(reversed(events), key=lambda event: event.weight, default=None)


def usual_course(follow: Callable[[Chosen], Course], family: Family) -> Course:
    """What usually happens, where limits, lists and chance decide.

    It is what happens while nobody is beyond a limit or on a list. It is lost if ordinary traffic
    is beyond a limit often that loses it then, and unknown if ordinary traffic may be.
    """
    course = follow(frozenset())
    if course.passes is not None:
        return course
    choices = tuple(dict.fromkeys(_choices(course.trace, family)))[:_MOST]
    if not choices:
        return course
    usual = follow(frozenset((choice, False) for choice in choices))
    if usual.passes is None:
        return usual
    met = [choice for choice in choices if choice.meets_clients is not False]
    for some in _some(met):
        busy = follow(frozenset((choice, choice in some) for choice in choices))
        if busy.passes is usual.passes:
            continue
        if busy.passes is False and all(choice.meets_clients for choice in some):
            return busy
        lost = usual if usual.passes is False else busy
        rules = [rule for _, rule in course.trace.doubts if some & set(choices_of(rule, family))]
        doubts = [*((1, rule) for rule in rules), *lost.trace.doubts]
        trace = replace(lost.trace, doubts=doubts)
        return Course(usual.passed or busy.passed, usual.left or busy.left, trace)
    return usual


def _choices(trace: Trace, family: Family) -> Iterator[Choice]:
    for _, rule in trace.doubts:
        yield from choices_of(rule, family)


def _some(choices: Sequence[Choice]) -> Iterator[frozenset[Choice]]:
    sizes: Iterable[int] = range(1, len(choices) + 1) if len(choices) <= 4 else (1, len(choices))
    for size in sizes:
        for some in combinations(choices, size):
            yield frozenset(some)

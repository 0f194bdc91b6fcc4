"""Results grouped as people read them: by rule, worst first, one cause on many hosts told once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from nethygiene.engine.exit_status import REACHABILITY
from nethygiene.engine.outcomes import Observation, Outcome, Reason
from nethygiene.engine.results import Result, RuleRecord, Run
from nethygiene.markup import merged, words


@dataclass(frozen=True, slots=True)
class Story:
    """What befell one or more hosts and items in the same way.

    Attributes:
        message: what is said of each of them.
        evidence: the observations that bear it out, those of a failure alone; of the first result,
            if results are not told apart by it.
        results: what it befell, at least one.
    """

    message: str
    evidence: tuple[Observation, ...]
    results: tuple[Result, ...]


@dataclass(frozen=True, slots=True)
class Cure:
    """A remedy, and the results that it mends.

    Attributes:
        remedy: its text, never empty.
        results: what it mends, at least one.
    """

    remedy: str
    results: tuple[Result, ...]


@dataclass(frozen=True, slots=True)
class RuleFindings:
    """All results of one outcome that one rule has.

    Attributes:
        rule: the rule.
        outcome: the outcome.
        results: them, in the run's order.
    """

    rule: RuleRecord
    outcome: Outcome
    results: tuple[Result, ...]

    @property
    def places(self) -> int:
        """On how many hosts and groups."""
        return len({one.where for one in self.results})

    @property
    def on(self) -> str:
        """The same in words."""
        return counted_places(self.results)

    def stories(self, *, by_evidence: bool = False) -> list[Story]:
        """Its stories, the most frequent first.

        Args:
            by_evidence: results of one message are two stories where what was looked at differs,
                for a report that shows it.
        """
        told: dict[object, list[Result]] = defaultdict(list)
        for one in self.results:
            evidence = failing_observations(one) if by_evidence else ()
            told[one.message, one.waiver, evidence].append(one)
        stories = [
            Story(many[0].message, failing_observations(many[0]), tuple(many))
            for many in told.values()
        ]
        return sorted(stories, key=lambda story: -len(story.results))

    def cures(self) -> list[Cure]:
        """The remedies of its results, the most frequent first: the finding's own, or the rule's.

        Hosts with the same one share it, and what the items of a host have in the same words is
        one remedy with the commands of all. There is none of a rule without any.
        """
        by_host: dict[tuple[object, ...], list[Result]] = defaultdict(list)
        for one in self.results:
            remedy = one.remedy or self.rule.remedy
            by_host[one.where, words(remedy) if one.remedy else remedy].append(one)
        mended: dict[str, list[Result]] = defaultdict(list)
        for many in by_host.values():
            remedies = list(dict.fromkeys(one.remedy or self.rule.remedy for one in many))
            mended[remedies[0] if len(remedies) == 1 else merged(remedies)] += many
        cures = [Cure(remedy, tuple(many)) for remedy, many in mended.items() if remedy]
        return sorted(cures, key=lambda cure: -len(cure.results))


def groups(run: Run, outcome: Outcome) -> list[RuleFindings]:
    """The groups of an outcome; host-reachable first, then the worst.

    Left out is what is unknown because its host was not read: see :func:`unread_results`.
    """
    rules = {rule.id: rule for rule in run.rules}
    found: dict[str, list[Result]] = defaultdict(list)
    for result in run.results:
        if result.outcome is outcome and result.reason is not Reason.UNREACHABLE:
            found[result.rule].append(result)
    made = [RuleFindings(rules[name], outcome, tuple(results)) for name, results in found.items()]
    return sorted(
        made,
        key=lambda one: (one.rule.id != REACHABILITY, -one.rule.severity.rank, one.rule.id),
    )


def unread_results(run: Run) -> list[Result]:
    """What is unknown for no other reason than that its host was not read, or not to the end."""
    return [one for one in run.results if one.reason is Reason.UNREACHABLE]


def failing_observations(result: Result) -> tuple[Observation, ...]:
    """The observations that a failure's message speaks of; all expectations if it names none."""
    if result.outcome not in {Outcome.FAILED, Outcome.WAIVED}:
        return ()
    judged = tuple(one for one in result.observations if one.expected is not None)
    return tuple(one for one in judged if sentence(one) in result.message) or judged


def sentence(observation: Observation) -> str:
    """How an expectation that is not met is told."""
    return f"{observation.what} is {observation.actual}, expected {observation.expected}"


def plural(count: int, noun: str) -> str:
    """``1 host``, ``1,000 hosts``."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def counted_places(results: Iterable[Result]) -> str:
    """``2 hosts``, ``1 group``, ``2 hosts and 1 group``."""
    places = {(one.host is None, one.where) for one in results}
    of_groups = sum(is_group for is_group, _ in places)
    counts = [(len(places) - of_groups, "host"), (of_groups, "group")]
    return " and ".join(plural(count, noun) for count, noun in counts if count) or "0 hosts"


def capped(names: Sequence[str], most: int) -> str:
    """Names in a row, the rest of them counted."""
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def subject(result: Result) -> str:
    """``web-1``, ``web-1 [shop]``, or ``group db``."""
    return result.where if result.item is None else f"{result.where} [{result.item}]"

"""Groups results for people: by rule, the worst first; one cause on many hosts is one story."""

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
    """One or more results with the same message.

    Attributes:
        message: the message.
        evidence: the observations of a failure; those of the first result, if results of different
            observations are one story.
        results: at least one.
    """

    message: str
    evidence: tuple[Observation, ...]
    results: tuple[Result, ...]


@dataclass(frozen=True, slots=True)
class Cure:
    """A remedy, and the results that it is for.

    Attributes:
        remedy: its text, never empty.
        results: at least one.
    """

    remedy: str
    results: tuple[Result, ...]


@dataclass(frozen=True, slots=True)
class RuleFindings:
    """All results of one rule that have one outcome.

    Attributes:
        rule: the rule.
        outcome: the outcome.
        results: in the run's order.
    """

    rule: RuleRecord
    outcome: Outcome
    results: tuple[Result, ...]

    @property
    def places(self) -> int:
        """The number of hosts and groups."""
        return len({result.where for result in self.results})

    @property
    def on(self) -> str:
        """The number of hosts and groups in words."""
        return counted_places(self.results)

    def stories(self, *, by_evidence: bool = False) -> list[Story]:
        """Its stories, the most frequent first.

        Args:
            by_evidence: results of one message and different observations are different stories,
                for a report that shows observations.
        """
        alike: dict[object, list[Result]] = defaultdict(list)
        for result in self.results:
            evidence = failing_observations(result) if by_evidence else ()
            alike[result.message, result.waiver, evidence].append(result)
        stories = [
            Story(many[0].message, failing_observations(many[0]), tuple(many))
            for many in alike.values()
        ]
        return sorted(stories, key=lambda story: -len(story.results))

    def cures(self) -> list[Cure]:
        """The remedies of its results, the most frequent first: the finding's own, or the rule's.

        Hosts with the same remedy share it. Remedies of a host's items in the same words are
        merged into one with the commands of all. A rule without remedies has no cures.
        """
        by_host: dict[tuple[object, ...], list[Result]] = defaultdict(list)
        for result in self.results:
            remedy = result.remedy or self.rule.remedy
            by_host[result.where, words(remedy) if result.remedy else remedy].append(result)
        by_remedy: dict[str, list[Result]] = defaultdict(list)
        for many in by_host.values():
            remedies = list(dict.fromkeys(result.remedy or self.rule.remedy for result in many))
            by_remedy[remedies[0] if len(remedies) == 1 else merged(remedies)] += many
        cures = [Cure(remedy, tuple(many)) for remedy, many in by_remedy.items() if remedy]
        return sorted(cures, key=lambda cure: -len(cure.results))


def groups(run: Run, outcome: Outcome) -> list[RuleFindings]:
    """The groups of an outcome; host-reachable first, then the worst.

    They leave out :func:`unread_results`.
    """
    rules = {rule.id: rule for rule in run.rules}
    by_rule: dict[str, list[Result]] = defaultdict(list)
    for result in run.results:
        if result.outcome is outcome and result.reason is not Reason.UNREACHABLE:
            by_rule[result.rule].append(result)
    order = sorted(
        (rules[name] for name in by_rule),
        key=lambda rule: (rule.id != REACHABILITY, -rule.severity.rank, rule.id),
    )
    return [RuleFindings(rule, outcome, tuple(by_rule[rule.id])) for rule in order]


def unread_results(run: Run) -> list[Result]:
    """The results that are unknown since their host, or a member of their group, was not read."""
    return [result for result in run.results if result.reason is Reason.UNREACHABLE]


def unread_places(results: Iterable[Result]) -> list[str]:
    """The hosts of such results; the groups, if no host has a result of its own."""
    results = list(results)
    hosts = sorted({result.host for result in results if result.host is not None})
    return hosts or sorted({result.where for result in results})


def and_of_groups(results: Iterable[Result]) -> str:
    """What follows "of hosts that were not read", if groups lack a member."""
    return ", and of their groups" if any(result.host is None for result in results) else ""


def failing_observations(result: Result) -> tuple[Observation, ...]:
    """The observations that a failure's message names, or all with an expectation."""
    if result.outcome not in {Outcome.FAILED, Outcome.WAIVED}:
        return ()
    judged = tuple(seen for seen in result.observations if seen.expected is not None)
    return tuple(seen for seen in judged if sentence(seen) in result.message) or judged


def looked_at(observation: Observation) -> str:
    """What an observation is about, with its host where that is not the result's own."""
    return (
        observation.what if observation.host is None else f"{observation.host}: {observation.what}"
    )


def sentence(observation: Observation) -> str:
    """The words of a message for an expectation that is not met."""
    what = looked_at(observation)
    return f"{what} is {observation.actual}, expected {observation.expected}"


def plural(count: int, noun: str) -> str:
    """``1 host``, ``1,000 hosts``."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def counted_places(results: Iterable[Result]) -> str:
    """``2 hosts``, ``1 group``, ``2 hosts and 1 group``."""
    places = {(result.host is None, result.where) for result in results}
    of_groups = sum(is_group for is_group, _ in places)
    counts = [(len(places) - of_groups, "host"), (of_groups, "group")]
    return " and ".join(plural(count, noun) for count, noun in counts if count) or "0 hosts"


def capped(names: Sequence[str], most: int) -> str:
    """Names in a row, with the number of those that are left out."""
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def subject(result: Result) -> str:
    """``web-1``, ``web-1 [shop]``, or ``group db``."""
    return result.where if result.item is None else f"{result.where} [{result.item}]"

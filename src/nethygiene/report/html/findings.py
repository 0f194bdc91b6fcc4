"""The findings of the page: a section for each outcome, with a group for each rule."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from nethygiene.engine.outcomes import Observation, Outcome, Reason
from nethygiene.engine.results import Result, RuleRecord, Run
from nethygiene.report.advice import ADVICE
from nethygiene.report.findings import (
    RuleFindings,
    Story,
    groups,
    sentence,
    unread_places,
    unread_results,
)
from nethygiene.report.html.markup import anchor
from nethygiene.report.html.matrix_data import waiver_text
from nethygiene.report.ways import HostOnWay, hops

# Beyond these the page says how many more there are, and links to them in the matrix.
_STORIES = 200
_CURES = 50

_SECTIONS = {
    Outcome.FAILED: ("failed", "Failed", ""),
    Outcome.UNKNOWN: (
        "unknown",
        "Could not be checked",
        "Unknown is no pass: what these rules look at could not be read, or does not decide it.",
    ),
    Outcome.WAIVED: (
        "waived",
        "Waived",
        (
            "These fail, and a waiver of the inventory accepts each until a day. Fix them before "
            "that day, or renew the waiver with its owner."
        ),
    ),
}
_UNKNOWN_COLUMNS = ("What could not be judged",)
_COLUMNS = ("Looked at", "Expected", "Found", "Read from")


@dataclass(frozen=True, slots=True)
class HostLink:
    """A host, its items in brackets, and the fragment of the address that opens it."""

    text: str
    fragment: str


@dataclass(frozen=True, slots=True)
class ShownStory:
    """A story as rows of a table.

    Attributes:
        hosts: the hosts of its results.
        evidence: the observations, a row each.
        note: what the message says beyond them.
        waiver: who accepts it; empty without a waiver.
        way: the hosts on the way of its first result's connection; none without one.
        more_ways: how many of its results have another way.
    """

    hosts: Sequence[HostLink]
    evidence: Sequence[Observation]
    note: str
    waiver: str
    way: Sequence[HostOnWay] = ()
    more_ways: int = 0

    @property
    def has_note(self) -> bool:
        """Whether there is a row below the observations; a story without any has this row."""
        return bool(self.note or self.waiver or self.way or not self.evidence)


@dataclass(frozen=True, slots=True)
class ShownRemedy:
    """A remedy, and its hosts; no hosts if it is for all."""

    text: str
    hosts: Sequence[HostLink]


@dataclass(frozen=True, slots=True)
class ShownGroup:
    """One rule's results of one outcome.

    Attributes:
        rule: the rule.
        is_addressed: the rule's address opens this group.
        places: the number of hosts and groups.
        on: the same in words.
        results: the number of results.
        columns: the heads of the table.
        stories: the shown stories.
        more_results: the number of results that the stories leave out.
        advice: what to do about an unknown, by reason.
        remedies: the shown remedies.
        more_remedied: the number of results that the remedies leave out.
    """

    rule: RuleRecord
    is_addressed: bool
    places: int
    on: str
    results: int
    columns: Sequence[str]
    stories: Sequence[ShownStory]
    more_results: int
    advice: Sequence[tuple[str, str]]
    remedies: Sequence[ShownRemedy]
    more_remedied: int


@dataclass(frozen=True, slots=True)
class Unread:
    """The results that are unknown since their host was not read."""

    results: int
    rules: int
    hosts: Sequence[HostLink]
    advice: str


@dataclass(frozen=True, slots=True)
class PageSection:
    """All results of one outcome.

    Attributes:
        key: the outcome, which is the section's address.
        title: its heading.
        lead: what the outcome means; may be empty.
        count: the number of results.
        unread: the results of hosts that were not read; None without any.
        groups: the other results.
    """

    key: str
    title: str
    lead: str
    count: int
    unread: Unread | None
    groups: Sequence[ShownGroup]


def sections(run: Run) -> Iterator[PageSection]:
    """Sections for failed, unknown and waived results; outcomes without results have none."""
    # The address of a rule that both failed and is unknown opens the failures.
    addressed: set[str] = set()
    for outcome, (key, title, lead) in _SECTIONS.items():
        findings = groups(run, outcome)
        unread = unread_results(run) if outcome is Outcome.UNKNOWN else []
        if not findings and not unread:
            continue
        shown = [_group(group, is_addressed=group.rule.id not in addressed) for group in findings]
        addressed.update(group.rule.id for group in findings)
        count = sum(len(group.results) for group in findings) + len(unread)
        yield PageSection(key, title, lead, count, _unread(unread) if unread else None, shown)


def _unread(results: Sequence[Result]) -> Unread:
    names = unread_places(results)
    return Unread(
        results=len(results),
        rules=len({result.rule for result in results}),
        hosts=[HostLink(name, anchor("host", name)) for name in names],
        advice=ADVICE[Reason.UNREACHABLE],
    )


def _group(group: RuleFindings, *, is_addressed: bool) -> ShownGroup:
    is_unknown = group.outcome is Outcome.UNKNOWN
    stories = group.stories(by_evidence=True)
    cures = [] if is_unknown else group.cures()
    reasons = sorted({result.reason for result in group.results if result.reason in ADVICE})
    return ShownGroup(
        rule=group.rule,
        is_addressed=is_addressed,
        places=group.places,
        on=group.on,
        results=len(group.results),
        columns=(_places(group.results), *(_UNKNOWN_COLUMNS if is_unknown else _COLUMNS)),
        stories=[_story(story) for story in stories[:_STORIES]],
        more_results=sum(len(story.results) for story in stories[_STORIES:]),
        advice=[(reason, ADVICE[reason]) for reason in reasons] if is_unknown else [],
        remedies=[
            ShownRemedy(cure.remedy, _links(cure.results) if len(cures) > 1 else ())
            for cure in cures[:_CURES]
        ],
        more_remedied=sum(len(cure.results) for cure in cures[_CURES:]),
    )


def _story(story: Story) -> ShownStory:
    """A story; its note is the message without the sentences that observations show."""
    pieces = [story.message]
    for words in map(sentence, story.evidence):
        at = next((index for index, piece in enumerate(pieces) if words in piece), None)
        if at is not None:
            pieces[at : at + 1] = pieces[at].split(words, 1)
    # Observations of one kind end in one hint.
    distinct = dict.fromkeys(piece.strip(" ;:") for piece in pieces)
    note = "; ".join(filter(None, distinct))
    first, ways = story.results[0], {hops(result) for result in story.results}
    links, waiver = _links(story.results), waiver_text(first)
    return ShownStory(links, story.evidence, note, waiver, hops(first), len(ways) - 1)


def _links(results: Sequence[Result]) -> list[HostLink]:
    """A link for each host, with the items in brackets."""
    ordered = sorted(results, key=lambda result: result.where)
    links = []
    for host, group in groupby(ordered, key=lambda result: result.where):
        of_host = list(group)
        items = ", ".join(result.item for result in of_host if result.item is not None)
        text = f"{host} [{items}]" if items else host
        links.append(HostLink(text, anchor("cell", host, of_host[0].rule)))
    return links


def _places(results: Iterable[Result]) -> str:
    """What a card's results are of: hosts, groups of hosts, or both."""
    kinds = dict.fromkeys("Host" if result.host is not None else "Group" for result in results)
    return " or ".join(kinds).capitalize()

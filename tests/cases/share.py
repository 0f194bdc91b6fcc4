"""Chooses what each host in ``tests/hosts/`` holds: the answers with which its cases are shortest.

::

    .venv/bin/python -m tests.cases.share

No case says anything else afterwards: their files are written anew, and compared. It is run when
cases were recorded anew, or a case was put on a host. A new host begins as a file without sections.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cache

from nethygiene.transcript import Section
from tests.cases.case import Case, case_paths, load_case
from tests.cases.hosts import HOSTS, host_path, load_host
from tests.cases.writing import head_of, sections_as_yaml

# More answers than these are hardly ever worth to be asked for how near they are to the others.
_CANDIDATES = 12


def shared(cases: Sequence[Mapping[str, Section]]) -> dict[str, Section]:
    """The sections that make the sum of lines least, of the host and of its cases together."""
    chosen = {}
    for name in sorted({name for sections in cases for name in sections}):
        uses = Counter(sections[name] for sections in cases if name in sections)
        alone = sum(_lines(one) * count for one, count in uses.items())
        costs = {
            one: _lines(one) + sum(_nearness(one, other) * n for other, n in uses.items())
            for one, _ in uses.most_common(_CANDIDATES)
        }
        least = min(costs, key=lambda one: costs[one])
        if costs[least] < alone:
            chosen[name] = least
    return chosen


@cache
def _lines(section: Section) -> int:
    return 1 + section.stdout.count(b"\n") + section.stderr.count(b"\n")


@cache
def _counted(section: Section) -> Counter[bytes]:
    return Counter(section.stdout.split(b"\n"))


@cache
def _nearness(host: Section, section: Section) -> int:
    """About how many lines a case needs for a section of which the host has another."""
    if host == section:
        return 0
    before, after = _counted(host), _counted(section)
    different = (before - after).total() + (after - before).total()
    stderr = section.stderr.count(b"\n") + 1 if host.stderr != section.stderr else 0
    return min(_lines(section), 2 + different + stderr)


def write_host(name: str, sections: Mapping[str, Section]) -> None:
    """Give a host these sections."""
    path = host_path(name)
    path.write_text(head_of(path.read_text("utf-8")) + sections_as_yaml(sections), "utf-8")


def write_case(case: Case) -> None:
    """Write a case's sections as its host, as it is by now, leaves them to be said."""
    host = load_host(case.file.host) if case.file.host else None
    text = head_of(case.path.read_text("utf-8"))
    sections = case.transcript().sections
    case.path.write_text(text + sections_as_yaml(sections, host), "utf-8")
    assert load_case(case.path).file == case.file, f"{case.path} does not say what it said"


def share(cases: Iterable[Case]) -> None:
    """Choose the sections of every host anew, and write all cases by them."""
    cases = list(cases)
    for path in sorted(HOSTS.glob("*.yaml")):
        its = [case.transcript().sections for case in cases if case.file.host == path.stem]
        write_host(path.stem, shared(its))
    load_host.cache_clear()
    for case in cases:
        write_case(case)


if __name__ == "__main__":
    share([load_case(path) for path in case_paths()])

"""Where a case's verdicts are not what the case expects."""

from __future__ import annotations

from collections.abc import Iterable

from nethygiene.engine.decision import Verdict
from tests.cases.case import Case, Expected


def mismatches(case: Case) -> list[str]:
    """One line for each difference; empty where all is as expected."""
    return mismatches_of(case.verdicts(), case.file.expect)


def mismatches_of(judged: Iterable[Verdict], wanted_ones: Iterable[Expected]) -> list[str]:
    """One line for each difference between verdicts and what is expected of them."""
    verdicts = {verdict.item: verdict for verdict in judged}
    expected = {one.item: one for one in wanted_ones}
    lines = [f"no verdict for item {item!r}" for item in expected.keys() - verdicts.keys()]
    for item, verdict in verdicts.items():
        wanted = expected.get(item)
        if wanted is None:
            lines.append(f"not expected: {_shown(verdict)}")
        elif wrong := _wrong(wanted, verdict):
            lines.append(f"{wrong}: {_shown(verdict)}")
    return lines


def _wrong(wanted: Expected, verdict: Verdict) -> str:
    if verdict.outcome is not wanted.outcome:
        return f"expected {wanted.outcome}"
    if verdict.reason is not wanted.reason:
        return f"expected the reason {wanted.reason}"
    said = [verdict.message, *(f"{one.what}: {one.actual}" for one in verdict.observations)]
    missing = [text for text in wanted.contains if not any(text in line for line in said)]
    return f"nothing says {missing}" if missing else ""


def _shown(verdict: Verdict) -> str:
    reason = f" ({verdict.reason})" if verdict.reason else ""
    return f"item {verdict.item!r} is {verdict.outcome}{reason}: {verdict.message}"

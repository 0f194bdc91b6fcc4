"""The verdict of one evaluation: the only place where an outcome is decided."""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from nethygiene.engine.expect import NotApplicableError
from nethygiene.engine.ledger import Ledger
from nethygiene.engine.outcomes import Observation, Outcome, Reason, Unreadable
from nethygiene.markup import joined

# Caps on text whose size a host controls, so that every report stays readable and opens.
_MOST_SENTENCES = 100
_MOST_OBSERVATIONS = 1_000
_MOST_REMEDIES = 20
_MOST_NAMES = 10
_LONGEST = 10_000  # characters


@dataclass(frozen=True, slots=True)
class Verdict:
    """The verdict of a rule for one host and item.

    Attributes:
        item: name of the declared or found item, None for the host itself.
        outcome: never WAIVED: waivers are applied to verdicts later.
        reason: why it is unknown or not applicable, None otherwise.
        message: one line for people: the offending values, or what is missing.
        observations: all that the rule looked at.
        traceback: that of the rule's own bug, if it crashed.
        remedy: the remedy of this failure; empty for the rule's general remedy.
    """

    item: str | None
    outcome: Outcome
    reason: Reason | None
    message: str
    observations: tuple[Observation, ...]
    traceback: str | None = None
    remedy: str = ""


def decide(
    ledger: Ledger,
    item: str | None,
    *,
    crash: BaseException | None = None,
    inapplicable: NotApplicableError | None = None,
    judged_nothing: str | None = None,
    general_remedy: str = "",
) -> Verdict:
    """The verdict of one evaluation. A failure decides first, then a crash, then unreadable facts.

    Args:
        ledger: the reads and expectations.
        item: name of the judged item, None for the host itself.
        crash: the bug that ended the rule, if one did.
        inapplicable: why there was nothing to judge, if there was nothing.
        judged_nothing: the message for a ledger without expectations; None accepts such a ledger.
        general_remedy: the rule's own, for failures without a remedy beside failures with one.
    """
    ledger.close()
    seen = _shown(ledger.observations)
    missing = _joined(list(_missing(ledger.unreadable)))
    if ledger.failures:
        message = _joined(ledger.failures)
        message += f"; also unknown: {missing}" if missing else ""
        remedy = _remedy(ledger, general_remedy)
        return Verdict(item, Outcome.FAILED, None, message, seen, _trace(crash), remedy)
    if crash is not None:
        message = _cut(f"the rule itself crashed: {type(crash).__name__}: {crash}")
        return Verdict(item, Outcome.UNKNOWN, Reason.RULE_CRASHED, message, seen, _trace(crash))
    if ledger.unreadable:
        return Verdict(item, Outcome.UNKNOWN, ledger.unreadable[0].reason, missing, seen)
    if inapplicable is not None:
        return Verdict(item, Outcome.NOT_APPLICABLE, inapplicable.reason, inapplicable.why, seen)
    if judged_nothing is not None:
        return Verdict(item, Outcome.UNKNOWN, Reason.NOTHING_CHECKED, judged_nothing, seen)
    return Verdict(item, Outcome.PASSED, None, "", seen)


def _missing(unreadable: Sequence[Unreadable]) -> Iterator[str]:
    """What is unreadable; the hosts of a group that were not read share a sentence."""
    unread: dict[str, list[str]] = {}
    for thing in unreadable:
        if thing.reason is Reason.UNREACHABLE and thing.source:
            unread.setdefault(thing.detail, []).append(thing.source)
        else:
            yield str(thing)
    for detail, sources in unread.items():
        more = len(sources) - _MOST_NAMES
        named = ", ".join(sources[:_MOST_NAMES]) + (f" and {more:,} more" if more > 0 else "")
        yield f"{named}: {detail}"


def _joined(sentences: Sequence[str]) -> str:
    """A message, cut: the hundred thousand sockets of a host must not fill the terminal."""
    more = len(sentences) - _MOST_SENTENCES
    text = _cut("; ".join(sentences[:_MOST_SENTENCES]))
    return f"{text}; and {more:,} more" if more > 0 else text


def _remedy(ledger: Ledger, general: str) -> str:
    if not any(ledger.remedies):
        return ""
    # Each is a paragraph of its own: a blank line ends a block of commands.
    distinct = joined(remedy or general for remedy in ledger.remedies)
    more = len(distinct) - _MOST_REMEDIES
    rest = [f"The {more:,} further failures have similar remedies."] if more > 0 else []
    return "\n\n".join([*filter(None, distinct[:_MOST_REMEDIES]), *rest])


def _shown(observations: Sequence[Observation]) -> tuple[Observation, ...]:
    shown = tuple(
        seen
        if len(seen.what) + len(seen.actual) <= _LONGEST
        else replace(seen, what=_cut(seen.what), actual=_cut(seen.actual))
        for seen in observations[:_MOST_OBSERVATIONS]
    )
    more = len(observations) - len(shown)
    left_out = Observation("further observations", "", None, f"{more:,}, left out here")
    return (*shown, left_out) if more else shown


def _cut(text: str) -> str:
    more = len(text) - _LONGEST
    return f"{text[:_LONGEST]}… ({more:,} more characters)" if more > 0 else text


def _trace(crash: BaseException | None) -> str | None:
    return None if crash is None else "".join(traceback.format_exception(crash, limit=-6))

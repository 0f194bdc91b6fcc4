"""`expect`, and the two ways in which a rule says that it has no verdict."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import NoReturn, TypeVar

from nethygiene.engine.ledger import Ledger, UnreadableFactError
from nethygiene.engine.matchers import Matcher
from nethygiene.engine.outcomes import Reason, Unreadable

# So that unknown() is remembered where a rule swallows its exception.
judged_by: ContextVar[Ledger | None] = ContextVar("judged_by", default=None)

T = TypeVar("T")
Words = str | Callable[[], str]


class Expect:
    """Judges values, and records what was judged. One for each evaluation of a rule."""

    __slots__ = ("_ledger",)

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def __call__(
        self, what: str, actual: T, matcher: Matcher[T], hint: Words = "", remedy: Words = ""
    ) -> bool:
        """Expect `actual` to satisfy `matcher`; the rule goes on either way.

        Args:
            what: the name of what is judged, as ``net.core.somaxconn``.
            actual: what was found. None is shown as "absent".
            matcher: what is expected.
            hint: said with a failure: what this value means, or what to do about it; a function
                where it takes further facts, for then it is asked on failure alone.
            remedy: what mends this very failure, with the host's own numbers and names, in the
                markup of a docstring's ``Remedy:``; or a function, as for `hint`, which gives ""
                where the rule's general remedy is all that can be said.

        Returns:
            Whether it was as expected.
        """
        try:
            good = matcher.accepts(actual)
        except Exception as error:
            # Whatever the rule does with it: what could not be judged must not be lost.
            detail = f"the expectation of {what} crashed: {type(error).__name__}: {error}"
            self._ledger.note_unreadable(Unreadable(Reason.RULE_CRASHED, "", detail))
            raise
        shown = "absent" if actual is None else str(actual)
        if good:
            self._ledger.expect(what, matcher.description, shown, None)
            return True
        failure = f"{what} is {shown}, expected {matcher.description}"
        said, crash = _said(hint, "hint")
        # What a remedy reads on its way is neither evidence nor missing from the verdict.
        with self._ledger.aside():
            mending, crashed_too = _said(remedy, "remedy")
        told = " ".join(one for one in (said, crash, crashed_too) if one)
        failure += f": {told}" if told else ""
        self._ledger.expect(what, matcher.description, shown, failure, mending)
        return False


def _said(words: Words, kind: str) -> tuple[str, str]:
    """What a hint or remedy says, and how it crashed: no bug of it takes the failure away."""
    if isinstance(words, str):
        return words, ""
    try:
        return words(), ""
    except UnreadableFactError:
        return "", ""  # of a hint, the ledger has it
    except Exception as error:  # noqa: BLE001 - see above
        return "", f"(its {kind} crashed: {type(error).__name__}: {error})"


class NotApplicableError(Exception):
    """Ends a rule that has nothing to judge here."""

    def __init__(self, why: str, reason: Reason) -> None:
        self.why = why
        self.reason = reason
        super().__init__(why)


def not_applicable(why: str, reason: Reason = Reason.NOT_THIS_HOST) -> NoReturn:
    """End the rule as not applicable.

    Args:
        why: one line for people.
        reason: the code in the results file.

    Raises:
        NotApplicableError: always.
    """
    raise NotApplicableError(why, reason)


def unknown(why: str, reason: Reason = Reason.UNDECIDABLE) -> NoReturn:
    """End the rule as unknown: the facts were read, but do not decide the question.

    Args:
        why: one line for people, naming what would decide it.
        reason: the code in the results file.

    Raises:
        UnreadableFactError: always.
    """
    undecided = Unreadable(reason, "", why)
    ledger = judged_by.get()
    if ledger is not None:
        ledger.note_unreadable(undecided)
    raise UnreadableFactError(undecided)

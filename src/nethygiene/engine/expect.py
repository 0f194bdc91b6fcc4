"""`expect`, and the two ways by which a rule ends without a verdict."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import NoReturn, TypeVar

from nethygiene.engine.ledger import Ledger, UnreadableFactError
from nethygiene.engine.matchers import Matcher
from nethygiene.engine.outcomes import Reason, Unreadable

# The ledger remembers unknown(), even if the rule swallows its exception.
judged_by: ContextVar[Ledger | None] = ContextVar("judged_by", default=None)

T = TypeVar("T")
Words = str | Callable[[], str]


class Expect:
    """Judges values, and records them. Each evaluation of a rule has its own."""

    __slots__ = ("_ledger",)

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def __call__(
        self,
        what: str,
        actual: T,
        matcher: Matcher[T],
        hint: Words = "",
        remedy: Words = "",
        *,
        host: str | None = None,
    ) -> bool:
        """Expect `actual` to satisfy `matcher`; the rule goes on either way.

        Args:
            what: the name of what is judged, as ``net.core.somaxconn``.
            actual: the value. None is shown as "absent".
            matcher: the expectation.
            hint: follows the failure: what this value means, or what to do about it. A function,
                which may read further facts, is called on failure alone.
            remedy: the remedy of this failure, with the host's own numbers and names, in the
                markup of a docstring's ``Remedy:``; or a function, as for `hint`. An empty one
                leaves it to the rule's general remedy.
            host: the host where it was looked at, in a rule of scope `ends`: such expectations in
                their order are the way of a connection.

        Returns:
            Whether the value is as expected.
        """
        try:
            good = matcher.accepts(actual)
        except Exception as error:
            # The rule may swallow the exception, but the ledger keeps that this was not judged.
            detail = f"the expectation of {what} crashed: {type(error).__name__}: {error}"
            self._ledger.note_unreadable(Unreadable(Reason.RULE_CRASHED, "", detail))
            raise
        shown = "absent" if actual is None else str(actual)
        if good:
            self._ledger.expect(what, matcher.description, shown, None, host=host)
            return True
        where = "" if host is None else f"{host}: "
        failure = f"{where}{what} is {shown}, expected {matcher.description}"
        said, crash = _said(hint, "hint")
        # The reads of a remedy are no evidence, and an unreadable fact there changes no verdict.
        with self._ledger.aside():
            own_remedy, remedy_crash = _said(remedy, "remedy")
        remarks = " ".join(filter(None, (said, crash, remedy_crash)))
        failure += f": {remarks}" if remarks else ""
        self._ledger.expect(what, matcher.description, shown, failure, own_remedy, host)
        return False


def _said(words: Words, kind: str) -> tuple[str, str]:
    """The text of a hint or remedy, and how it crashed: its bug must not hide the failure."""
    if isinstance(words, str):
        return words, ""
    try:
        return words(), ""
    except UnreadableFactError:
        return "", ""  # the ledger has it, if it is a hint's
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
    """End the rule as unknown: its facts do not decide the question.

    Args:
        why: one line for people, which names what would decide it.
        reason: the code in the results file.

    Raises:
        UnreadableFactError: always.
    """
    undecided = Unreadable(reason, "", why)
    ledger = judged_by.get()
    if ledger is not None:
        ledger.note_unreadable(undecided)
    raise UnreadableFactError(undecided)


def doubt(why: str, reason: Reason = Reason.UNDECIDABLE) -> None:
    """Go on, though the facts leave something open: the rule passes nothing then.

    Args:
        why: one line for people.
        reason: the code in the results file.
    """
    ledger = judged_by.get()
    if ledger is not None:
        ledger.note_unreadable(Unreadable(reason, "", why))

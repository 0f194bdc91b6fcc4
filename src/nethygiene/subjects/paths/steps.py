"""Steps on the way of a connection: what one component of one host does with it."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass

from nethygiene.engine.matchers import Matcher


@dataclass(frozen=True, slots=True)
class Step:
    """What a component does with a connection.

    Attributes:
        host: where.
        what: the component, as ``forward filter``, or what comes to it.
        told: its state, in words.
        passes: whether it lets the connection through.
        expected: the state that would.
        hint: what a refusal means, or what to do about it.
        remedy: how to have it let through; a text, or a function that is called on refusal.
    """

    host: str
    what: str
    told: str
    passes: bool = True
    expected: str = "let through"
    hint: str = ""
    remedy: str | Callable[[], str] = ""

    def __str__(self) -> str:
        return self.told


def as_expected(step: Step) -> Matcher[Step]:
    """The expectation of a step."""
    return Matcher(step.expected, lambda actual: actual.passes)


def until_refused(steps: Iterable[Step]) -> Generator[Step, None, bool]:
    """The steps up to the first that refuses, and with it; returns whether all let through."""
    for step in steps:
        yield step
        if not step.passes:
            return False
    return True

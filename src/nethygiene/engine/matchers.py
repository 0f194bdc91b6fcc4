"""What a rule may expect of a value, in words that read on after "expected".

A dozen lines each, and the wording is part of the verdict that people read; PyHamcrest's
"a value greater than or equal to <16384>" is not how a network engineer says it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")
T_contra = TypeVar("T_contra", contravariant=True)


@dataclass(frozen=True, slots=True)
class Matcher(Generic[T_contra]):
    """An expectation: a test of a value, and its description."""

    description: str
    accepts: Callable[[T_contra], bool]


def at_least(bound: float) -> Matcher[float]:
    """The value is `bound` or more."""
    return Matcher(f"at least {bound}", lambda actual: actual >= bound)


def at_most(bound: float) -> Matcher[float]:
    """The value is `bound` or less."""
    return Matcher(f"at most {bound}", lambda actual: actual <= bound)


def below(bound: float) -> Matcher[float]:
    """The value is less than `bound`."""
    return Matcher(f"less than {bound}", lambda actual: actual < bound)


def equal_to(wanted: T) -> Matcher[T]:
    """The value is `wanted`."""
    return Matcher(str(wanted), lambda actual: actual == wanted)


def one_of(wanted: Collection[T]) -> Matcher[T]:
    """The value is one of `wanted`."""
    return Matcher(" or ".join(str(one) for one in wanted), lambda actual: actual in wanted)


def absent_or(wanted: T) -> Matcher[T | None]:
    """The thing does not exist (None), or its value is `wanted`."""
    return Matcher(f"absent or {wanted}", lambda actual: actual is None or actual == wanted)

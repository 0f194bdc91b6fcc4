"""The expectations that a rule may have of a value, in words that follow "expected".

A network engineer does not say "a value greater than or equal to <16384>", as PyHamcrest does;
the wording is part of the verdict.
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


def equal_to(value: T) -> Matcher[T]:
    """The value is `wanted`."""
    return Matcher(str(value), lambda actual: actual == value)


def one_of(values: Collection[T]) -> Matcher[T]:
    """The value is one of `wanted`."""
    return Matcher(" or ".join(map(str, values)), lambda actual: actual in values)


def absent_or(value: T) -> Matcher[T | None]:
    """The thing does not exist (None), or its value is `wanted`."""
    return Matcher(f"absent or {value}", lambda actual: actual is None or actual == value)

"""A target of fuzzing: a reader of what others wrote."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Target:
    """One reader of what others wrote.

    Attributes:
        run: takes any bytes; raises for a bug alone.
        seeds: well-formed inputs.
        words: words that help a fuzzer on.
    """

    run: Callable[[bytes], None]
    seeds: Callable[[], Iterable[bytes]]
    words: tuple[bytes, ...] = ()


def text_of(data: bytes) -> str:
    """The bytes as a parser of text gets them."""
    return data.decode("utf-8", "replace")


@cache
def scratch() -> Path:
    """A folder for files that a target reads."""
    # Held for the whole run: one file that is written again and again.
    return Path(_directory().name)


@cache
def _directory() -> tempfile.TemporaryDirectory[str]:
    shm = Path("/dev/shm")
    return tempfile.TemporaryDirectory(dir=shm if shm.is_dir() else None)

"""What is fuzzed: each target takes any bytes, and raises for nothing but a bug.

The same targets are run three ways: with hypothesis by the default tests, with atheris by
``make fuzz``, and over all that either ever found, kept below ``tests/fuzz/found``.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from tests.fuzz.answer_targets import answer_targets
from tests.fuzz.file_targets import file_targets
from tests.fuzz.listing_targets import listing_targets
from tests.fuzz.ssh_targets import ssh_targets
from tests.fuzz.target import Target

KEPT = Path(__file__).parent / "found"
"""Inputs that once crashed or hung a target: files below a folder of the target's name."""


@cache
def targets() -> Mapping[str, Target]:
    """Every target by name. A new probe is one by being there."""
    return {**answer_targets(), **listing_targets(), **ssh_targets(), **file_targets()}

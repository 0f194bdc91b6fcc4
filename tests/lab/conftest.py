"""The lab's fixtures: `lab`, one for the whole run, and `host`, a fresh one for each test."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import count

import pytest

from tests.lab import requirements
from tests.lab.errors import LabError
from tests.lab.host import LabHost
from tests.lab.lab import Lab

_numbers = count(1)

# It installs packages: `make truth` alone collects it, so that no lab test is ever skipped in CI.
collect_ignore = (
    []
    if os.environ.get("NETHYGIENE_TRUTH")
    else ["test_firewall_frontends.py", "failover/test_vrrp_frontends.py"]
)


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    """The lab; where it cannot be built its tests are skipped, under CI=true they fail."""
    reason = requirements.missing()
    if reason is not None:
        requirements.give_up(reason)
    with ExitStack() as stack:
        try:
            built = stack.enter_context(Lab())
        except (LabError, OSError) as error:
            requirements.give_up(f"the lab could not be built: {error}")
        yield built


@pytest.fixture
def host(lab: Lab) -> Iterator[LabHost]:
    """A fresh host (20 ms), gone after the test: nothing that a test does to it can stay."""
    one = lab.host(f"host-{next(_numbers)}")
    yield one
    lab.remove(one)

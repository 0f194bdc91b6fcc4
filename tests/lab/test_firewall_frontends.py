"""The rulesets that front ends install by themselves, against the kernel.

Each is installed for real, into the overlay of a lab host; part of ``make truth``.
"""

from __future__ import annotations

import pytest

from tests.lab.firewall.comparing import ground
from tests.lab.firewall.front_end import judge
from tests.lab.firewall.installed import FRONT_ENDS
from tests.lab.lab import Lab


@pytest.mark.parametrize("name", FRONT_ENDS)
def test_front_ends(lab: Lab, name: str) -> None:
    with ground(lab) as built:
        tally = judge(built, name, count=600)
    print(name, tally.told())  # noqa: T201 - the numbers are what this test is for
    assert not tally.wrong, tally.told()
    assert tally.share <= 1, tally.told()
    assert tally.verdicts > 400
    assert tally.kernel["open"] > 50
    assert tally.kernel["closed"] > 20

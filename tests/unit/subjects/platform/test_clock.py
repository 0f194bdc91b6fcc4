"""By how much a host's clock differs from ours, and how sure that is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nethygiene.engine.ledger import UnreadableFactError
from nethygiene.engine.outcomes import Unreadable
from nethygiene.engine.subject import RoundTrip
from nethygiene.subjects.platform.clock import Clock, Skew
from nethygiene.subjects.platform.clocks import whose_clock
from tests.unit.sections import fact, section

NOW = 1_800_000_000


def clock(**ends: str) -> Clock:
    found = fact("clock", {f"clock@{end}": text for end, text in ends.items()})
    assert isinstance(found, Clock)
    return found


@given(
    offset=st.floats(-3600, 3600),
    latency=st.floats(0, 3),
    window=st.floats(0, 10),
    rest=st.floats(0, 3),
    whole=st.booleans(),
)
def test_the_true_offset_lies_in_the_range(
    offset: float, latency: float, window: float, rest: float, whole: bool
) -> None:
    first, last = NOW + latency, NOW + latency + window
    form = "{:.9f}" if not whole else "{:.0f}.%N"
    clocks = [when // 1 if whole else when for when in (first + offset, last + offset)]
    trip = RoundTrip(NOW, last + rest)
    skew = clock(first=form.format(clocks[0]), last=form.format(clocks[1])).skew(trip)
    assert skew.low - 1e-3 <= offset <= skew.high + 1e-3
    # The window adds nothing to the uncertainty.
    assert skew.high - skew.low <= latency + rest + 2 * whole + 1e-3


def test_without_a_window_the_round_trip_is_the_uncertainty() -> None:
    skew = clock(last=f"{NOW + 1}.500000000").skew(RoundTrip(NOW + 1, NOW + 2))
    assert (skew.low, skew.high) == (-0.5, 0.5)
    assert str(skew) == "0.00 s ahead (± 0.50 s)"


def test_a_clock_that_is_set_meanwhile_tells_nothing() -> None:
    set_back = clock(first=f"{NOW + 100}.000000000", last=f"{NOW + 200}.000000000")
    with pytest.raises(UnreadableFactError, match="set while it was read"):
        set_back.skew(RoundTrip(NOW, NOW + 3))


@pytest.mark.parametrize(
    ("low", "high", "within", "beyond"),
    [
        (-0.9, 0.9, True, False),
        (0.9, 1.1, False, False),
        (1.1, 1.2, False, True),
        (-1.2, -1.1, False, True),
        (-5, 5, False, False),
    ],
)
def test_a_range_may_tell_neither(low: float, high: float, within: bool, beyond: bool) -> None:
    skew = Skew(low, high)
    assert (skew.is_within(1), skew.is_beyond(1)) == (within, beyond)


@pytest.mark.parametrize("said", ["", "soon", "12:00", "1" * 13 + ".000000000", "-5.000000000"])
def test_no_time(said: str) -> None:
    assert isinstance(fact("clock", {"clock@last": said}), Unreadable)


def test_a_missing_date_is_named() -> None:
    found = fact("clock", {"clock@last": section("", "date: not found", 127)})
    assert isinstance(found, Unreadable)
    assert "date" in str(found)


def test_if_all_differ_alike_ours_is_wrong() -> None:
    alike = {host: Skew(39.9, 40.1) for host in ("a", "b", "c")}
    assert "the machine that audits" in whose_clock(alike, "a")
    assert whose_clock({**alike, "d": Skew(-0.1, 0.1)}, "a") == ""
    assert whose_clock({"a": Skew(39.9, 40.1)}, "a") == ""

"""Who holds an address, judged by what was seen of members at different moments."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nethygiene.engine.ledger import UnreadableFactError
from nethygiene.engine.outcomes import Reason
from nethygiene.engine.subject import RoundTrip
from nethygiene.subjects.failover.address_samples import Sightings
from nethygiene.subjects.failover.holders import Look, SeenSpan, held_by, span_of
from nethygiene.subjects.failover.holding import Degree, Stand

HOLDS = Stand(Degree.HOLDS, "eth0", "10.0.3.100/32", "eth0")
ANSWERS = Stand(Degree.ANSWERS, "lo", "10.0.3.100/32", "lo, and answers ARP for it on eth0")
NOTHING = Stand(Degree.NOTHING)


def look(host: str, first: Stand, last: Stand, *span: float, stack: str = "") -> Look:
    return Look(host, first, last, "eth0", stack, SeenSpan(*span) if span else None)


def named(*looks: Look, all_were_read: bool = True) -> tuple[str, ...]:
    return tuple(one.host for one in held_by(looks, all_were_read=all_were_read).looks)


def refused(*looks: Look, all_were_read: bool = True) -> str:
    with pytest.raises(UnreadableFactError) as caught:
        held_by(looks, all_were_read=all_were_read)
    return caught.value.unreadable.detail


def test_windows_that_overlap_tell_two_holders() -> None:
    assert named(look("a", HOLDS, HOLDS, 0, 2), look("b", HOLDS, HOLDS, 1, 3)) == ("a", "b")
    assert named(look("a", HOLDS, HOLDS, 0, 2), look("b", ANSWERS, ANSWERS, 2, 4)) == ("a", "b")


def test_between_two_windows_it_may_have_moved() -> None:
    said = refused(look("a", HOLDS, HOLDS, 0, 2), look("b", HOLDS, HOLDS, 2.1, 4))
    assert said.startswith("a (eth0) and b (eth0) have it, but they were read at different moments")
    said = refused(look("a", NOTHING, NOTHING, 0, 2), look("b", NOTHING, NOTHING, 3, 4))
    assert said.startswith("no member has it, but they were read at different moments")


def test_two_of_three_at_the_same_time_suffice() -> None:
    early, late = look("a", HOLDS, HOLDS, 0, 2), look("c", HOLDS, HOLDS, 9, 11)
    assert named(early, look("b", HOLDS, HOLDS, 8, 10), late) == ("b", "c")


def test_one_holder_needs_no_common_moment() -> None:
    assert named(look("a", HOLDS, HOLDS, 0, 2), look("b", NOTHING, NOTHING, 50, 52)) == ("a",)
    assert named(look("a", HOLDS, HOLDS), look("b", NOTHING, NOTHING)) == ("a",)


def test_none_is_certain_if_all_were_seen_together() -> None:
    none = (look("a", NOTHING, NOTHING, 0, 2), look("b", ANSWERS, ANSWERS, 1, 3))
    assert named(*none) == ()
    assert "none of the 2 members that were read has it" in refused(*none, all_were_read=False)


@pytest.mark.parametrize(("first", "last"), [(HOLDS, NOTHING), (NOTHING, HOLDS)])
def test_an_address_that_moves_meanwhile_is_unknown(first: Stand, last: Stand) -> None:
    moving = look("b", first, last, 0, 2)
    assert refused(look("a", NOTHING, NOTHING, 0, 2), moving).startswith("the address moved")
    assert refused(look("a", HOLDS, HOLDS, 0, 2), moving).startswith("the address moved")
    holders = (look("a", HOLDS, HOLDS, 0, 2), look("c", HOLDS, HOLDS, 0, 2))
    assert named(*holders, moving) == ("a", "c"), "two others decide it"


def test_a_host_that_stands_in_the_inventory_twice_is_one() -> None:
    twice = (look("a", HOLDS, HOLDS, 0, 2, stack="x"), look("b", HOLDS, HOLDS, 0, 2, stack="x"))
    assert named(*twice) == ("a",)


def test_one_sample_of_each_is_too_little() -> None:
    single = [Look(host, None, HOLDS, "eth0", "", None) for host in "ab"]
    with pytest.raises(UnreadableFactError) as caught:
        held_by(single, all_were_read=True)
    assert caught.value.unreadable.reason is Reason.NO_SECOND_SAMPLE


@given(
    times=st.lists(st.floats(0, 60), min_size=2, max_size=4),
    handed_on=st.floats(0, 60),
    window=st.floats(0.5, 10),
)
def test_a_failover_in_the_midst_is_never_a_failure(
    times: Sequence[float], handed_on: float, window: float
) -> None:
    """Member 0 holds it until one moment, and member 1 from then on: there is always one holder."""

    def stand(member: int, when: float) -> Stand:
        holds = (when < handed_on) if member == 0 else (member == 1 and when >= handed_on)
        return HOLDS if holds else NOTHING

    looks = []
    for member, begin in enumerate(times):
        first, last = stand(member, begin), stand(member, begin + window)
        looks.append(look(str(member), first, last, begin, begin + window))
    try:
        held = held_by(looks, all_were_read=True)
    except UnreadableFactError:
        return
    assert len(held.looks) == 1


@given(
    sent=st.floats(1e9, 2e9),
    latency=st.floats(0, 5),
    window=st.floats(0.1, 10),
    rest=st.floats(0, 5),
)
def test_the_span_lies_between_the_samples(
    sent: float, latency: float, window: float, rest: float
) -> None:
    first, last = sent + latency, sent + latency + window
    span = span_of(RoundTrip(sent, last + rest), Sightings((), (), window, ""))
    if span is not None:
        assert first - 1e-3 <= span.begin <= span.end <= last + 1e-3


def test_a_host_is_not_believed_to_take_longer_than_it_was_given() -> None:
    assert span_of(RoundTrip(100, 103), Sightings((), (), 1e9, "")) == SeenSpan(100, 103)
    assert span_of(RoundTrip(100, 103), Sightings((), (), 1, "")) is None
    assert span_of(RoundTrip(100, 103), Sightings(None, (), 0, "")) is None

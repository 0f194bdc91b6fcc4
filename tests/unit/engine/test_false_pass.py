"""No false pass: whatever a rule does about what it could not read, the result is not passed.

Each rule here is written as badly as its name says, and judges a host of which tcp_tw_recycle,
the listeners and the counters could not be read.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import pytest

from nethygiene.engine.expect import Expect
from nethygiene.engine.ledger import UnreadableFactError
from nethygiene.engine.matchers import Matcher
from nethygiene.engine.outcomes import Outcome, Reason
from nethygiene.rules import at_least, equal_to, not_applicable, unknown
from nethygiene.subjects.kernel.counters import Counters
from nethygiene.subjects.kernel.rises import not_rising
from nethygiene.subjects.kernel.sysctl import Sysctls
from nethygiene.subjects.links.interface_family import InterfaceFamily
from nethygiene.subjects.sockets.listeners import Listeners
from tests.unit.engine.writing_rules import FAILURE, SECTIONS, good, host, verdict

RECYCLE = "net.ipv4.tcp_tw_recycle"


def swallows_the_exception(sysctl: Sysctls, expect: Expect) -> None:
    with contextlib.suppress(Exception):
        expect(RECYCLE, sysctl[RECYCLE], equal_to(0))
    good(expect)


def swallows_everything(sysctl: Sysctls, expect: Expect) -> None:
    good(expect)
    try:
        expect(RECYCLE, sysctl[RECYCLE], equal_to(0))
    except:  # noqa: E722 - the point of it
        return


def swallows_by_name(sysctl: Sysctls, expect: Expect) -> None:
    try:
        value = sysctl[RECYCLE]
    except UnreadableFactError:
        value = 0
    expect(RECYCLE, value, equal_to(0))


def swallows_in_finally(sysctl: Sysctls, expect: Expect) -> None:
    try:
        sysctl[RECYCLE]
    finally:
        good(expect)
        return  # noqa: B012 - the point of it


def gets_with_a_default(sysctl: Sysctls, expect: Expect) -> None:
    value = getattr(sysctl, "get", lambda key, default: sysctl.find(key) or default)(RECYCLE, 0)
    expect(RECYCLE, value, equal_to(0))


def asks_whether_it_is_in(sysctl: Sysctls, expect: Expect) -> None:
    good(expect)
    if RECYCLE in sysctl:  # type: ignore[operator]
        expect(RECYCLE, sysctl[RECYCLE], equal_to(0))


def loops_over_a_short_list(listeners: Listeners, expect: Expect) -> None:
    good(expect)
    with contextlib.suppress(Exception):
        for socket in listeners:
            expect("backlog", socket.backlog, at_least(1))


def counts_a_short_list(listeners: Listeners, expect: Expect) -> None:
    try:
        number = len(listeners)  # type: ignore[arg-type]
    except Exception:  # noqa: BLE001 - the point of it
        number = 0
    expect("listeners", number, equal_to(0))


def asks_whether_there_are_any(listeners: Listeners, expect: Expect) -> None:
    good(expect)
    with contextlib.suppress(Exception):
        if listeners:  # type: ignore[truthy-bool]
            expect("never", 0, equal_to(1))


def compares_the_fact_itself(listeners: Listeners, expect: Expect) -> None:
    with contextlib.suppress(Exception):
        expect("listeners", listeners, Matcher("anything else", lambda one: one != 5))  # type: ignore[comparison-overlap]
    good(expect)


def compares_its_text(listeners: Listeners, expect: Expect) -> None:
    with contextlib.suppress(Exception):
        expect("listeners", str(listeners), Matcher("quiet", lambda text: "0.0.0.0" not in text))
        expect("listeners", f"{listeners}", Matcher("quiet", lambda text: "0.0.0.0" not in text))
    good(expect)


def takes_an_attribute_with_a_default(listeners: Listeners, expect: Expect) -> None:
    with contextlib.suppress(Exception):
        expect("sockets", getattr(listeners, "sockets", ()), equal_to(()))
    good(expect)


def calls_no_rise_without_a_sample(counters: Counters, expect: Expect) -> None:
    with contextlib.suppress(Exception):
        expect("overflows", counters.change("TcpExtListenOverflows"), not_rising())
    good(expect)


def swallows_its_own_unknown(expect: Expect) -> None:
    with contextlib.suppress(Exception):
        unknown("cannot be told")
    good(expect)


def reads_it_in_a_hint(sysctl: Sysctls, expect: Expect) -> None:
    good(expect)
    with contextlib.suppress(Exception):
        expect("what", 1, equal_to(1))
        _ = sysctl.text(RECYCLE)


def says_not_applicable_afterwards(sysctl: Sysctls, expect: Expect) -> None:
    good(expect)
    with contextlib.suppress(Exception):
        sysctl.find(RECYCLE)
    not_applicable("not here")


UNREAD = [
    swallows_the_exception,
    swallows_everything,
    swallows_by_name,
    swallows_in_finally,
    gets_with_a_default,
    loops_over_a_short_list,
    counts_a_short_list,
    asks_whether_there_are_any,
    compares_the_fact_itself,
    compares_its_text,
    takes_an_attribute_with_a_default,
    calls_no_rise_without_a_sample,
    swallows_its_own_unknown,
    reads_it_in_a_hint,
    says_not_applicable_afterwards,
]


@pytest.mark.parametrize("bad", UNREAD, ids=lambda one: one.__name__)
def test_what_could_not_be_read_makes_it_unknown(bad: Callable[..., object]) -> None:
    found = verdict(bad)
    assert found.outcome is Outcome.UNKNOWN
    assert found.reason not in {None, Reason.RULE_CRASHED, Reason.NOTHING_CHECKED}
    assert found.message


def test_asking_whether_a_setting_is_in_is_a_crash() -> None:
    found = verdict(asks_whether_it_is_in)
    assert (found.outcome, found.reason) == (Outcome.UNKNOWN, Reason.RULE_CRASHED)


@pytest.mark.parametrize("bad", UNREAD, ids=lambda one: one.__name__)
def test_a_failure_stands_and_names_what_is_missing(bad: Callable[..., object]) -> None:
    def fails_first(
        sysctl: Sysctls, listeners: Listeners, counters: Counters, expect: Expect
    ) -> None:
        expect("net.core.somaxconn", sysctl["net.core.somaxconn"], at_least(4096))
        known = {"sysctl": sysctl, "listeners": listeners, "counters": counters, "expect": expect}
        names = bad.__code__.co_varnames[: bad.__code__.co_argcount]
        bad(**{name: known[name] for name in names})

    found = verdict(fails_first)
    assert (found.outcome, found.reason) == (Outcome.FAILED, None)
    assert "net.core.somaxconn is 128, expected at least 4096" in found.message
    assert "also unknown" in found.message


# -- hosts that were not read -----------------------------------------------------------------


def somaxconn(sysctl: Sysctls, expect: Expect) -> None:
    expect("net.core.somaxconn", sysctl["net.core.somaxconn"], at_least(1))


def too_small(sysctl: Sysctls, expect: Expect) -> None:
    expect("net.core.somaxconn", sysctl["net.core.somaxconn"], at_least(4096))


def test_a_host_gone_half_way_passes_nothing() -> None:
    assert verdict(somaxconn).outcome is Outcome.PASSED
    found = verdict(somaxconn, host(failure=FAILURE))
    assert (found.outcome, found.reason) == (Outcome.UNKNOWN, Reason.UNREACHABLE)


def test_a_host_gone_half_way_fails_what_it_failed() -> None:
    assert verdict(too_small, host(failure=FAILURE)).outcome is Outcome.FAILED


def test_a_host_that_never_answered_is_unknown() -> None:
    found = verdict(too_small, host(sections={}, failure=FAILURE))
    assert (found.outcome, found.reason) == (Outcome.UNKNOWN, Reason.UNREACHABLE)


def test_sections_missing_without_a_failure_are_evidence_too_old() -> None:
    found = verdict(too_small, host(sections={}))
    assert (found.outcome, found.reason) == (Outcome.UNKNOWN, Reason.NOT_COLLECTED)
    assert "evidence older than the rule" in found.message


def test_items_that_could_not_be_found_make_one_unknown() -> None:
    def of_interfaces(interface_family: InterfaceFamily, expect: Expect) -> None:  # noqa: ARG001
        good(expect)

    sections = {name: one for name, one in SECTIONS.items() if name != "addresses"}
    assert verdict(of_interfaces).item == "eth0/ipv4"
    found = verdict(of_interfaces, host(sections=sections))
    assert (found.item, found.outcome, found.reason) == (
        None,
        Outcome.UNKNOWN,
        Reason.NOT_COLLECTED,
    )

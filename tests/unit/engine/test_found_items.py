"""Items found on a host, and the finder's own mishaps."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from nethygiene.engine.expect import Expect, not_applicable, unknown
from nethygiene.engine.finder import Finder
from nethygiene.engine.outcomes import Outcome, Reason
from nethygiene.rules import equal_to
from nethygiene.subjects.kernel.sysctl import Sysctls
from nethygiene.subjects.links import interface_family as found_family
from nethygiene.subjects.links.interface_family import InterfaceFamily
from nethygiene.subjects.links.interfaces import Interfaces
from nethygiene.transcript import Section
from tests.unit.engine.writing_rules import SECTIONS, host, verdict, verdicts

LINKS = (
    b"1: lo: <LOOPBACK,UP> x\n2: eth0: <UP> x\n3: eth1: <BROADCAST> x\n4: eth2@if1: <UP> x\n"
    b"5: eth3: <UP> x\n"
)
ADDRESSES = b"".join(
    b"%d: %s    inet%s %s x\n" % row
    for row in [
        (1, b"lo", b"", b"127.0.0.1/8"),
        (2, b"eth0", b"", b"192.0.2.1/24"),
        (2, b"eth0", b"6", b"2001:db8::1/64"),
        (2, b"eth0", b"6", b"2001:db8::2/64"),
        (3, b"eth1", b"", b"192.0.2.2/24"),
        (4, b"eth2", b"6", b"fe80::1/64"),
        (4, b"eth2", b"", b"169.254.7.7/16"),
    ]
)


def judged(interface_family: InterfaceFamily, expect: Expect) -> None:
    expect("family", interface_family.family, equal_to("ipv4"))


def test_up_interfaces_with_an_address_that_can_be_reached() -> None:
    sections = {**SECTIONS, "links": Section(LINKS), "addresses": Section(ADDRESSES)}
    found = {one.item: one.outcome for one in verdicts(judged, host(sections=sections))}
    assert found == {"eth0/ipv4": Outcome.PASSED, "eth0/ipv6": Outcome.FAILED}


def test_where_none_is_found_the_rule_does_not_apply() -> None:
    sections = {
        **SECTIONS,
        "links": Section(b"1: lo: <LOOPBACK,UP> x\n"),
        "addresses": Section(b""),
    }
    found = verdict(judged, host(sections=sections))
    assert (found.item, found.outcome) == (None, Outcome.NOT_APPLICABLE)
    assert "no interface besides loopback" in found.message


def test_each_item_has_its_own_ledger() -> None:
    def one_is_unreadable(
        interface_family: InterfaceFamily, sysctl: Sysctls, expect: Expect
    ) -> None:
        if interface_family.family == "ipv6":
            not_applicable("not here")
        expect("x", sysctl["net.core.somaxconn"], equal_to(128))

    sections = {**SECTIONS, "links": Section(LINKS), "addresses": Section(ADDRESSES)}
    found = {one.item: one.outcome for one in verdicts(one_is_unreadable, host(sections=sections))}
    assert found == {"eth0/ipv4": Outcome.PASSED, "eth0/ipv6": Outcome.NOT_APPLICABLE}


def _half(interfaces: Interfaces, error: str) -> Iterator[InterfaceFamily]:
    yield InterfaceFamily(next(iter(interfaces)).name, "ipv4")
    if error == "crash":
        raise ZeroDivisionError
    if error == "undecided":
        unknown("the rest cannot be told")
    interfaces.ledger.undecidable("the rest cannot be seen")


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        ("crash", Reason.RULE_CRASHED),
        ("unreadable", Reason.UNDECIDABLE),
        ("undecided", Reason.UNDECIDABLE),
    ],
)
def test_a_list_that_ends_early_is_unknown(
    monkeypatch: pytest.MonkeyPatch, error: str, reason: Reason
) -> None:
    finder = Finder(lambda interfaces: _half(interfaces, error), ("interfaces",), "none")
    monkeypatch.setattr(found_family, "FINDER", finder)
    found = [(one.item, one.outcome, one.reason) for one in verdicts(judged)]
    assert found == [(None, Outcome.UNKNOWN, reason)]

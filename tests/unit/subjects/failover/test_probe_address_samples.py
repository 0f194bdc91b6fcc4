"""Two samples of a host's addresses."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from nethygiene.engine.outcomes import Reason, Unreadable
from nethygiene.subjects.failover.address_samples import AddressSamples, Sightings
from tests.unit.sections import fact, section

BOOT = "8b6a1a1e-54a5-4a1c-8a4d-0f1f0d7c1a11"
LIFE = "\\       valid_lft forever preferred_lft forever\n"
LO = f"1: lo    inet 127.0.0.1/8 scope host lo{LIFE}"
VIP = f"2: eth0    inet 10.0.3.100/32 scope global eth0{LIFE}"


def sample(uptime: str, *rows: str) -> str:
    return (
        f"net:[4026531840]\n/proc/sys/kernel/random/boot_id:{BOOT}\n/proc/uptime:{uptime} 9.00\n"
        + "".join([LO, *rows])
    )


def seen(**sections: str) -> Sightings:
    ends = {f"address_samples@{end}": text for end, text in sections.items()}
    found = fact("address_samples", ends)
    assert isinstance(found, AddressSamples)
    return found.of(ip_address("10.0.3.100"))


def test_both_ends_of_the_window() -> None:
    found = seen(first=sample("100.00"), last=sample("102.50", VIP))
    assert found.first == ()
    assert [has.link for has in found.last] == ["eth0"]
    assert found.seconds == pytest.approx(2.5)
    assert found.stack == f"{BOOT} net:[4026531840]"


def test_without_a_window() -> None:
    found = seen(last=sample("102.50", VIP))
    assert (found.first, found.seconds) == (None, 0)


def test_a_host_without_proc_says_what_addresses_it_has() -> None:
    found = seen(first=LO + VIP, last=LO + VIP)
    assert (found.seconds, found.stack) == (0, "")
    assert len(found.last) == 1


@pytest.mark.parametrize(
    ("words", "used"),
    [
        ("scope global", True),
        ("scope global deprecated", True),
        ("scope global tentative", False),
        ("scope global dadfailed tentative", False),
        ("scope global flags 08", False),
        ("scope global optimistic tentative", True),
    ],
)
def test_addresses_that_the_kernel_does_not_use(words: str, used: bool) -> None:
    row = f"2: eth0    inet6 fd00::100/128 {words} {LIFE}"
    found = fact("address_samples", {"address_samples@last": sample("1.00", row)})
    assert isinstance(found, AddressSamples)
    (has,) = found.of(ip_address("fd00::100")).last
    assert (not has.duplicate and not has.tentative) is used


def test_unreadable() -> None:
    found = fact("address_samples", {"address_samples@last": section("", "ip: not found", 127)})
    assert isinstance(found, Unreadable)
    assert found.reason is Reason.TOOL_MISSING
    garbled = fact("address_samples", {"address_samples@last": "hello\n"})
    assert isinstance(garbled, Unreadable)
    assert garbled.reason is Reason.UNPARSABLE
    half = {"address_samples@first": "hello\n", "address_samples@last": sample("1.00")}
    assert isinstance(fact("address_samples", half), Unreadable)

"""Fingerprints: other programs keep them, so they never change."""

from __future__ import annotations

import pytest

from nethygiene.engine.results import fingerprint


@pytest.mark.parametrize(
    ("identity", "golden"),
    [
        (("somaxconn-covers-backlog", "web-1", "shop"), "9281c72b11598e40"),
        (("host-reachable", "web-1", None), "550b432d67c3184c"),
        (("icmp-redirects-match-policy", "bücher.example", "eth0/ipv6"), "e7ce61b3e413ac93"),
    ],
)
def test_golden_values(identity: tuple[str, str, str | None], golden: str) -> None:
    assert fingerprint(*identity) == golden


def test_no_two_identities_share_one() -> None:
    identities = [
        ("rule", "host", None),
        ("rule", "host", ""),
        ("rule", "host", "item"),
        ("rule", "hostitem", ""),
        ("rulehost", "", "item"),
        ("host", "rule", None),
    ]
    assert len({fingerprint(*one) for one in identities}) == len(identities)


def test_a_name_that_is_no_unicode_has_one_too() -> None:
    assert fingerprint("rule", "\udcff", None) != fingerprint("rule", "\udcfe", None)

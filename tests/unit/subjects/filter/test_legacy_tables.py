"""Hosts without iptables-legacy-save: whether there is anything that it would have shown."""

from __future__ import annotations

import pytest

from nethygiene.engine.fact import Fact
from nethygiene.engine.outcomes import Reason, Unreadable
from nethygiene.subjects.filter.filter_fact import PacketFilter
from nethygiene.subjects.filter.model.verdict import HostFilter
from nethygiene.transcript import Section
from tests.unit.sections import Given, fact, section
from tests.unit.subjects.filter.hosts import ROUTING, cut

MISSING = section("", "sh: 1: ip6tables-legacy-save: not found\n", 127)
NONE = "grep: /proc/net/ip6_tables_names: No such file or directory\n"
DENIED = "grep: /proc/net/ip_tables_names: Permission denied\n"
FOUR, SIX = "/proc/net/ip_tables_names:filter\n", "/proc/net/ip6_tables_names:filter\n"


def filter_of(names: Section | str) -> HostFilter | Unreadable:
    listings = ("nft", "iptables", "ip6tables", "iptables_legacy", "ipset", "tc", "virtual_servers")
    sections: dict[str, Given] = dict.fromkeys(listings, "")
    sections |= {**cut(ROUTING), "ip6tables_legacy": MISSING, "legacy_tables": names}
    found: Fact | Unreadable = fact("packet_filter", sections)
    assert isinstance(found, PacketFilter)
    return found._host


@pytest.mark.parametrize(
    "names",
    [FOUR, "", section("", "", 1), section("", NONE, 2), section(FOUR, NONE, 2)],
    ids=["of IPv4", "none", "none by grep", "no file", "no file of IPv6"],
)
def test_a_loaded_module_without_tables_filters_nothing(names: Section | str) -> None:
    """Tables of IPv4 are no tables of IPv6."""
    assert isinstance(filter_of(names), HostFilter)


@pytest.mark.parametrize(
    "names",
    [SIX, FOUR + SIX, "filter\n", section("", DENIED, 2), section(FOUR, DENIED, 2)],
    ids=["of IPv6", "of both", "of either", "denied", "denied half"],
)
def test_a_table_that_cannot_be_listed_is_unknown(names: Section | str) -> None:
    """The last two are lists of names that themselves were not read."""
    found = filter_of(names)
    assert isinstance(found, Unreadable)
    assert found.reason is Reason.TOOL_MISSING

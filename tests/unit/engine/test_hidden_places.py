"""A /proc that hides its places: what is not seen there is not taken for absent."""

from __future__ import annotations

import pytest

from nethygiene.engine.fact import Fact
from nethygiene.engine.ledger import UnreadableFactError
from nethygiene.engine.outcomes import Reason, Unreadable
from nethygiene.subjects.filter.filter_fact import PacketFilter
from nethygiene.subjects.filter.model.addresses import everything
from nethygiene.subjects.kernel.boot_sysctls import BootSysctls
from nethygiene.subjects.platform.selinux import Selinux
from tests.unit.sections import Given, fact, section
from tests.unit.subjects.filter.hosts import ROUTING, cut

NO_FILE = "grep: /proc/sys/fs/file-max: No such file or directory\n"
DENIED = "grep: /proc/sys/fs/file-max: Permission denied\n"
NO_NETFILTER = "Unable to initialize Netlink socket: Protocol not supported\n"
STACK = section("/proc/net/sockstat:sockets: used 5\n/proc/sys/net/ipv4/ip_forward:0\n", status=2)


@pytest.mark.parametrize(
    ("stderr", "reason", "says"),
    [
        (NO_FILE, Reason.ABSENT, "subset=pid"),
        (DENIED, Reason.PERMISSION, "log in as root"),
    ],
)
def test_a_hidden_proc_sys(stderr: str, reason: Reason, says: str) -> None:
    for probe, name in (("sysctl", "sysctl"), ("counters", "counters@last")):
        found: Fact | Unreadable | object = fact(probe, {name: section("", stderr, 2)})
        found = getattr(found, "_last", found)
        assert isinstance(found, Unreadable)
        assert found.reason is reason
        assert found.source.startswith("/proc/")
        assert says in found.detail


def filter_of(**given: Given) -> PacketFilter:
    names = ("nft", "iptables", "ip6tables", "iptables_legacy", "ip6tables_legacy", "ipset", "tc")
    sections: dict[str, Given] = dict.fromkeys((*names, "legacy_tables"), "")
    sections |= {**cut(ROUTING), "virtual_servers": STACK, **given}
    found = fact("packet_filter", sections)
    assert isinstance(found, PacketFilter)
    return found


def test_a_kernel_without_netfilter_filters_nothing() -> None:
    refused = section("", f"nft: {NO_NETFILTER}", 1)
    found = filter_of(nft=refused, iptables=refused, ip6tables=refused)
    assert list(found.paths("ipv4", everything("ipv4"), frozenset({0xC000020A}), None))


def test_another_error_of_nft_is_no_answer() -> None:
    found = filter_of(nft=section("", "nft: Operation not supported\n", 1))
    assert isinstance(found._host, Unreadable)


def test_virtual_servers_that_cannot_be_seen_are_unknown() -> None:
    assert filter_of().virtual_servers(80) == ()
    hidden = "".join(f"grep: {one}: No such file or directory\n" for one in ("/proc/net/ip_vs",))
    with pytest.raises(UnreadableFactError, match="IPVS"):
        filter_of(virtual_servers=section("", hidden, 2)).virtual_servers(80)


def test_a_command_line_that_cannot_be_read_may_say_anything() -> None:
    config = "/sys/fs/selinux/enforce:1\n/etc/selinux/config:SELINUX=enforcing\n"
    selinux = fact("selinux", {"selinux": f"{config}word nethygiene=unread\nis kernel\n"})
    assert isinstance(selinux, Selinux)
    with pytest.raises(UnreadableFactError, match="/proc/cmdline"):
        _ = selinux.at_next_boot
    boot = fact("boot_sysctls", {"boot_sysctls": "word sysctl.nethygiene-unread=\nend\n"})
    assert isinstance(boot, BootSysctls)
    with pytest.raises(UnreadableFactError, match="/proc/cmdline"):
        _ = boot.assignments

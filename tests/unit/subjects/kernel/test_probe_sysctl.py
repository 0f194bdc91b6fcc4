"""Kernel settings: read, absent, or not readable, and never taken for one another."""

from __future__ import annotations

import pytest

from nethygiene.engine.ledger import Ledger, UnreadableFactError
from nethygiene.engine.outcomes import Reason, Unreadable
from nethygiene.subjects.kernel.sysctl import Sysctls
from tests.unit.sections import fact, section

PAGE = """/proc/sys/net/core/somaxconn:4096
/proc/sys/net/ipv4/tcp_syncookies:1
/proc/sys/net/ipv4/tcp_rmem:4096\t131072\t6291456
/proc/sys/net/ipv4/ip_local_reserved_ports:
/proc/sys/net/ipv4/tcp_congestion_control:cubic
/proc/sys/net/ipv4/negative:-1
/proc/sys/net/ipv4/conf/eth0.100/forwarding:0
/proc/sys/fs/two-lines:one
/proc/sys/fs/two-lines:two
"""
COMPLAINTS = """grep: /proc/sys/net/ipv4/conf: Is a directory
grep: /proc/sys/net/ipv4/tcp_tw_recycle: Permission denied
grep: /proc/sys/net/ipv4/tcp_broken: Input/output error
grep: /proc/sys/net/netfilter/*: No such file or directory
"""


def sysctls(
    stdout: str | bytes = PAGE, stderr: str | bytes = COMPLAINTS, status: int = 2
) -> Sysctls:
    found = fact("sysctl", {"sysctl": section(stdout, stderr, status)})
    assert isinstance(found, Sysctls), found
    return found.bound_to(Ledger())


def why_not(one: Sysctls, key: str) -> Unreadable:
    with pytest.raises(UnreadableFactError) as error:
        one.find(key)
    assert one.ledger.unreadable == [error.value.unreadable], "it is remembered"
    return error.value.unreadable


def test_values() -> None:
    one = sysctls()
    assert one["net.core.somaxconn"] == 4096
    assert one["net.ipv4.negative"] == -1
    assert one["net.ipv4.conf.eth0/100.forwarding"] == 0
    assert one.text("net.ipv4.tcp_rmem") == "4096\t131072\t6291456"
    assert one.text("net.ipv4.ip_local_reserved_ports") == ""
    assert one.text("fs.two-lines") == "one\ntwo"


def test_a_setting_whose_neighbours_were_read_is_absent() -> None:
    one = sysctls()
    assert one.find("net.ipv4.no_such_setting") is None
    assert one.ledger.unreadable == []
    one.ledger.close()
    assert [read.actual for read in one.ledger.observations] == ["absent"]


@pytest.mark.parametrize(
    ("key", "reason", "says"),
    [
        ("net.ipv4.tcp_tw_recycle", Reason.PERMISSION, "Permission denied"),
        ("net.ipv4.tcp_broken", Reason.COMMAND_FAILED, "Input/output error"),
        ("net.ipv6.anything", Reason.ABSENT, "nothing in its directory could be read"),
        ("net.netfilter.nf_conntrack_max", Reason.ABSENT, "nothing in its directory"),
        ("net.ipv4.tcp_fastopen_key", Reason.NOT_COLLECTED, "does not collect"),
        ("net.ipv4.conf.eth0/100.log_martians", Reason.NOT_COLLECTED, "does not collect"),
        ("net.ipv4.conf.eth1.forwarding", Reason.ABSENT, "nothing in its directory"),
        ("kernel.panic", Reason.NOT_COLLECTED, "does not collect"),
        ("", Reason.NOT_COLLECTED, "does not collect"),
        ("net.ipv4.tcp_rmem", Reason.UNPARSABLE, "not a whole number"),
        ("net.ipv4.tcp_congestion_control", Reason.UNPARSABLE, "not a whole number"),
        ("net.ipv4.ip_local_reserved_ports", Reason.UNPARSABLE, "not a whole number"),
    ],
)
def test_what_is_not_known_to_be_absent_is_unreadable(key: str, reason: Reason, says: str) -> None:
    why = why_not(sysctls(), key)
    assert why.reason is reason
    assert says in why.detail


@pytest.mark.parametrize("method", ["__getitem__", "text"])
def test_a_setting_that_is_needed_may_not_be_absent(method: str) -> None:
    with pytest.raises(UnreadableFactError, match="no such setting"):
        getattr(sysctls(), method)("net.ipv4.no_such_setting")


@pytest.mark.parametrize(
    "value", ["1 2", "0x1", "1.0", "--1", "+1", "-", "²", "\u0661", "1\0", "1" * 21, "9" * 5000]
)
def test_only_whole_numbers_of_a_kernels_size_are_numbers(value: str) -> None:
    one = sysctls(f"/proc/sys/net/core/x:{value}\n/proc/sys/net/core/y:1\n")
    assert why_not(one, "net.core.x").reason is Reason.UNPARSABLE


@pytest.mark.parametrize("status", [0, 1, 2])
def test_the_statuses_by_which_grep_talks(status: int) -> None:
    assert sysctls(status=status)["net.core.somaxconn"] == 4096


@pytest.mark.parametrize("status", [3, 134, 139, 141, 143, 255])
def test_a_grep_that_did_not_come_to_its_end_proves_no_absence(status: int) -> None:
    found = fact("sysctl", {"sysctl": section(PAGE, "", status)})
    assert isinstance(found, Unreadable)
    assert f"exit status {status}" in found.detail


@pytest.mark.parametrize(
    "text", ["", "\n", "hello\n", "/etc/passwd:x\n", b"\0\xff", "Binary file x"]
)
def test_without_any_setting_there_is_no_fact(text: str | bytes) -> None:
    assert isinstance(fact("sysctl", {"sysctl": section(text, "grep: oh", 2)}), Unreadable)


def test_only_greps_complaints_are_of_files() -> None:
    stderr = "timeout: /proc/sys/net/ipv4/no_such: Permission denied\n/proc/sys/net/ipv4/x: no\n"
    assert sysctls(stderr=stderr).find("net.ipv4.no_such") is None


def test_busybox_complains_in_the_same_words() -> None:
    denied = "/usr/bin/grep: /proc/sys/net/ipv4/tcp_tw_recycle: Permission denied\n"
    assert why_not(sysctls(stderr=denied), "net.ipv4.tcp_tw_recycle").reason is Reason.PERMISSION

"""The files of sysctl.d; what real tools make of them is tests/lab/test_boot_sysctls.py."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nethygiene.engine.fact import Fact
from nethygiene.engine.ledger import UnreadableFactError
from nethygiene.engine.outcomes import Reason, Unreadable
from nethygiene.subjects.kernel.boot_sysctls import BootSysctls, normalized
from tests.unit.sections import fact, section


def boot(stdout: str, stderr: str = "") -> BootSysctls:
    found = fact("boot_sysctls", {"boot_sysctls": section(f"{stdout}end\n", stderr)})
    assert isinstance(found, BootSysctls)
    return found


@pytest.mark.parametrize(
    ("key", "path"),
    [
        ("net.ipv4.ip_forward", "net/ipv4/ip_forward"),
        ("net/ipv4/ip_forward", "net/ipv4/ip_forward"),
        ("net.ipv4.conf.eth0/100.rp_filter", "net/ipv4/conf/eth0.100/rp_filter"),
        ("net/ipv4/conf/eth0.100/rp_filter", "net/ipv4/conf/eth0.100/rp_filter"),
        ("/proc/sys/net/core/somaxconn", "proc/sys/net/core/somaxconn"),
        ("/net/core/somaxconn", "net/core/somaxconn"),
    ],
)
def test_both_spellings(key: str, path: str) -> None:
    assert normalized(key) == path


def test_ufw_is_applied_after_all_files_where_it_is_enabled() -> None:
    files = (
        "file /etc/sysctl.d/99-z.conf\nthere /run/systemd/system\n"
        "/etc/sysctl.d/99-z.conf:net.ipv4.tcp_syncookies = 1\n"
        "/etc/ufw/sysctl.conf:net/ipv4/tcp_syncookies=0\n"
    )
    enabled = boot(files + "/etc/ufw/ufw.conf:ENABLED=yes\n").assignments
    assert [(one.value, one.file) for one in enabled] == [("0", "/etc/ufw/sysctl.conf")]
    disabled = boot(files + "/etc/ufw/ufw.conf:ENABLED=no\n").assignments
    assert [one.value for one in disabled] == ["1"]


def test_a_line_that_cannot_be_placed_is_not_guessed() -> None:
    found = boot("/etc/sysctl.d/a:b.conf:net.core.somaxconn = 1\n")
    with pytest.raises(UnreadableFactError) as caught:
        _ = found.assignments
    assert caught.value.unreadable.reason is Reason.UNPARSABLE


def test_cut_short_it_is_unreadable() -> None:
    found = fact("boot_sysctls", {"boot_sysctls": "file /etc/sysctl.d/a.conf\n"})
    assert isinstance(found, Unreadable)


LINES = st.sampled_from(
    [
        "file /etc/sysctl.d/a.conf",
        "/etc/sysctl.d/a.conf:=",
        "/etc/sysctl.d/a.conf:-",
        "closed x",
        "/etc/sysctl.d/a.conf:a.b = c",
        "word sysctl.=",
        "there",
        "container",
        "file",
        "file /",
        "end",
    ]
)


@given(st.binary() | st.lists(LINES).map("\n".join).map(str.encode), st.binary())
def test_any_bytes(stdout: bytes, stderr: bytes) -> None:
    found = fact(
        "boot_sysctls", {"boot_sysctls": section(stdout + b"\nend\n", stderr.decode("latin1"))}
    )
    assert isinstance(found, Fact | Unreadable)
    assert "the parser failed" not in str(found)

"""Sysctls as the kernel takes them: written numbers, and defaults of distributions' kernels."""

from __future__ import annotations

import pytest

from nethygiene.subjects.kernel.kernel_defaults import kernel_default
from nethygiene.subjects.kernel.persistence import number_of_kernel


@pytest.mark.parametrize(
    ("text", "number"),
    # As Linux 6.18 takes what is written to /proc/sys/net/ipv4/tcp_keepalive_time.
    [
        *(("60", 60), ("0x3c", 60), ("0X3C", 60), ("01", 1), ("060", 48), ("007", 7), ("-1", -1)),
        *(("0", 0), ("08", None), ("0x", None), ("+60", None), ("60s", None), ("60#", None)),
        *(("6e1", None), ("", None), ("-", None)),
    ],
)
def test_numbers(text: str, number: int | None) -> None:
    assert number_of_kernel(text) == number


@pytest.mark.parametrize(
    ("release", "somaxconn", "tw_reuse"),
    [
        ("4.18.0-80.11.2.el8_0.x86_64", "128", "2"),
        ("4.18.0-193.el8.x86_64", None, "2"),
        ("4.18.0-553.16.1.el8_10.x86_64", "2048", "2"),
        ("4.18.0-25-generic", "128", "0"),
        ("4.19.0-27-amd64", "128", "2"),
        ("5.14.0-427.el9.x86_64", "4096", "2"),
        ("3.10.0-1160.el7.x86_64", "128", "0"),
    ],
)
def test_defaults_by_release(release: str, somaxconn: str | None, tw_reuse: str) -> None:
    major, minor = (int(part) for part in release.split(".")[:2])
    version = (major, minor)
    assert kernel_default("net/core/somaxconn", version, release) == somaxconn
    assert kernel_default("net/ipv4/tcp_tw_reuse", version, release) == tw_reuse

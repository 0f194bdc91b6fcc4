"""What it takes to build the lab on this machine, and what of that is missing."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import NoReturn

import pytest

_TOOLS = {
    "ip": "iproute2",
    "ss": "iproute2",
    "nsenter": "util-linux",
    "mount": "mount",
    "sysctl": "procps",
    "sshd": "openssh-server",
    "ssh-keygen": "openssh-client",
    "nft": "nftables",
    "iptables": "iptables",
    "sudo": "sudo",
    "strace": "strace",
    "keepalived": "keepalived",
    "arping": "iputils-arping",
}
"""Command to Debian package."""

_SBIN = "/usr/local/sbin:/usr/sbin:/sbin"


def missing() -> str | None:
    """Why the lab cannot be built here, with the cure, or None when it can be tried."""
    if os.geteuid() != 0:
        return "the lab needs root for its network namespaces: run the tests as root"
    path = f"{os.environ.get('PATH', os.defpath)}:{_SBIN}"
    packages = {
        package for tool, package in _TOOLS.items() if shutil.which(tool, path=path) is None
    }
    if packages:
        return f"the lab lacks tools: apt-get install {' '.join(sorted(packages))}"
    if "\toverlay\n" not in Path("/proc/filesystems").read_text():
        return "the lab needs the kernel's overlay file system: modprobe overlay"
    return None


def give_up(reason: str) -> NoReturn:
    """Skip the test for this reason, or fail it where CI=true."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"{reason} (a failure, not a skip, because CI=true)", pytrace=False)
    pytest.skip(reason)

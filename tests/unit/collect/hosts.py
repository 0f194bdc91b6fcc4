"""A host in namespaces of its own, that ends with the script that it is asked to run."""

from __future__ import annotations

import shlex

import pytest

from tests.unit.collect.shells import PATH, may_make_namespaces

NEEDS_NAMESPACES = pytest.mark.skipif(
    not may_make_namespaces(), reason="needs root, to make namespaces: make test has it in CI"
)

_NAMESPACES = "unshare --net --mount --pid --fork --kill-child --mount-proc"

INCIDENTS = """
ip link set lo up
ip link add eth0 type veth peer name peer
ip addr add 192.0.2.10/24 dev eth0
ip addr add 2001:db8::10/64 dev eth0 nodad
ip link set eth0 up
sysctl -qw net.ipv4.tcp_syncookies=0 net.ipv4.tcp_tw_reuse=1 net.core.somaxconn=128 \\
  net.ipv4.conf.all.accept_redirects=0 net.ipv4.conf.eth0.accept_redirects=0 \\
  net.ipv6.conf.eth0.accept_redirects=1
"""
"""Makes a host on which some rules pass, and some fail."""


def host(setup: str, *, then: str = "exec /bin/sh -s") -> tuple[str, ...]:
    """The words that run a script, given on standard input, on such a host."""
    inside = f"export PATH={PATH}:/usr/sbin\n{{\nset -e\n{setup}\n}} </dev/null\nset +e\n{then}"
    return (*shlex.split(_NAMESPACES), "sh", "-c", inside)


def without(tool: str) -> str:
    """Setup that takes a tool (or all of them: ``*``) off every PATH."""
    return f"""
mount -t tmpfs tmpfs /mnt
ln -s /usr/bin/* /usr/sbin/* /mnt/ 2>/dev/null || true
rm -f /mnt/{tool}
mount -t tmpfs tmpfs /usr/sbin
export PATH=/mnt
"""

"""The kernel's default of sysctls whose default differs by kernel, or that each interface has.

Rules say the defaults of all others: ``@rule(defaults=...)``.

The values come from Linux's sources (net/ipv4/tcp_ipv4.c tcp_sk_init, net/ipv4/devinet.c,
net/ipv6/addrconf.c, include/net/netns and Documentation/networking/ip-sysctl.rst). Sysctls whose
default depends on the machine's memory (tcp_max_syn_backlog, fs.file-max) are not here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

_SINCE: Mapping[str, tuple[tuple[tuple[int, int], str], ...]] = {
    # Newest first: from which kernel on, and the value.
    "net/core/somaxconn": (((5, 4), "4096"), ((0, 0), "128")),
    "net/ipv4/tcp_tw_reuse": (((4, 19), "2"), ((0, 0), "0")),
}
_OF_INTERFACES: Mapping[str, Mapping[str, str]] = {
    "ipv4": {
        "accept_redirects": "1",
        "arp_announce": "0",
        "arp_ignore": "0",
        "forwarding": "0",
        "rp_filter": "0",
        "secure_redirects": "1",
        "send_redirects": "1",
        "shared_media": "1",
    },
    "ipv6": {"accept_redirects": "1", "disable_ipv6": "0", "forwarding": "0"},
}


def _somaxconn_of_rhel_8(build: int) -> str | None:
    # 128 is recorded on 4.18.0-80.11.2.el8_0, and 2048 is reported for the last minor release of
    # RHEL 8 (nginx/unit#1387). The build that changed it is not known.
    if build <= 80:
        return "128"
    return "2048" if build >= 553 else None


# Red Hat's 4.18 has parts of later kernels: tcp_tw_reuse is 2 from its first release on (recorded
# on 4.18.0-80.11.2.el8_0, where nothing sets it).
_OF_RHEL_8: Mapping[str, Callable[[int], str | None]] = {
    "net/core/somaxconn": _somaxconn_of_rhel_8,
    "net/ipv4/tcp_tw_reuse": lambda _build: "2",
}


def _build(release: str) -> int:
    """The number of Red Hat's build: 553 for ``4.18.0-553.el8_10.x86_64``."""
    match = re.match(r"[\d.]+-(\d{1,6})\.", release, re.ASCII)
    return int(match[1]) if match else 81


def kernel_default(path: str, version: tuple[int, int], release: str) -> str | None:
    """The default of a sysctl, None if it is not known.

    Args:
        path: the path below /proc/sys.
        version: the kernel's, as (5, 14).
        release: as ``4.18.0-553.el8_10.x86_64``: RHEL 8 has a default of its own.
    """
    if ".el8" in release and path in _OF_RHEL_8:
        return _OF_RHEL_8[path](_build(release))
    for since, value in _SINCE.get(path, ()):
        if version >= since:
            return value
    if path == "net/ipv4/ip_forward":
        return "0"
    conf = re.fullmatch(r"net/(ipv[46])/conf/.+/([a-z_0-9]+)", path)
    return _OF_INTERFACES[conf[1]].get(conf[2]) if conf else None

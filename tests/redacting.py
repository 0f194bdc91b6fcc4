"""Comparing evidence with what it was redacted to: its verdicts, and what is left of its names."""

from __future__ import annotations

import re
from collections import Counter
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from nethygiene.collect.evidence_lines import EvidenceHost
from nethygiene.inventory.policy import policy_from_plain
from tests.cases.case import judge, rules

# What nobody is known by: these stay, or may.
COMMON = [
    *map(ip_network, ("0.0.0.0/8", "127.0.0.0/8", "224.0.0.0/3", "::/8", "ff00::/8")),
    *map(
        ip_network,
        (
            "10.0.0.0/32",
            # Of documentation: nobody's, and kept.
            *("192.0.2.0/32", "198.51.100.0/32", "203.0.113.0/32", "2001:db8::/128"),
            "198.18.0.0/32",
            "128.0.0.0/32",
            "172.16.0.0/32",
            "192.0.0.0/32",
            "192.0.0.0/32",
            "192.168.0.0/32",
            "1.0.0.0/32",
            "fe80::/128",
            # Networks of their own kind: they stay what they are, and name nobody.
            *(
                "100.64.0.0/32",
                "169.254.0.0/32",
                "fc00::/128",
                "fec0::/128",
                "3ffe::/128",
                "2002::/128",
            ),
        ),
    ),
]
_WORD = re.compile(r"[0-9A-Fa-f]*[:.][0-9A-Fa-f:.]*[0-9A-Fa-f:]")
_MAC = re.compile(r"\b(?:[0-9a-f]{2}:){5}[0-9a-f]{2}\b")

Outcome = tuple[str, str, str | None]


def outcomes(host: EvidenceHost) -> list[Outcome]:
    """Rule, outcome and reason of every rule and item, in the order of the policy."""
    policy = policy_from_plain(host.policy).plain()
    transcript = host.transcript()
    return [
        (name, one.outcome.value, one.reason.value if one.reason else None)
        for name, rule in rules().items()
        if rule.scope == "host"
        for one in judge(rule, transcript, policy)
    ]


def text_of(host: EvidenceHost) -> str:
    """All that a host's line holds, decoded."""
    whole = b"\n".join(one.stdout + b"\n" + one.stderr for one in host.sections.values())
    names = "\n".join(host.sections)
    return (
        f"{whole.decode('utf-8', 'replace')}\n{names}\n{host.model_dump_json(exclude={'sections'})}"
    )


def addresses(text: str) -> Counter[IPv4Address | IPv6Address]:
    """The addresses in a text, found in a simple way of its own."""
    found: Counter[IPv4Address | IPv6Address] = Counter()
    for word in _WORD.findall(text):
        for one in (word, word.rpartition(":")[0]):
            if "::" not in one and one.count(".") != 3:
                continue  # a time, a version
            try:
                address = ip_address(one)
            except ValueError:
                continue
            if not any(address in net for net in COMMON if net.version == address.version):
                found[address] += 1
    return found


def left_over(original: EvidenceHost, redacted: EvidenceHost) -> set[str]:
    """Addresses, hardware addresses and names of the original that its redaction still holds.

    By chance, an address may be the pseudonym of another: 1 in thousands, as long as these are
    not all of a small network.
    """
    before, after = text_of(original), text_of(redacted)
    shared = addresses(before).keys() & addresses(after).keys()
    left = {str(one) for one in shared}
    macs = set(_MAC.findall(before)) & set(_MAC.findall(after))
    left |= macs - {"00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff"}
    policy = original.policy
    names = {original.host, *(one for one in original.groups if one != "all")}
    for section in ("services", "upstreams", "routes", "tunnels", "waivers"):
        names |= set(policy.get(section, {}))
    for tunnel in policy.get("tunnels", {}).values():
        names |= {tunnel["user"], tunnel["destination"]} - {"root", "localhost"}
    hexadecimal = {f"{int(one):08X}" for one in addresses(before) if one.version == 4}
    if original.failure is not None:
        names -= {original.failure.code}  # a case of the lab that is called by it
    words = set(re.findall(r"[\w.-]+", after)) | set(re.findall(r"[\w-]+", after))
    return left | (names | hexadecimal) & words

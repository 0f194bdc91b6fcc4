"""Random rulesets of iptables and ip6tables, in either of their two kinds."""

from __future__ import annotations

from random import Random

from tests.lab.firewall.iptables_pieces import match, rule, translation
from tests.lab.firewall.values import PORTS, often, port


def iptables(seed: int, *, six: bool) -> str:
    """A random ruleset for ``iptables-restore`` (or its brothers)."""
    random = Random(seed * 2 + six)
    lines = _filter(random, six)
    if often(random, 0.35):
        lines += _raw(random, six)
    if often(random, 0.4):
        lines += _mangle(random, six)
    if often(random, 0.45):
        lines += _nat(random, six)
    return "\n".join(lines) + "\n"


def _filter(random: Random, six: bool) -> list[str]:
    users = [f"user{n}" for n in range(random.randint(0, 3))]
    policy = random.choice(("ACCEPT", "DROP"))
    output = random.choice(("ACCEPT", "ACCEPT", "ACCEPT", "DROP"))
    forward = random.choice(("ACCEPT", "ACCEPT", "DROP"))
    lines = ["*filter", f":INPUT {policy} [0:0]", f":FORWARD {forward} [0:0]"]
    lines += [f":OUTPUT {output} [0:0]", *(f":{user} - [0:0]" for user in users)]
    for number, user in enumerate(users):
        for _ in range(random.randint(1, 4)):
            lines.append(f"-A {user} {rule(random, six, 'INPUT', users[:number])}")
    lines += [f"-A INPUT {one}" for one in _usual(random, six, "INPUT")]
    for _ in range(random.randint(2, 8)):
        lines.append(f"-A INPUT {rule(random, six, 'INPUT', users)}")
    if policy == "DROP":
        for _ in range(random.randint(1, 3)):
            lines.append(f"-A INPUT -p tcp -m tcp --dport {_range(random)} -j ACCEPT")
        lines += ["-A INPUT -p tcp -m tcp --dport 2000:2015 -j ACCEPT"] * often(random, 0.4)
    if output == "DROP" or often(random, 0.3):
        lines += [f"-A OUTPUT {one}" for one in _usual(random, six, "OUTPUT")]
        for _ in range(random.randint(0, 3)):
            lines.append(f"-A OUTPUT {rule(random, six, 'OUTPUT', [])}")
    if forward == "DROP" or often(random, 0.2):
        lines += [f"-A FORWARD {one}" for one in _usual(random, six, "FORWARD")]
        for _ in range(random.randint(0, 3)):
            lines.append(f"-A FORWARD {rule(random, six, 'FORWARD', [])}")
    return [*lines, "COMMIT"]


def _usual(random: Random, six: bool, chain: str) -> list[str]:
    """What nearly every filter begins with, or some of it."""
    established = random.choice(
        (
            "-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
            "-m state --state RELATED,ESTABLISHED -j ACCEPT",
        )
    )
    lines = [established] * often(random, 0.92)
    lines += ["-m conntrack --ctstate INVALID -j DROP"] * often(random, 0.3)
    if chain != "FORWARD":
        flag = "-i" if chain == "INPUT" else "-o"
        lines += [f"{flag} lo -j ACCEPT"] * often(random, 0.8)
    if not six:
        return lines + ["-p icmp -j ACCEPT"] * often(random, 0.8)
    kinds: tuple[list[str], ...] = (
        ["-p ipv6-icmp -j ACCEPT"],
        [f"-p ipv6-icmp -m icmp6 --icmpv6-type {kind} -j ACCEPT" for kind in (135, 136)],
        [
            f"-p ipv6-icmp -m icmp6 --icmpv6-type {n} -m hl --hl-eq 255 -j ACCEPT"
            for n in (135, 136)
        ],
        [
            f"-s fe80::/10 -p ipv6-icmp -m icmp6 --icmpv6-type {kind} -j ACCEPT"
            for kind in (135, 136)
        ],
        ["-p ipv6-icmp -m icmp6 --icmpv6-type 135 -j ACCEPT"],
        [],
    )
    return lines + random.choice(kinds[:3] if often(random, 0.8) else kinds)


def _raw(random: Random, six: bool) -> list[str]:
    lines = ["*raw", ":PREROUTING ACCEPT [0:0]", ":OUTPUT ACCEPT [0:0]"]
    if often(random, 0.5):
        lines.append(f"-A PREROUTING -p tcp -m tcp --dport {_range(random)} -j NOTRACK")
    if often(random, 0.3):
        lines.append(f"-A OUTPUT -p tcp -m tcp --sport {_range(random)} -j CT --notrack")
    lines.append(f"-A PREROUTING {rule(random, six, 'PREROUTING', [], rejects=False)}")
    return [*lines, "COMMIT"]


def _mangle(random: Random, six: bool) -> list[str]:
    every = ("PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING")
    lines = ["*mangle", *(f":{chain} ACCEPT [0:0]" for chain in every)]
    chosen = random.sample(("PREROUTING", *every), random.randint(1, 3))
    lines += [f"-A {chain} {rule(random, six, chain, [], rejects=False)}" for chain in chosen]
    if often(random, 0.3):
        lines.insert(6, "-A PREROUTING -j CONNMARK --restore-mark --nfmask 0xff --ctmask 0xff")
        lines.append(f"-A PREROUTING {match(random, six, 'PREROUTING')} -j CONNMARK --save-mark")
    return [*lines, "COMMIT"]


def _nat(random: Random, six: bool) -> list[str]:
    lines = ["*nat", ":PREROUTING ACCEPT [0:0]", ":INPUT ACCEPT [0:0]"]
    lines += [":OUTPUT ACCEPT [0:0]", ":POSTROUTING ACCEPT [0:0]"]
    lines += [f"-A PREROUTING {translation(random, six)}" for _ in range(random.randint(1, 4))]
    if often(random, 0.3):
        lines.append("-A POSTROUTING -o br0 -j MASQUERADE")
    if often(random, 0.1):
        lines.append(
            f"-A INPUT -p tcp -m tcp --dport {random.choice(PORTS)}"
            f" -j SNAT --to-source {'fd77::55' if six else '10.77.0.55'}"
        )
    return [*lines, "COMMIT"]


def _range(random: Random) -> str:
    return port(random).replace("-", ":")

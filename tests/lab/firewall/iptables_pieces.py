"""The pieces of random iptables rulesets: matches, rules, translations."""

from __future__ import annotations

from random import Random

from tests.lab.firewall.topology import BOX, VIPS
from tests.lab.firewall.values import (
    HERE4,
    HERE6,
    MARKS,
    PORTS,
    RANGES4,
    RANGES6,
    SOURCES4,
    SOURCES6,
    SPORTS,
    often,
    port,
    ports,
)

_LIMITS = (
    "-m limit --limit 1/hour --limit-burst 5",
    "-m limit --limit 10000/sec --limit-burst 10000",
    "-m connlimit --connlimit-above 0",
)
_ANSWERING = ("OUTPUT", "POSTROUTING")
_EACH = "--hashlimit-mode srcip --hashlimit-name h"


def match(random: Random, six: bool, chain: str) -> str:
    """One match, of the kinds that make sense in this chain."""
    inverted = random.choice(("", "", "! "))
    answering = chain in _ANSWERING
    mine, theirs = ("sport", "dport") if answering else ("dport", "sport")
    pick = random.randrange(18)
    if pick < 4:
        far = "-d" if answering else "-s"
        return f"{inverted}{far} {random.choice(SOURCES6 if six else SOURCES4)}"
    if pick == 4:
        near = "-s" if answering else "-d"
        return f"{inverted}{near} {random.choice(HERE6 if six else HERE4)}"
    if pick < 7:
        return f"-p tcp -m tcp {inverted}--{mine} {_range(random)}"
    if pick < 9:
        return f"-p tcp -m multiport {inverted}--{mine}s {ports(random).replace(' ', '')}"
    if pick == 9:
        return f"-p tcp -m tcp {inverted}--{theirs} {random.choice(SPORTS).replace('-', ':')}"
    if pick == 10:
        flag = "-o" if answering else "-i"
        return f"{inverted}{flag} {random.choice(('eth0', 'eth1', 'eth+', 'lo', 'br0'))}"
    if pick == 11:
        bit = random.choice(MARKS)
        name = random.choice(("mark", "connmark"))
        return f"-m {name} {inverted}--mark {random.choice((bit, f'{bit}/{bit}'))}"
    return random.choice(_others(random, six, chain, inverted))


def _others(random: Random, six: bool, chain: str, inverted: str) -> tuple[str, ...]:
    found = (
        random.choice(_LIMITS),
        "-m conntrack --ctstate NEW",
        "-m conntrack --ctstate RELATED,ESTABLISHED",
        "-m state --state NEW,INVALID",
        "-m conntrack ! --ctstate NEW",
        "-m conntrack --ctstate UNTRACKED",
        "-m conntrack --ctstate DNAT",
        "-m conntrack --ctdir REPLY",
        f"-m conntrack --ctorigdstport {random.choice(PORTS)}",
        "-p tcp -m tcp --syn",
        "-p tcp -m tcp ! --syn",
        "-p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN",
        "-p tcp -m tcp --tcp-flags SYN,ACK SYN,ACK",
        "-p tcp -m tcp --tcp-flags ALL ACK",
        "-p udp -m udp --dport 2003",
        "! -p tcp",
        f"-p tcp -m multiport --ports {ports(random).replace(' ', '')}",
        f"-p tcp -m multiport ! --ports {ports(random).replace(' ', '')}",
        f"-m conntrack --ctorigsrc {random.choice(SOURCES6 if six else SOURCES4)}",
        "-m conntrack ! --ctstate DNAT",
        "-m conntrack --ctstate DNAT,INVALID",
        "-m conntrack --ctstatus SEEN_REPLY",
        "-m helper --helper ftp",
        f"-m hashlimit --hashlimit-above 50000/sec --hashlimit-burst 50000 {_EACH}",
        "-p tcp -m tcpmss --mss 1:535",
        "-p tcp -m tcp --tcp-flags SYN SYN -m tcpmss ! --mss 536:65535",
        "-m ttl --ttl-lt 5" if not six else "-m hl --hl-lt 5",
        '-m comment --comment "it is -j DROP here"',
    )
    if chain in _ANSWERING:
        return found
    ranges = random.choice(RANGES6 if six else RANGES4)
    return (
        *found,
        f"-m iprange {inverted}--src-range {ranges}",
        f"-m set {inverted}--match-set {'six' if six else random.choice(('four', 'banned'))} src",
        f"-m set --match-set {'sixpairs' if six else 'pairs'} src,dst",
        f"-m set --match-set {'ports dst' if six else random.choice(('ports dst', 'vips dst'))}",
        "-m addrtype --dst-type LOCAL",
        "-m addrtype --src-type UNICAST",
        "-m addrtype --dst-type LOCAL --limit-iface-in"
        if not six
        else "-m pkttype --pkt-type host",
        "-m pkttype --pkt-type broadcast",
        "-m policy --dir in --pol none",
        "-m policy --dir in --pol ipsec",
        "-m addrtype --dst-type UNICAST",
        "-m addrtype ! --dst-type LOCAL",
        "-m addrtype --src-type LOCAL",
        "-m addrtype --dst-type MULTICAST" if six else "-m addrtype --dst-type BROADCAST,MULTICAST",
        "-m physdev --physdev-in eth7",
        "-m physdev ! --physdev-in eth7",
        "-m connlimit --connlimit-above 5000",
        "-m recent --rcheck --seconds 60 --name never",
    )


def rule(random: Random, six: bool, chain: str, users: list[str], *, rejects: bool = True) -> str:
    """One rule, without its chain; REJECT is for the table filter alone."""
    matches: dict[str, str] = {}
    for _ in range(random.randint(1, 3)):
        one = match(random, six, chain)
        key = " ".join(one.removeprefix("! ").split()[:2])
        matches.setdefault(key if one.startswith("-m") else key.split()[0], one)
    if "-m state" in matches:
        matches.pop("-m conntrack", None)
    targets = ["ACCEPT"] * 5 + ["DROP"] * 2 + ["RETURN", "LOG"]
    if rejects:
        targets += ["REJECT", "REJECT --reject-with tcp-reset"]
    if chain in {"PREROUTING", "OUTPUT", "POSTROUTING"}:
        targets += [_marking(random)] * 2
    targets += users * 2
    target = random.choice(targets)
    if target.endswith("tcp-reset") and not matches.get("-p", "").startswith("-p tcp"):
        matches["-p"] = "-p tcp"
    return f"{' '.join(matches.values())} -j {target}"


def _marking(random: Random) -> str:
    bit = random.choice(MARKS)
    return random.choice(
        (
            f"MARK --set-xmark {bit}/0xffffffff",
            f"MARK --set-xmark {bit}/{bit}",
            f"MARK --set-xmark 0x0/{bit}",
            f"MARK --or-mark {bit}",
            f"MARK --and-mark 0xfffffff{random.choice('be')}",
            f"CONNMARK --set-xmark {bit}/{bit}",
            "CONNMARK --save-mark --nfmask 0xffffffff --ctmask 0xffffffff",
            "CONNMARK --restore-mark --nfmask 0xffffffff --ctmask 0xffffffff",
        )
    )


def translation(random: Random, six: bool) -> str:
    """A rule of nat's PREROUTING: for these connections, or for others."""
    guard = match(random, six, "PREROUTING") if often(random, 0.6) else ""
    if guard.startswith(("-p", "! -p")):
        guard = ""
    local = (
        "-m addrtype --dst-type LOCAL " if often(random, 0.4) and "addrtype" not in guard else ""
    )
    box = f"[{BOX[1]}]" if six else BOX[0]
    vip = f"[{VIPS[1]}]" if six else VIPS[0]
    one, other = random.sample(PORTS, 2)
    tcp = f"{guard} {local}-p tcp -m tcp --dport {_range(random)}"
    choices = [
        f"{tcp} -j REDIRECT --to-ports {other}",
        f"-p tcp -m tcp --dport {one} -j REDIRECT --to-ports {random.choice((one, other))}",
        f"{tcp} -j DNAT --to-destination {box}:{other}",
        f"{tcp} -j DNAT --to-destination {vip}:{other}",
        f"-d {vip.strip('[]')} {tcp.strip()} -j DNAT --to-destination {box}"
        if "-d " not in guard
        else f"{tcp} -j ACCEPT",
        f"{tcp} -j ACCEPT",
    ]
    if not six:
        choices += [
            f"-s 198.51.100.0/24 -p tcp -m tcp --dport {one} -j DNAT --to-destination 10.1.1.1",
            f"-d 198.51.100.1/32 -p tcp -m tcp --dport {one} -j DNAT --to-destination 10.1.1.1",
            f"-i lo -p tcp -m tcp --dport {one} -j DNAT --to-destination 10.1.1.1",
            f"{tcp} -j DNAT --to-destination 127.0.0.1:{other}",
        ]
    return random.choice(choices)


def _range(random: Random) -> str:
    return port(random).replace("-", ":")

"""Random rulesets of nft: what people write, in combinations that nobody would."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from tests.lab.firewall.nft_pieces import LIMITS, match, sets
from tests.lab.firewall.nft_statements import rule
from tests.lab.firewall.nft_translations import nat_rules
from tests.lab.firewall.values import MARKS, PORTS, often, port, ports

Chain = tuple[str, str, list[str]]
"""Hook and priority, policy, rules."""


def nft(seed: int) -> str:
    """A random ruleset for ``nft -f``."""
    random = Random(seed)
    tables = []
    for number in range(random.choice((1, 1, 2))):
        family = random.choice(("inet", "inet", "inet", "ip", "ip6"))
        tables.append(_table(random, family, f"t{number}"))
    if often(random, 0.12):
        tables.append(arp_table(random))
    if often(random, 0.12):
        tables.append(netdev_table(random))
    return "\n".join(tables) + "\n"


def single(seed: int) -> str:
    """A ruleset for ``nft -f`` of hardly more than one rule: what it does, nothing hides."""
    random = Random(seed)
    hook = ("input", "output", "prerouting", "postrouting", "forward")[seed % 5]
    mine = "sport" if hook in {"output", "postrouting"} else "dport"
    rules = [f"{match(random, 'inet', hook)} drop"]
    if seed % 4 == 0:
        rules = [f"{random.choice(LIMITS)} tcp {mine} 2000-2011 drop"]
    elif seed % 4 == 1:
        bit = random.choice(MARKS)
        rules = [
            f"tcp {mine} 2000-2011 meta mark set meta mark | {bit}",
            f"tcp {mine} 2000-2005 ct mark set meta mark",
            f"{random.choice(('meta', 'ct'))} mark & {bit} == {bit} drop",
        ]
    body = [_chain("c", f"type filter hook {hook} priority 0;", rules)]
    if seed % 4 == 2:
        to = random.choice(PORTS)
        nat = [f"tcp dport {{ {ports(random, 6)} }} redirect to :{to}"]
        body.append(_chain("to", "type nat hook prerouting priority dstnat;", nat))
        body.append(_chain("i", "type filter hook input priority 5;", [f"tcp dport {to} drop"]))
    if seed % 4 == 3:
        state = random.choice(("new", "established", "new,untracked"))
        rules = [*_neighbours(random, "inet", 1), f"ct state {state} accept"]
        body.append(_chain("s", "type filter hook input priority 5; policy drop;", rules))
    lines = "\n".join(body)
    return f"table inet t {{\n{lines}\n}}\n"


def _table(random: Random, family: str, name: str) -> str:
    body = sets(random, family)
    subchains: list[str] = []
    for each in range(random.randint(0, 3)):
        rules = [rule(random, family, "sub", subchains) for _ in range(random.randint(1, 4))]
        body.append(_chain(f"sub{each}", "", rules))
        subchains.append(f"sub{each}")
    for number, (hook, policy, rules) in enumerate(_chains(random, family, subchains)):
        head = f"type filter hook {hook}; policy {policy};"
        body.append(_chain(f"chain{number}", head, rules))
    if often(random, 0.35):
        rules = nat_rules(random, family)
        body.append(_chain("to", "type nat hook prerouting priority dstnat;", rules))
        if often(random, 0.3):
            source = f"{match(random, family, 'input')} masquerade"
            body.append(_chain("from", "type nat hook postrouting priority srcnat;", [source]))
    lines = "\n".join(body)
    return f"table {family} {name} {{\n{lines}\n}}"


def _chains(random: Random, family: str, subchains: list[str]) -> list[Chain]:
    chains: list[Chain] = []
    chances: tuple[tuple[float, Callable[[], Chain]], ...] = (
        (0.7, lambda: _host_input(random, family, subchains)),
        (0.4, lambda: _mess(random, family, subchains, "input")),
        (0.3, lambda: _mess(random, family, subchains, "prerouting")),
        (0.25, lambda: _host_output(random, family, subchains)),
        (0.25, lambda: _mess(random, family, subchains, "output")),
        (0.2, lambda: _mess(random, family, subchains, "forward")),
        (0.15, lambda: _mess(random, family, subchains, "postrouting")),
        (0.25, lambda: _raw(random, family)),
    )
    for chance, make in chances:
        if often(random, chance):
            chains.append(make())
    return chains


def _mess(random: Random, family: str, subchains: list[str], hook: str) -> Chain:
    # No two chains of one hook with one priority: the order of their making would not show.
    priorities = {"prerouting": (-290, -150, -50), "input": (-150, -5, 50)}
    priority = random.choice(priorities.get(hook, (-150, -10, 10)))
    rules = [rule(random, family, hook, subchains) for _ in range(random.randint(1, 6))]
    policy = "accept"
    if often(random, 0.12):
        policy = "drop"
        rules = [*_neighbours(random, family, 0.9), *rules]
        rules += ["ct state established accept"] * often(random, 0.6)
        rules += ["tcp dport 2000-2023 accept"] * often(random, 0.7)
    return f"{hook} priority {priority}", policy, rules


def _host_input(random: Random, family: str, subchains: list[str]) -> Chain:
    rules: list[str] = []
    if often(random, 0.85):
        rules.append(
            random.choice(
                (
                    "ct state established,related accept",
                    "ct state vmap { established : accept, related : accept, invalid : drop }",
                    "ct state { established, related } counter accept",
                )
            )
        )
    rules += ["ct state invalid drop"] * often(random, 0.5)
    rules += ['iifname "lo" accept'] * often(random, 0.8)
    rules += _neighbours(random, family, 0.85)
    for _ in range(random.randint(1, 5)):
        if often(random, 0.3):
            rules.append(rule(random, family, "input", subchains))
        elif often(random, 0.3):
            rules.append(f"{match(random, family, 'input')} tcp dport {{ {ports(random)} }} accept")
        else:
            state = "ct state new " * often(random, 0.4)
            rules.append(f"tcp dport {port(random)} {state}accept")
    if often(random, 0.3):
        rules.append(random.choice(("reject", "reject with icmpx type admin-prohibited", "drop")))
    return "input priority 0", random.choice(("drop", "drop", "drop", "accept")), rules


def _host_output(random: Random, family: str, subchains: list[str]) -> Chain:
    rules = [
        *["ct state established,related accept"] * often(random, 0.7),
        *['oifname "lo" accept'] * often(random, 0.7),
        *_neighbours(random, family, 0.7),
        *[f"tcp sport {{ {ports(random, 8)} }} accept"] * often(random, 0.5),
        *[rule(random, family, "output", subchains) for _ in range(random.randint(0, 3))],
    ]
    return "output priority 0", random.choice(("drop", "drop", "accept")), rules


def _neighbours(random: Random, family: str, share: float) -> list[str]:
    """What lets neighbour discovery and ping through, or some of it."""
    if family == "ip":
        return ["ip protocol icmp accept"] * often(random, 0.8)
    kinds = (
        ["meta l4proto { icmp, ipv6-icmp } accept"],
        ["meta l4proto ipv6-icmp accept"],
        ["icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-advert } accept"],
        ["icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } ip6 hoplimit 255 accept"],
        ["icmpv6 type nd-neighbor-solicit accept", "icmpv6 type nd-neighbor-advert accept"],
        ["ip6 saddr fe80::/10 icmpv6 type 133-137 accept"],
        ["icmpv6 type { echo-request, nd-neighbor-solicit } accept"],
    )
    return random.choice(kinds[:4] if often(random, share) else kinds)


def _raw(random: Random, family: str) -> Chain:
    hook, side = random.choice((("prerouting", "dport"), ("output", "sport")))
    rules = [f"tcp {side} {port(random)} notrack"]
    if often(random, 0.3):
        rules.insert(0, f"{match(random, family, hook)} accept")
    return f"{hook} priority raw", "accept", rules


def arp_table(random: Random) -> str:
    """A table that drops some questions or answers of ARP."""
    hook = random.choice(("input", "output"))
    rules = random.choice(
        (
            ["arp operation request arp saddr ip 198.18.200.0/24 drop"],
            ["arp operation reply drop"],
            ["arp operation request drop"],
            ["arp saddr ip 198.18.200.1 drop"],
            ["arp daddr ip 10.77.0.100 drop"],
            ['iifname "eth1" drop' if hook == "input" else 'oifname "eth1" drop'],
        )
    )
    return f"table arp a {{\n{_chain('a', f'type filter hook {hook} priority 0;', rules)}\n}}"


def netdev_table(random: Random) -> str:
    """A chain at an interface, which sees frames."""
    hook = random.choice(("ingress", "egress"))
    device = random.choice(("eth0", "eth1"))
    rules = random.choice(
        (
            [f"tcp {'dport' if hook == 'ingress' else 'sport'} {port(random)} drop"],
            ["ip saddr 198.18.200.0/24 drop"],
            ["ip6 nexthdr tcp tcp dport 2000-2011 drop"],
            ["tcp flags & (fin|syn|rst|ack) == syn tcp dport 2001 drop"],
            ["meta mark set 0x4"],
            ["ip daddr 198.18.200.1 drop", "icmpv6 type nd-neighbor-advert drop"],
            ["ether type arp accept", f"tcp dport {{ {ports(random)} }} accept"],
        )
    )
    head = f"type filter hook {hook} device {device} priority 0;"
    return f"table netdev n {{\n{_chain('n', head, rules)}\n}}"


def _chain(name: str, head: str, rules: list[str]) -> str:
    lines = "\n".join(f"  {one}" for one in rules)
    return f"chain {name} {{\n  {head}\n{lines}\n}}"

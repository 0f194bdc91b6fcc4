"""Random rulesets about what a host opens, forwards, answers, and sends without a connection."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from random import Random

from tests.lab.firewall.crossing_pieces import destinations, guards, icmp, nat, turned, turned_saved
from tests.lab.firewall.iptables_pieces import rule as saved_rule
from tests.lab.firewall.nft_pieces import match, sets
from tests.lab.firewall.nft_rulesets import arp_table, netdev_table
from tests.lab.firewall.nft_statements import rule
from tests.lab.firewall.values import MARKS, PORTS, often, port, ports

_HOOKS = ("input", "output", "forward", "prerouting", "postrouting")
_PRIORITIES = {"prerouting": (-290, -150, -50), "input": (-150, -5, 50)}


def crossing_nft(seed: int) -> str:
    """A random ruleset for ``nft -f``."""
    random = Random(f"crossing {seed}")
    tables = []
    for number in range(random.choice((1, 1, 2))):
        family = random.choice(("inet", "inet", "inet", "ip", "ip6"))
        tables.append(_table(random, family, f"t{number}"))
    # What stands last in the random numbers changes none of the tables before.
    if often(random, 0.08):
        tables.append(arp_table(random))
    if often(random, 0.08):
        tables.append(turned(random, netdev_table(random)))
    return "\n".join(tables) + "\n"


def _table(random: Random, family: str, name: str) -> str:
    body = sets(random, family)
    subchains: list[str] = []
    for each in range(random.randint(0, 2)):
        rules = [_rule(random, family, "sub", subchains) for _ in range(random.randint(1, 3))]
        body.append(_chain(f"sub{each}", "", rules))
        subchains.append(f"sub{each}")
    for hook in _HOOKS:
        if often(random, 0.35 if hook in {"input", "output", "forward"} else 0.15):
            body.append(_stateful(random, family, subchains, hook))
        if often(random, 0.2):
            priority = random.choice(_PRIORITIES.get(hook, (-150, -10, 10)))
            rules = [_rule(random, family, hook, subchains) for _ in range(random.randint(1, 4))]
            head = f"type filter hook {hook} priority {priority};"
            body.append(_chain(f"mess_{hook}", head, rules))
    if often(random, 0.2):
        hook = random.choice(("prerouting", "output"))
        rules = [f"tcp {random.choice(('sport', 'dport'))} {port(random)} notrack"]
        body.append(_chain("raw", f"type filter hook {hook} priority raw;", rules))
    if often(random, 0.25):
        bit = random.choice(MARKS)
        rules = [f"{_one(random, family, 'output')} meta mark set {bit}"]
        rules += ["ct mark set meta mark"] * often(random, 0.3)
        body.append(_chain("route", "type route hook output priority mangle;", rules))
    body += nat(random, family)
    lines = "\n".join(body)
    return f"table {family} {name} {{\n{lines}\n}}"


def _rule(random: Random, family: str, hook: str, subchains: list[str]) -> str:
    if often(random, 0.2):
        return f"{icmp(random, family)} {random.choice(('accept', 'drop'))}"
    return turned(random, _without_limits(lambda: rule(random, family, hook, subchains)))


def _one(random: Random, family: str, hook: str) -> str:
    if often(random, 0.15):
        return icmp(random, family)
    return turned(random, _without_limits(lambda: match(random, family, hook)))


def _without_limits(make: Callable[[], str]) -> str:
    """A rule whose limit nobody meets, or that has none: else several tries would differ."""
    made = make()
    while any(limit in made for limit in ("1/hour", "ct count over 0", "connlimit-above 0")):
        made = make()
    return made


def _stateful(random: Random, family: str, subchains: list[str], hook: str) -> str:
    rules = []
    if often(random, 0.8):
        rules += [
            random.choice(
                (
                    "ct state established,related accept",
                    "ct state vmap { established : accept, related : accept, invalid : drop }",
                    "ct state { established, related } counter accept",
                    "ct state established accept",
                    "ct state related accept",
                )
            )
        ]
    rules += ["ct state invalid drop"] * often(random, 0.3)
    rules += guards(random, family)
    for _ in range(random.randint(0, 4)):
        pick = random.random()
        if pick < 0.35:
            rules.append(_rule(random, family, hook, subchains))
        elif pick < 0.6:
            rules.append(f"{_one(random, family, hook)} accept")
        elif pick < 0.75:
            state = "ct state new " * often(random, 0.4)
            rules.append(f"tcp dport {{ {ports(random, 8)} }} {state}accept")
        else:
            rules.append(f"tcp {random.choice(('dport', 'sport'))} {port(random)} accept")
    rules += ["tcp dport 2000-2015 accept"] * often(random, 0.5)
    rules += ["meta l4proto tcp accept"] * often(random, 0.25)
    policy = random.choice(("drop", "drop", "accept"))
    if hook in {"input", "forward", "output"} and often(random, 0.2):
        rules.append(random.choice(("reject", "drop")))
    return _chain(hook, f"type filter hook {hook} priority 0; policy {policy};", rules)


def _chain(name: str, head: str, rules: list[str]) -> str:
    lines = "\n".join(f"  {one}" for one in rules)
    return f"chain {name} {{\n  {head}\n{lines}\n}}"


def crossing_iptables(seed: int, *, six: bool) -> str:
    """A random ruleset for ``iptables-restore`` (or its brothers)."""
    random = Random(f"crossing {seed * 2 + six}")
    lines = ["*filter"]
    lines += [
        f":{chain} {random.choice(('ACCEPT', 'DROP'))} [0:0]"
        for chain in ("INPUT", "FORWARD", "OUTPUT")
    ]
    lines.append(":user - [0:0]")
    lines += [f"-A user {_saved_rule(random, six, 'FORWARD', [])}" for _ in range(2)]
    for chain in ("INPUT", "FORWARD", "OUTPUT"):
        lines += _usual(random, six, chain)
        for _ in range(random.randint(0, 3)):
            # The chain has matches of the interface that packets come in by.
            users = ["user"] * (chain != "OUTPUT")
            lines.append(f"-A {chain} {_saved_rule(random, six, chain, users)}")
        lines += [f"-A {chain} -p tcp -m tcp --dport 2000:2015 -j ACCEPT"] * often(random, 0.5)
        lines += [f"-A {chain} -p tcp -j ACCEPT"] * often(random, 0.2)
    lines.append("COMMIT")
    if often(random, 0.2):
        chain = random.choice(("PREROUTING", "OUTPUT"))
        end = random.choice(("sport", "dport"))
        asked = f"-p tcp -m tcp --{end} {port(random).replace('-', ':')}"
        lines += ["*raw", ":PREROUTING ACCEPT [0:0]", ":OUTPUT ACCEPT [0:0]"]
        lines += [f"-A {chain} {asked} -j CT --notrack", "COMMIT"]
    if often(random, 0.4):
        lines += _mangle(random, six)
    if often(random, 0.6):
        lines += _nat(random, six)
    return "\n".join(lines) + "\n"


def _usual(random: Random, six: bool, chain: str) -> list[str]:
    kinds = random.choice(("RELATED,ESTABLISHED",) * 4 + ("ESTABLISHED", "RELATED"))
    lines = [f"-A {chain} -m conntrack --ctstate {kinds} -j ACCEPT"] * often(random, 0.8)
    lines += [f"-A {chain} -m conntrack --ctstate INVALID -j DROP"] * often(random, 0.3)
    lines += [f"-A {chain} -p vrrp -j ACCEPT"] * often(random, 0.3)
    if not six:
        types = ("any", "3/4", "3", "8", "0", "11")
        one = f"-A {chain} -p icmp -m icmp --icmp-type {random.choice(types)} -j ACCEPT"
        return lines + [one] * often(random, 0.5)
    if often(random, 0.85):
        return [*lines, f"-A {chain} -p ipv6-icmp -j ACCEPT"]
    kinds6 = random.sample(("128", "2", "1/4", "133", "134", "135", "136", "129"), 4)
    head = f"-A {chain} -p ipv6-icmp -m icmp6 --icmpv6-type"
    return [*lines, *(f"{head} {one} -j ACCEPT" for one in kinds6)]


def _saved_rule(random: Random, six: bool, chain: str, users: list[str]) -> str:
    rejects = chain in {"INPUT", "FORWARD", "OUTPUT"}
    made = _without_limits(lambda: saved_rule(random, six, chain, users, rejects=rejects))
    if chain == "FORWARD" and "MARK" in made:
        made = re.sub(r"-j (CONN)?MARK .*", "-j DROP", made)
    return turned_saved(random, made)


def _mangle(random: Random, six: bool) -> list[str]:
    every = ("PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING")
    lines = ["*mangle", *(f":{chain} ACCEPT [0:0]" for chain in every)]
    for chain in random.sample(("OUTPUT", *every), random.randint(1, 3)):
        found = _without_limits(partial(saved_rule, random, six, chain, [], rejects=False))
        made = turned_saved(random, found)
        lines.append(f"-A {chain} {made}")
    if often(random, 0.4):
        asked = f"-p tcp -m tcp --dport {port(random).replace('-', ':')}"
        lines.append(f"-A OUTPUT {asked} -j MARK --set-xmark {random.choice(MARKS)}/0xffffffff")
    return [*lines, "COMMIT"]


def _nat(random: Random, six: bool) -> list[str]:
    to4, to6, from4, from6 = destinations(random)
    to, source = (f"[{to6}]", from6) if six else (to4, from4)
    lines = ["*nat", ":PREROUTING ACCEPT [0:0]", ":INPUT ACCEPT [0:0]"]
    lines += [":OUTPUT ACCEPT [0:0]", ":POSTROUTING ACCEPT [0:0]"]
    asked = f"-p tcp -m tcp --dport {port(random).replace('-', ':')}"
    other = random.choice(PORTS)
    into = random.choice((f"{to}:{other}", to))
    lines += [f"-A PREROUTING {asked} -j DNAT --to-destination {into}"] * often(random, 0.5)
    lines += [f"-A PREROUTING {asked} -j REDIRECT --to-ports {other}"] * often(random, 0.15)
    lines += [f"-A OUTPUT {asked} -j DNAT --to-destination {into}"] * often(random, 0.5)
    device = random.choice(("eth0", "eth1"))
    lines += random.choice(
        (
            [f"-A POSTROUTING -o {device} -j MASQUERADE"],
            [f"-A POSTROUTING {asked} -j MASQUERADE"],
            [f"-A POSTROUTING -o {device} -j SNAT --to-source {source}"],
            [f"-A POSTROUTING {asked} -j SNAT --to-source {source}"],
            [f"-A POSTROUTING -o {device} -p tcp -j MASQUERADE --to-ports 1024-65535"],
            [],
        )
    )
    return [*lines, "COMMIT"]

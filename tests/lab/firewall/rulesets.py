"""Random rulesets: what people write, in combinations that nobody would."""

from __future__ import annotations

from random import Random

PORTS = tuple(range(2000, 2024))
"""The ports that are listened on, and that the rules are about."""
FOUR = ("198.18.200.1", "198.18.200.2", "198.18.201.1", "10.77.0.1", "10.77.0.9")
SIX = ("fd42:198:18::c1", "fd42:198:18::c2", "fd77::1", "fd77::9")
SOURCES = FOUR + SIX
_FOUR_NETS = ("198.18.200.0/24", "198.18.200.1", "198.18.0.0/16", "10.77.0.0/29", "10.0.0.0/8")
_FOUR_RANGES = ("198.18.200.2-198.18.201.9", "10.77.0.0-10.77.0.3")
_SIX_NETS = ("fd42:198:18::/64", "fd42:198:18::c1", "fd77::/126", "fd00::/8")
_VERDICTS = ("accept", "drop", "reject")


def _port(random: Random) -> str:
    low = random.choice(PORTS)
    return random.choice((str(low), f"{low}-{min(low + random.randint(1, 8), 2030)}"))


def _ports(random: Random, n: int = 4) -> str:
    return ", ".join(str(one) for one in sorted(random.sample(PORTS, random.randint(1, n))))


def _nft_source(random: Random, family: str) -> str:
    four = random.random() < 0.6 if family == "inet" else family == "ip"
    nets = _FOUR_NETS if four else _SIX_NETS
    sign = random.choice(("", "", "!= "))
    pick = random.random()
    if pick < 0.5:
        value = random.choice(nets)
    elif pick < 0.7 and four:
        value = random.choice(_FOUR_RANGES)
    elif pick < 0.85:
        distinct = random.sample(SIX if not four else FOUR, 2)
        value = "{ " + ", ".join(distinct) + " }"
    else:
        value = "@four" if four else "@six"
    return f"{'ip' if four else 'ip6'} saddr {sign}{value}"


def _nft_match(random: Random, family: str) -> str:
    pick = random.randrange(16)
    if pick < 4:
        return _nft_source(random, family)
    if pick < 7:
        return f"tcp dport {random.choice(('', '', '!= '))}{_port(random)}"
    if pick == 7:
        return f"tcp dport {{ {_ports(random)} }}"
    if pick == 8:
        device = random.choice(("eth0", "eth1", "eth*", "lo"))
        return f'iifname {random.choice(("", "!= "))}"{device}"'
    return random.choice(
        (
            f"tcp dport {random.choice(('<', '>', '<=', '>='))} {random.choice(PORTS)}",
            "ct state new",
            "ct state established,related",
            "ct state { invalid, untracked }",
            "meta l4proto tcp",
            "meta l4proto { tcp, udp }",
            "meta l4proto udp",
            "tcp flags syn",
            "tcp flags & (fin|syn|rst|ack) == syn",
            "limit rate 100000/second burst 10000 packets",
            "limit rate over 100000/second burst 10000 packets",
            "fib daddr type local",
            "fib daddr type != local",
            "fib saddr . iif oif missing",
            "fib saddr . iif oif exists",
            "meta mark 0x7",
            "meta mark & 0x4 == 0x4",
            "th dport @ports",
            "tcp dport @ports",
            "meta nfproto ipv4" if family == "inet" else "meta l4proto 6",
            "ct direction original",
            f"tcp sport {random.choice(('1024-65535', '0-1023', '53'))}",
            "meta pkttype { broadcast, multicast }",
            "ip saddr . tcp dport @pairs" if family != "ip6" else "ip6 nexthdr tcp",
            "ip protocol tcp" if family != "ip6" else "meta protocol ip6",
            'tcp dport . iifname { 2003 . "eth0", 2004 . "eth1", 2005 . "eth0" }',
            "udp dport 2003",
            "icmp type echo-request" if family != "ip6" else "icmpv6 type echo-request",
        )
    )


def _nft_rule(random: Random, family: str, subchains: list[str]) -> str:
    pick = random.random()
    if pick < 0.08:
        ports = random.sample(PORTS, 4)
        jump = f"jump {random.choice(subchains)}" if subchains else "return"
        verdicts = random.sample(["accept", "drop", "continue", jump], 4)
        inner = ", ".join(f"{p} : {v}" for p, v in zip(ports, verdicts, strict=True))
        return f"tcp dport vmap {{ {inner} }}"
    if pick < 0.13:
        one, other = random.sample(_VERDICTS[:2], 2)
        if family != "ip6":
            return f"ip saddr vmap {{ 198.18.200.0/24 : {one}, 10.77.0.1 : {other} }}"
        return f"ip6 saddr vmap {{ fd42:198:18::c1 : {one}, fd77::/126 : {other} }}"
    if pick < 0.16:
        return "ct state vmap { established : accept, related : accept, invalid : drop }"
    matches = [_nft_match(random, family) for _ in range(random.randint(1, 3))]
    verdicts = ["accept"] * 3 + ["drop"] * 3 + ["reject", "reject with tcp reset", "return"]
    if subchains:
        verdicts += [f"jump {random.choice(subchains)}"] * 3 + [f"goto {random.choice(subchains)}"]
    verdicts.append("meta mark set 0x7")
    verdicts.append("counter")
    verdict = random.choice(verdicts)
    if verdict == "reject with tcp reset":
        matches.append("meta l4proto tcp")
    return f"{' '.join(dict.fromkeys(matches))} {verdict}"


def _nft_sets(random: Random, family: str) -> list[str]:
    lines = []
    if family != "ip6":
        port = random.choice(PORTS)
        pairs = f"elements = {{ 198.18.200.0/24 . 2000-2008, 10.77.0.9 . {port} }}"
        lines += [
            "set four { type ipv4_addr; flags interval; elements={ 198.18.200.2, 10.77.0.0/30 } }",
            f"set pairs {{ type ipv4_addr . inet_service; flags interval; {pairs} }}",
        ]
    if family != "ip":
        lines.append(
            "set six { type ipv6_addr; flags interval; elements = { fd42:198:18::c2, fd77::/126 } }"
        )
    lines.append(
        f"set ports {{ type inet_service; flags interval; elements = {{ {_port(random)} }} }}"
    )
    return lines


def nft(seed: int) -> str:
    """A random ruleset for ``nft -f``."""
    random = Random(seed)
    tables = []
    for number in range(random.choice((1, 1, 2))):
        family = random.choice(("inet", "inet", "ip", "ip6"))
        body = _nft_sets(random, family)
        subchains: list[str] = []
        for each in range(random.randint(0, 3)):
            rules = [_nft_rule(random, family, subchains) for _ in range(random.randint(1, 4))]
            body.append(_chain(f"sub{each}", "", rules))
            subchains.append(f"sub{each}")
        for hook, priority in _nft_hooks(random):
            policy = random.choice(("accept", "accept", "drop")) if hook == "input" else "accept"
            rules = [_nft_rule(random, family, subchains) for _ in range(random.randint(2, 9))]
            if policy == "drop":
                # Else neighbour discovery dies with the rest, and then all is closed.
                rules = ["meta l4proto { icmp, ipv6-icmp } accept", *rules]
            if priority < -200 and random.random() < 0.5:
                rules.append(f"tcp dport {_port(random)} notrack")
            if hook != "input":
                rules = [rule for rule in rules if not rule.endswith(" reject")]
            head = f"type filter hook {hook} priority {priority}; policy {policy};"
            body.append(_chain(f"{hook}{priority + 400}", head, rules))
        if random.random() < 0.4:
            to = random.choice(PORTS)
            rules = [f"{_nft_match(random, family)} meta l4proto tcp redirect to :{to}"]
            rules.append(f"tcp dport {_port(random)} redirect to :{random.choice(PORTS)}")
            body.append(_chain("nat", "type nat hook prerouting priority dstnat;", rules))
        lines = "\n".join(body)
        tables.append(f"table {family} t{number} {{\n{lines}\n}}")
    return "\n".join(tables) + "\n"


def _nft_hooks(random: Random) -> list[tuple[str, int]]:
    hooks = [("input", random.choice((-5, 0, 10)))]
    if random.random() < 0.4:
        hooks.append(("input", random.choice((-150, 50))))
    if random.random() < 0.4:
        hooks.append(("prerouting", random.choice((-300, -150, -50))))
    return hooks


def _chain(name: str, head: str, rules: list[str]) -> str:
    lines = "\n".join(f"  {rule}" for rule in rules)
    return f"chain {name} {{\n  {head}\n{lines}\n}}"


def _ipt_match(random: Random, six: bool) -> str:
    nets = _SIX_NETS if six else _FOUR_NETS
    inverted = random.choice(("", "", "! "))
    pick = random.randrange(14)
    if pick < 4:
        return f"{inverted}-s {random.choice(nets)}"
    if pick < 6:
        return f"-p tcp -m tcp {inverted}--dport {_port(random).replace('-', ':')}"
    if pick < 8:
        return f"-p tcp -m multiport {inverted}--dports {_ports(random).replace(' ', '')}"
    if pick == 8:
        return f"{inverted}-i {random.choice(('eth0', 'eth1', 'eth+', 'lo'))}"
    first = "fd42:198:18::c1-fd42:198:18::c9" if six else random.choice(_FOUR_RANGES)
    return random.choice(
        (
            "-m conntrack --ctstate NEW",
            "-m conntrack --ctstate RELATED,ESTABLISHED",
            "-m state --state NEW,INVALID",
            "-m conntrack ! --ctstate NEW",
            f"-m iprange {inverted}--src-range {first}",
            f"-m set {inverted}--match-set {'six' if six else 'four'} src",
            f"-m set --match-set {'sixpairs' if six else 'pairs'} src,dst",
            "-m addrtype --dst-type LOCAL",
            "-m addrtype --src-type UNICAST",
            "-m mark --mark 0x4/0x4",
            "-m limit --limit 10000/sec --limit-burst 10000",
            "-m connlimit --connlimit-above 5000",
            "-m recent --rcheck --seconds 60 --name never",
            "-p tcp -m tcp --syn",
            "-p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN",
            "-p udp -m udp --dport 2003",
            '-m comment --comment "it is -j DROP here"',
            "-p tcp -m tcp --sport 1024:65535",
            "-m pkttype --pkt-type broadcast",
        )
    )


def _ipt_rule(random: Random, six: bool, users: list[str], *, rejects: bool = True) -> str:
    matches: dict[str, str] = {}
    for _ in range(random.randint(1, 3)):
        one = _ipt_match(random, six)
        matches.setdefault(one.removeprefix("! ").split()[0], one)
        if one.startswith("-m"):
            matches.setdefault(" ".join(one.split()[:2]), one)
            matches.pop("-m", None)
    if "-m state" in matches:
        matches.pop("-m conntrack", None)
    targets = ["ACCEPT"] * 3 + ["DROP"] * 3 + ["RETURN", "MARK --set-xmark 0x7/0xffffffff", "LOG"]
    if rejects:
        targets += ["REJECT", "REJECT --reject-with tcp-reset"]
    targets += users * 2
    target = random.choice(targets)
    if target.startswith("REJECT --") and not matches.get("-p", "").startswith("-p tcp"):
        matches["-p"] = "-p tcp"
    return f"{' '.join(matches.values())} -j {target}"


def iptables(seed: int, *, six: bool) -> str:
    """A random ruleset for ``iptables-restore`` (or its brothers)."""
    random = Random(seed * 2 + six)
    users = [f"user{n}" for n in range(random.randint(0, 3))]
    lines = ["*filter"]
    policy = random.choice(("ACCEPT", "ACCEPT", "DROP"))
    lines += [f":INPUT {policy} [0:0]", ":FORWARD ACCEPT [0:0]", ":OUTPUT ACCEPT [0:0]"]
    lines += [f":{user} - [0:0]" for user in users]
    if policy == "DROP":
        lines.append(f"-A INPUT -p {'ipv6-icmp' if six else 'icmp'} -j ACCEPT")
    for number, user in enumerate(users):
        for _ in range(random.randint(1, 4)):
            lines.append(f"-A {user} {_ipt_rule(random, six, users[:number])}")
    for _ in range(random.randint(3, 12)):
        lines.append(f"-A INPUT {_ipt_rule(random, six, users)}")
    lines.append("COMMIT")
    if random.random() < 0.5:
        lines += ["*raw", ":PREROUTING ACCEPT [0:0]", ":OUTPUT ACCEPT [0:0]"]
        if random.random() < 0.5:
            lines.append(f"-A PREROUTING -p tcp -m tcp --dport {random.choice(PORTS)} -j NOTRACK")
        lines.append(f"-A PREROUTING {_ipt_rule(random, six, [], rejects=False)}")
        lines.append("COMMIT")
    if random.random() < 0.5:
        lines += ["*mangle", ":PREROUTING ACCEPT [0:0]", ":INPUT ACCEPT [0:0]"]
        lines.append(f"-A PREROUTING {_ipt_rule(random, six, [], rejects=False)}")
        lines.append("COMMIT")
    if random.random() < 0.5:
        lines += ["*nat", ":PREROUTING ACCEPT [0:0]", ":OUTPUT ACCEPT [0:0]"]
        for _ in range(2):
            port = random.choice(PORTS)
            lines.append(
                f"-A PREROUTING -p tcp -m tcp --dport {port}"
                f" -j REDIRECT --to-ports {random.choice(PORTS)}"
            )
        lines.append("COMMIT")
    return "\n".join(lines) + "\n"


IPSETS = """\
create four hash:net family inet
add four 198.18.200.2
add four 10.77.0.0/30
create six hash:net family inet6
add six fd42:198:18::c2
add six fd77::/126
create pairs hash:net,port family inet
add pairs 198.18.200.0/24,tcp:2001
add pairs 10.77.0.9,tcp:2002
create sixpairs hash:net,port family inet6
add sixpairs fd77::/64,tcp:2001
"""

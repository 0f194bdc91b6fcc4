"""Commands of the tools that make rules: nft, iptables, ufw and firewalld."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import ip_network

from nethygiene.engine.remedies import command, word
from nethygiene.subjects.filter.model.addresses import BITS, Intervals, merged, written
from nethygiene.subjects.filter.model.paths import Path
from nethygiene.subjects.filter.model.verdict import HostFilter
from nethygiene.subjects.links.ip.families import Family

_MOST = 32
_SHORT: dict[Family, str] = {"ipv4": "ip", "ipv6": "ip6"}


NFT_FILE = (
    "For the next boot, write the same rule into that chain where your ruleset is kept: "
    "/etc/nftables.conf on Debian, /etc/sysconfig/nftables.conf on Fedora and its kin."
)
IPTABLES_FILE = (
    "For the next boot, save the rules: `netfilter-persistent save` with Debian's package "
    "iptables-persistent, `service iptables save` with iptables-services."
)
OWN_TABLE = "nethygiene"
PERSIST_OWN: tuple[str, ...] = (
    "Keep it over a boot, where nftables.service loads /etc/nftables.conf (enable it):",
    command("mkdir -p /etc/nftables.d"),
    command("nft list table inet nethygiene > /etc/nftables.d/nethygiene.nft"),
    command(
        "grep -qs '/etc/nftables.d/' /etc/nftables.conf || "
        """echo 'include "/etc/nftables.d/*.nft"' >> /etc/nftables.conf"""
    ),
)


@dataclass(frozen=True, slots=True)
class RulePlace:
    """Where a rule stands, as its place in the model says.

    Attributes:
        tool: ``nft``, ``iptables``, ``ip6tables-legacy`` and so on.
        family: nft's, as ``inet``; empty for iptables.
        table: the table.
        chain: the chain.
    """

    tool: str
    family: str
    table: str
    chain: str

    @property
    def manager(self) -> str:
        """The program that owns the rule, by the names of its chains: ufw, firewalld or none."""
        if self.chain.startswith(("ufw-", "ufw6-")):
            return "ufw"
        return "firewalld" if self.table == "firewalld" else ""


def place_of(text: str) -> RulePlace | None:
    """Read a place, as ``nft inet filter input`` or ``iptables filter INPUT``; None for others."""
    words = text.split()
    if len(words) == 4 and words[0] == "nft":
        return RulePlace("nft", *words[1:])
    if len(words) == 3 and words[0].startswith(("iptables", "ip6tables")):
        return RulePlace(words[0], "", *words[1:])
    return None


def cidrs(spans: Intervals, family: Family) -> list[str]:
    """Intervals as networks, as all tools take them; empty if they are too many to write."""
    networks: list[str] = []
    bits = BITS[family]
    for start, last in merged(spans):
        low = start
        while low <= last:
            size = low & -low if low else 1 << bits
            while size > last - low + 1:
                size >>= 1
            length = bits - size.bit_length() + 1
            address = written(low, family)
            networks.append(address if length == bits else f"{address}/{length}")
            if len(networks) > _MOST:
                return []
            low += size
    return networks


def steps(*parts: str) -> str:
    """A remedy of sentences and commands in order; commands in sequence make a block."""
    text = ""
    before = ""
    for part in filter(None, parts):
        together = before.startswith("`") and part.startswith("`")
        text += ("" if not text else "\n" if together else "\n\n") + part
        before = part
    return text


def nft_set(networks: Sequence[str]) -> str:
    """A set of networks, as nft writes it."""
    return networks[0] if len(networks) == 1 else "{ " + ", ".join(networks) + " }"


def nft(statement: str) -> str:
    """An nft command."""
    return command(f"nft {word(statement)}")


def family_of_nft(family: Family) -> str:
    """nft's name of a family in a match of addresses."""
    return _SHORT[family]


def iptables(tool: str, arguments: str, table: str = "filter") -> str:
    """A command of iptables or one of its variants."""
    return command(f"{tool}{'' if table == 'filter' else f' -t {table}'} {arguments}")


def tool_for(family: Family, tool: str) -> str:
    """The same kind of iptables, for a family."""
    name = "iptables" if family == "ipv4" else "ip6tables"
    return f"{name}-legacy" if tool.endswith("-legacy") else name


def firewalld(sentence: str, model: HostFilter, path: Path, options: Iterable[str]) -> str:
    """A remedy that changes firewalld's zone of a path's interface, now and for good."""
    zone = zone_of(model, path.family, path.interface)
    where = f"firewall-cmd --permanent {f'--zone={word(zone)} ' if zone else ''}"
    commands = [command(f"{where}{option}") for option in options]
    return steps(sentence, *commands, command("firewall-cmd --reload"))


def zone_of(model: HostFilter, family: Family, interface: str | None) -> str:
    """firewalld's zone of an interface, by the chains that it makes; empty if they do not say."""
    for rule in model.rulesets[family].rules():
        name = rule.chain.removeprefix("filter_IN_")
        if name != rule.chain and interface is not None and f'"{interface}"' in rule.text:
            return name.removeprefix("policy_").partition("_")[0] or name
    return ""


def ufw_first(model: HostFilter, action: str, port: int, source: str = "") -> tuple[str, ...]:
    """ufw commands that put a rule before its others.

    If ufw has the same rule already, with any action, it says "Skipping inserting existing rule"
    and changes nothing (0.36.2). So the commands delete that rule first.

    Args:
        model: the filter as it is.
        action: ``allow`` or ``deny``.
        port: the TCP port of the host.
        source: the network of the clients; empty for all.
    """
    to = f"proto tcp from {source} to any port {port}" if source else f"{port}/tcp"
    network = ip_network(source) if source else None
    same: dict[str, None] = {}
    for ruleset in model.rulesets.values():
        for rule in ruleset.rules():
            match = _OF_UFW.fullmatch(rule.text)
            if match is None or int(match[2]) != port:
                continue
            if (ip_network(match[1]) if match[1] else None) == network:
                same[_UFW_ACTIONS[match[3]]] = None
    return (
        *(command(f"ufw delete {same_action} {to}") for same_action in same),
        command(f"ufw prepend {action} {to}"),
    )


_UFW_ACTIONS = {"ACCEPT": "allow", "DROP": "deny", "REJECT": "reject"}
_UFW_ACTIONS |= {"ufw-user-limit-accept": "limit", "ufw6-user-limit-accept": "limit"}
_OF_UFW = re.compile(
    r"-A ufw6?-user-input (?:-s ([\da-f.:/]+) )?-p tcp -m tcp --dport (\d{1,5})"
    rf" -j ({'|'.join(_UFW_ACTIONS)})(?: --reject-with \S+)?",
    re.ASCII,
)


def has_ufw(model: HostFilter) -> bool:
    """Whether ufw is active."""
    return any("ufw-user-input" in table.chains for table in model.rulesets["ipv4"].tables.values())

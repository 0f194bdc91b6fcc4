"""The remedy of firewall-allows-service: open the port with the tool that made the rule."""

from __future__ import annotations

from nethygiene.engine.remedies import word
from nethygiene.inventory.policy import Service
from nethygiene.subjects.filter.client_ways import declared_sources
from nethygiene.subjects.filter.filter_fact import PacketFilter
from nethygiene.subjects.filter.firewall import shut_out
from nethygiene.subjects.filter.firewall_tools import (
    IPTABLES_FILE,
    NFT_FILE,
    RulePlace,
    cidrs,
    family_of_nft,
    firewalld,
    has_ufw,
    iptables,
    nft,
    nft_set,
    place_of,
    steps,
    ufw_first,
)
from nethygiene.subjects.filter.model.fields import ICMPV6
from nethygiene.subjects.filter.model.verdict import HostFilter
from nethygiene.subjects.filter.passages import Passage


def open_to_clients(packet_filter: PacketFilter, passage: Passage, service: Service) -> str:
    """The remedy: let a service's clients in, before the rule that drops them."""
    event = passage.fate.loss(shut_out(passage))
    place = place_of(event.rule.place) if event is not None else None
    if event is None or place is None:
        return ""
    family = passage.path.family
    sources = declared_sources(service, family)
    if sources.rest:
        kept_out = cidrs(sources.denied, family)
        listed, inverted = kept_out, True
    else:
        listed, inverted = cidrs(sources.named, family), False
        if not listed:
            return ""
    packet = event.packet
    reply = packet.kind.reply
    discovery = packet.kind.protocol == ICMPV6 or bool(packet.kind.arp)
    ports = packet.sport if reply else packet.dport
    port = ports[0][0] if ports and not discovery else passage.port
    if not reply and not discovery and _is_ufws(packet_filter, place):
        return _ufw(packet_filter.model, port, listed, inverted=inverted)
    if place.manager == "firewalld" and not reply and not discovery:
        return _firewalld(packet_filter, passage, port, listed, inverted=inverted)
    if place.tool == "nft":
        opens = _nft_opens(place, passage, port, listed, inverted, reply=reply)
    else:
        opens = _iptables_opens(place, port, listed, inverted=inverted, reply=reply)
    return _neighbours(place, opens) if discovery else opens


def _is_ufws(packet_filter: PacketFilter, place: RulePlace) -> bool:
    """Whether the kernel asks ufw's user rules, which its command makes, before that place."""
    if not has_ufw(packet_filter.model) or place.tool == "nft" or place.table != "filter":
        return False
    return place.manager == "ufw" or place.chain == "INPUT"


def _neighbours(place: RulePlace, opens: str) -> str:
    """Let neighbour discovery or ARP through, and the connection, which is dropped next."""
    if place.family == "arp":
        why = "Without ARP nobody finds the host."
        return steps(why, nft(f"insert rule arp {place.table} {place.chain} accept"), NFT_FILE)
    why = "Clients of IPv6 do not find the host without neighbour discovery."
    if place.tool == "nft":
        rule = f"insert rule {place.family} {place.table} {place.chain} meta l4proto ipv6-icmp"
        return f"{steps(why, nft(f'{rule} accept'))}\n\n{opens}"
    line = f"-I {place.chain} 1 -p ipv6-icmp -j ACCEPT"
    return f"{steps(why, iptables(place.tool, line, place.table))}\n\n{opens}"


def _ufw(model: HostFilter, port: int, listed: list[str], *, inverted: bool) -> str:
    action = "deny" if inverted else "allow"
    first = ufw_first(model, "allow", port) if inverted else ()
    commands = (line for source in listed for line in ufw_first(model, action, port, source))
    return steps("Open it with ufw, before its other rules.", *first, *commands)


def _firewalld(
    packet_filter: PacketFilter, passage: Passage, port: int, listed: list[str], *, inverted: bool
) -> str:
    path = passage.path
    added = [f"--add-port={port}/tcp"] if inverted else []
    verdict, priority = ("drop", ' priority="-100"') if inverted else ("accept", "")
    for network in listed:
        rich = (
            f'rule family="{path.family}"{priority} source address="{network}" '
            f'port port="{port}" protocol="tcp" {verdict}'
        )
        added.append(f"--add-rich-rule={word(rich)}")
    return firewalld("Open it with firewalld.", packet_filter.model, path, added)


def _nft_opens(
    place: RulePlace, passage: Passage, port: int, listed: list[str], inverted: bool, *, reply: bool
) -> str:
    family = passage.path.family
    address = ""
    if listed:
        end = "daddr" if reply else "saddr"
        sign = "!= " if inverted else ""
        address = f"{family_of_nft(family)} {end} {sign}{nft_set(listed)} "
    rule = f"{address}tcp {'sport' if reply else 'dport'} {port} accept"
    return steps(
        "Open it before the rule that drops.",
        nft(f"insert rule {place.family} {place.table} {place.chain} {rule}"),
        NFT_FILE,
    )


def _iptables_opens(
    place: RulePlace, port: int, listed: list[str], *, inverted: bool, reply: bool
) -> str:
    end, ports = ("-d", "--sport") if reply else ("-s", "--dport")
    if inverted:
        matches = [f"-p tcp {ports} {port} -j ACCEPT"]
        matches += [f"{end} {network} -p tcp {ports} {port} -j DROP" for network in listed]
    else:
        matches = [f"{end} {network} -p tcp {ports} {port} -j ACCEPT" for network in listed]
    rules = [iptables(place.tool, f"-I {place.chain} 1 {match}", place.table) for match in matches]
    return steps("Open it before the rule that drops.", *rules, IPTABLES_FILE)

"""The remedy of firewall-blocks-port: close the port with the tool that made the accepting rule."""

from __future__ import annotations

from nethygiene.engine.remedies import word
from nethygiene.inventory.policy import BlockedPort, Service
from nethygiene.subjects.filter.client_ways import declared_sources
from nethygiene.subjects.filter.filter_fact import PacketFilter
from nethygiene.subjects.filter.firewall_tools import (
    IPTABLES_FILE,
    NFT_FILE,
    OWN_TABLE,
    PERSIST_OWN,
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
    tool_for,
    ufw_first,
)
from nethygiene.subjects.filter.model.addresses import Intervals, everything, without
from nethygiene.subjects.filter.model.verdict import HostFilter
from nethygiene.subjects.filter.passages import Passage, networks


def close_to_others(packet_filter: PacketFilter, passage: Passage, blocked: BlockedPort) -> str:
    """Keep all but the declared exceptions out of a blocked port."""
    allowed = networks(blocked.except_, passage.path.family)
    return _closing(packet_filter, passage, allowed, blocked.port)


def close_to_denied(packet_filter: PacketFilter, passage: Passage, service: Service) -> str:
    """Keep a service's denied sources out, and nobody else."""
    family = passage.path.family
    allowed = without(everything(family), declared_sources(service, family).denied, family)
    return _closing(packet_filter, passage, allowed, service.port)


def _closing(packet_filter: PacketFilter, passage: Passage, allowed: Intervals, port: int) -> str:
    """Keep all but some out, with the tool that made the rule that lets others in."""
    model, path = packet_filter.model, passage.path
    listed = cidrs(allowed, path.family)
    local = model.routes.is_local(path.family, path.address)
    judged = next(
        (fate for fate in passage.fates if fate.surely_in & passage.counted), passage.fate
    )
    event = judged.pass_by(judged.surely_in & passage.counted)
    place = place_of(event.rule.place) if event is not None else None
    translated = event is not None and not packet_filter.is_own(event.packet.daddr, path.family)
    if not local or translated:
        return _closed_behind(packet_filter, passage, listed, local=local)
    if place is not None and place.manager == "firewalld":
        return _firewalld_closes(packet_filter, passage, listed, port)
    if has_ufw(model) and (place is None or place.tool != "nft"):
        return _ufw_closes(model, listed, port)
    if place is not None and place.tool != "nft":
        return _iptables_closes(place, passage, listed, port)
    if place is not None and "nat" not in place.table.lower():
        return _nft_closes(place, passage, listed, port)
    return own_table(passage, listed, passage.port)


def _firewalld_closes(
    packet_filter: PacketFilter, passage: Passage, listed: list[str], port: int
) -> str:
    path = passage.path
    of = f'family="{path.family}"'
    ends = f'port port="{port}" protocol="tcp"'
    rich = [
        f'rule {of} priority="-101" source address="{network}" {ends} accept' for network in listed
    ]
    rich.append(f'rule {of} priority="-100" {ends} drop')
    added = [f"--add-rich-rule={word(line)}" for line in rich]
    return firewalld("Close it with firewalld.", packet_filter.model, path, added)


def _ufw_closes(model: HostFilter, listed: list[str], port: int) -> str:
    allow = (line for source in listed for line in ufw_first(model, "allow", port, source))
    return steps(
        "Close it with ufw, before its other rules.", *ufw_first(model, "deny", port), *allow
    )


def _iptables_closes(place: RulePlace, passage: Passage, listed: list[str], port: int) -> str:
    tool = tool_for(passage.path.family, place.tool)
    return steps(
        "Close it before the other rules.",
        *_chain(tool, "INPUT", f"! -i lo -p tcp --dport {port}", listed, port),
        IPTABLES_FILE,
    )


def _chain(
    tool: str, chain: str, match: str, listed: list[str], port: int, table: str = "filter"
) -> list[str]:
    """Drop what matches except the listed sources; if they are many, in a chain of their own."""
    if len(listed) < 2:
        but = f" ! -s {listed[0]}" if listed else ""
        return [iptables(tool, f"-I {chain} 1 {match}{but} -j DROP", table)]
    own = f"{OWN_TABLE}-{port}"
    returns = [iptables(tool, f"-A {own} -s {network} -j RETURN", table) for network in listed]
    return [
        iptables(tool, f"-N {own}", table),
        *returns,
        iptables(tool, f"-A {own} -j DROP", table),
        iptables(tool, f"-I {chain} 1 {match} -j {own}", table),
    ]


def _nft_closes(place: RulePlace, passage: Passage, listed: list[str], port: int) -> str:
    rule = _nft_drop(passage, listed, port, of_family=place.family == "inet")
    return steps(
        "Close it before the other rules.",
        nft(f"insert rule {place.family} {place.table} {place.chain} {rule}"),
        NFT_FILE,
    )


def _nft_drop(passage: Passage, listed: list[str], port: int, *, of_family: bool) -> str:
    family = passage.path.family
    address = f"{family_of_nft(family)} saddr != {nft_set(listed)} " if listed else ""
    first = f"meta nfproto {family} " if of_family and not listed else ""
    return f'iifname != "lo" {first}{address}tcp dport {port} drop'


def own_table(passage: Passage, listed: list[str], port: int) -> str:
    """A new table before destination NAT; no accept of another table undoes its drop."""
    rule = _nft_drop(passage, listed, port, of_family=True)
    head = "{ type filter hook prerouting priority -150; }"
    return steps(
        "Close it in a table of its own: an accept of another one does not undo a drop.",
        nft(f"add table inet {OWN_TABLE}"),
        nft(f"add chain inet {OWN_TABLE} blocked {head}"),
        nft(f"add rule inet {OWN_TABLE} blocked fib daddr type local {rule}"),
        *PERSIST_OWN,
    )


def _closed_behind(
    packet_filter: PacketFilter, passage: Passage, listed: list[str], *, local: bool
) -> str:
    """Close a port that NAT or forwarding leads to, where it is forwarded or before NAT."""
    model, path = packet_filter.model, passage.path
    docker = [
        place_of(chains["DOCKER-USER"].place)
        for table in model.rulesets[path.family].tables.values()
        if "DOCKER-USER" in (chains := table.chains)
    ]
    tool = docker[0].tool if docker and docker[0] is not None else ""
    bind = (
        "Best publish it on the address that its users have alone, as in "
        f"`-p 127.0.0.1:{passage.port}:…`; before Docker 28 that does not keep neighbours out."
    )
    if local and tool and tool != "nft":
        match = f"-p tcp -m conntrack --ctorigdstport {passage.port} --ctdir ORIGINAL"
        rules = _chain(tool, "DOCKER-USER", match, listed, passage.port)
        return steps("Docker publishes it past the input chain.", *rules, IPTABLES_FILE, bind)
    if local:
        return own_table(passage, listed, passage.port)
    inside = sorted(model.routes.way(path.family, path.address, None).devices)
    but = f"! -i {word(inside[0])} " if inside else ""
    address = cidrs(((path.address, path.address),), path.family)[0]
    if tool and tool != "nft":
        match = f"{but}-d {address} -p tcp --dport {passage.port}"
        rules = _chain(tool, "PREROUTING", match, listed, passage.port, "raw")
        sentence = "Keep neighbours out that route by this host, as Docker 28 does."
        return steps(sentence, *rules, IPTABLES_FILE)
    family = family_of_nft(path.family)
    sources = f"{family} saddr != {nft_set(listed)} " if listed else ""
    iif = f'iifname != "{inside[0]}" ' if inside else ""
    rule = f"{iif}{family} daddr {address} {sources}tcp dport {passage.port} drop"
    head = "{ type filter hook prerouting priority -150; }"
    return steps(
        "Keep neighbours out that route by this host.",
        nft(f"add table inet {OWN_TABLE}"),
        nft(f"add chain inet {OWN_TABLE} blocked {head}"),
        nft(f"add rule inet {OWN_TABLE} blocked {rule}"),
        *PERSIST_OWN,
    )

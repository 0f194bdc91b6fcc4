"""Remedies for advertisements of VRRP that do not arrive: by keepalived.conf, or by the filter."""

from __future__ import annotations

from collections.abc import Sequence

from nethygiene.engine.remedies import command, content, paragraphs, word
from nethygiene.inventory.group_policy import VirtualAddress
from nethygiene.subjects.failover.advertisements import Delivery
from nethygiene.subjects.failover.announcers import Announcer, Announcers
from nethygiene.subjects.filter.firewall_tools import (
    IPTABLES_FILE,
    NFT_FILE,
    family_of_nft,
    has_ufw,
    iptables,
    nft,
    place_of,
    steps,
    zone_of,
)
from nethygiene.subjects.links.ip.families import Family

DESTINATION = "destination"
"""What members agree on: whether they send to peers, or to which group."""


def _reload(one: Announcer) -> str:
    return "\n".join(
        (command(f"keepalived -t -f {word(one.file)}"), command("systemctl reload keepalived"))
    )


def _edit(one: Announcer, sentence: str, lines: Sequence[str]) -> str:
    name = f"vrrp_instance {one.instance.name}"
    return paragraphs(
        f"On {one.host}, {sentence} in `{name}` of {one.file} (or of a file that it includes):",
        "\n".join(filter(None, map(content, lines))),
        f"On {one.host}, have keepalived check it, and read it again:",
        _reload(one),
    )


def peers_remedy(one: Announcer, missing: Sequence[Announcer]) -> str:
    """The remedy: name the members that are missing."""
    lines = ["unicast_peer {", *(f"    {other.address}" for other in missing), "}"]
    return _edit(one, "add these lines", lines)


def source_remedy(one: Announcer) -> str:
    """The remedy: an address that the member has."""
    instance = one.instance
    own = [
        str(has.ip)
        for interface in one.interfaces
        if interface.name == instance.interface
        for has in interface.addresses
        if has.version == instance.family and instance.holds(has.ip) is None
    ]
    if not own:
        return f"Give {one.host} the address {instance.source}, or correct unicast_src_ip there."
    return _edit(one, "correct this line", [f"unicast_src_ip {own[0]}"])


def mode_remedy(one: Announcer, members: Sequence[Announcer], *, unicast: bool) -> str:
    """The remedy: announce by unicast, or by multicast."""
    if not unicast:
        sentence = "delete unicast_peer and unicast_src_ip"
        return paragraphs(
            f"On {one.host}, {sentence} in `vrrp_instance {one.instance.name}` of {one.file} (or "
            "of a file that it includes), or declare `vrrp: unicast`.",
            f"On {one.host}, have keepalived check it, and read it again:",
            _reload(one),
        )
    others = [other.address for other in members if other is not one]
    lines = [f"unicast_src_ip {one.address}"] if one.address is not None else []
    lines += ["unicast_peer {", *(f"    {other}" for other in others if other), "}"]
    return _edit(one, "add these lines", lines)


def silent_remedy(host: str, wanted: VirtualAddress, members: Announcers) -> str:
    """The remedy: an instance on the member that has none."""
    example = next(iter(members.announcing), None)
    like = "" if example is None else f", as on {example.host} (`{example.file}`)"
    return (
        f"On {host}, configure keepalived with a `vrrp_instance` that has {wanted.address}{like}, "
        "with a lower priority; or move the host out of the group."
    )


def agree_remedy(what: str, groups: Sequence[Sequence[Announcer]]) -> str:
    """The remedy: the value that most members have, or the first one, on all of them."""
    members = [one for ones in groups for one in ones]
    if what == DESTINATION and any(one.is_unicast for one in members):
        # Unicast passes where multicast does, and beyond.
        by_multicast = [one for one in members if not one.is_unicast]
        return paragraphs(*(mode_remedy(one, members, unicast=True) for one in by_multicast))
    most = max(groups, key=len)
    others = [one for ones in groups if ones is not most for one in ones]
    return paragraphs(*(_as_on(most[0], one, what) for one in others))


def _as_on(example: Announcer, one: Announcer, what: str) -> str:
    instance = example.instance
    lines = {
        "virtual_router_id": f"virtual_router_id {instance.vrid}",
        "VRRP version": f"version {instance.version}",
    }
    if (line := lines.get(what)) and not line.endswith("None"):
        return _edit(one, "correct this line", [line])
    own = {held.address for held in one.instance.addresses if not held.excluded}
    wanted = [held for held in instance.addresses if not held.excluded]
    if what == "virtual_ipaddress" and own <= {held.address for held in wanted}:
        missing = [held for held in wanted if held.address not in own]
        block = [f"    {held.address}/{held.prefix}" for held in missing]
        return _edit(one, "add these lines", ["virtual_ipaddress {", *block, "}"])
    return (
        f"On {one.host}, make {what} in keepalived.conf what it is on {example.host}, and have "
        "keepalived read it again: `systemctl reload keepalived`."
    )


def delivery_remedy(lost: Delivery) -> str:
    """The remedy: let VRRP through, with the tool that made the rule."""
    at, place = lost.lost_at, place_of(lost.crossing.chain)
    if at is None or place is None:
        return ""
    family: Family = "ipv4" if lost.to.version == 4 else "ipv6"
    outward = not lost.leaves
    said = f"On {at.host}, let VRRP {'out' if outward else 'in'}"
    end = lost.to if outward else lost.sender.address
    if place.manager == "firewalld" and not outward:
        return steps(
            f"{said} with firewalld:",
            command(f"firewall-cmd --permanent {_zone(at, family)}--add-protocol=vrrp"),
            command("firewall-cmd --reload"),
        )
    is_ufws = place.manager == "ufw" or lost.crossing.why.endswith(": policy drop")
    if is_ufws and has_ufw(at.packet_filter.model) and place.tool != "nft":
        return _ufw(said, family, outward=outward)
    if place.tool == "nft":
        what = f"{family_of_nft(family)} {'daddr' if outward else 'saddr'} {end} " if end else ""
        rule = f"{what}meta l4proto 112 accept"
        return steps(
            f"{said}, before the rule that drops:",
            nft(f"insert rule {place.family} {place.table} {place.chain} {rule}"),
            NFT_FILE,
        )
    what = f"{'-d' if outward else '-s'} {end} " if end else ""
    return steps(
        f"{said}, before the rule that drops:",
        iptables(place.tool, f"-I {place.chain} 1 {what}-p 112 -j ACCEPT", place.table),
        IPTABLES_FILE,
    )


def _zone(one: Announcer, family: Family) -> str:
    zone = zone_of(one.packet_filter.model, family, one.hears_by)
    return f"--zone={word(zone)} " if zone else ""


def _ufw(said: str, family: Family, *, outward: bool) -> str:
    """ufw's command knows the protocol since 0.36.2 only; its files take it always."""
    six = "6" if family == "ipv6" else ""
    chain = f"ufw{six}-before-{'output' if outward else 'input'}"
    return paragraphs(
        f"{said} with ufw:",
        "\n".join(
            (
                command(
                    f"sed -i '/^COMMIT/i -A {chain} -p 112 -j ACCEPT' /etc/ufw/before{six}.rules"
                ),
                command("ufw reload"),
            )
        ),
    )

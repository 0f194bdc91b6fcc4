"""Whether the members of a group hear each other's advertisements: the expectations of the rule."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from nethygiene.engine.expect import Expect, not_applicable, unknown
from nethygiene.engine.ledger import UnreadableFactError
from nethygiene.engine.matchers import Matcher
from nethygiene.inventory.group_policy import VirtualAddress
from nethygiene.subjects.failover.advertisements import Delivery, deliver
from nethygiene.subjects.failover.announcers import Announcer, Announcers
from nethygiene.subjects.failover.vrrp_remedies import (
    DESTINATION,
    agree_remedy,
    delivery_remedy,
    mode_remedy,
    peers_remedy,
    silent_remedy,
    source_remedy,
)


@dataclass(frozen=True, slots=True)
class Advertised:
    """The members of a group that announce an address, and whether others may be missing.

    Attributes:
        wanted: the address.
        members: the members that could be read.
        size: how many members the group has, those outside of the run included.
        missing: why further members may be missing; empty if none are.
    """

    wanted: VirtualAddress
    members: Announcers
    size: int
    missing: str

    @property
    def whole(self) -> bool:
        """Whether all members of the group could be read."""
        return self.members.read == self.size and not self.missing


def require_announcers(found: Advertised) -> None:
    """End the rule where nothing announces the address, or nobody else could hear it."""
    address = found.wanted.address
    if found.size < 2 and not found.missing:
        not_applicable("the group has one member, which announces itself to nobody")
    if found.members.announcing:
        return
    if found.wanted.vrrp == "any":
        if found.whole:
            not_applicable(f"no member's keepalived announces {address}")
        unknown(f"no member that was read announces {address} by keepalived")
    unknown(f"no keepalived that was read has {address}, and no other VRRP program is read")


def expect_members(found: Advertised, expect: Expect) -> None:
    """Each member that could hold the address announces it."""
    members, wanted = found.members, found.wanted
    if wanted.vrrp != "any":
        for host in members.silent:
            expect(
                f"VRRP instance of {host} with {wanted.address}",
                None,
                _settled("present", False),
                remedy=partial(silent_remedy, host, wanted, members),
            )
    elif len(members.announcing) == 1 and found.whole:
        (alone,) = members.announcing
        if not members.silent:
            not_applicable(f"{alone.host} alone announces {wanted.address}")
        expect(
            f"members that announce {wanted.address}",
            alone.host,
            _settled("at least two", False),
            remedy=partial(silent_remedy, members.silent[0], wanted, members),
        )


def expect_declared_way(found: Advertised, expect: Expect) -> None:
    """The members announce themselves as declared, and by unicast each one names all others."""
    members, declared = found.members, found.wanted.vrrp
    for one in members.announcing:
        if declared != "any":
            fits = one.is_unicast is (declared == "unicast")
            expect(
                f"VRRP of {one.host}",
                one.way,
                _settled(f"by {declared}", fits),
                remedy=partial(mode_remedy, one, members.announcing, unicast=declared == "unicast"),
            )
        if one.is_unicast:
            _expect_peers(one, members, expect)


def _expect_peers(one: Announcer, members: Announcers, expect: Expect) -> None:
    if one.instance.source is not None:
        expect(
            f"unicast_src_ip of {one.host}",
            one.instance.source,
            _settled("an address of its own", one.has_its_address),
            remedy=partial(source_remedy, one),
        )
    missing = [
        other
        for other in members.announcing
        if other is not one and other.address is not None and one.sends_to(other) is None
    ]
    others = ", ".join(f"{other.address} ({other.host})" for other in missing)
    expect(
        f"unicast_peer of {one.host}",
        ", ".join(str(peer.address) for peer in one.instance.peers),
        _settled(f"to name {others}" if missing else "to name all other members", not missing),
        remedy=partial(peers_remedy, one, missing),
    )


def _settled(description: str, fits: bool) -> Matcher[object]:
    """An expectation that is met, or not, by more than the value that is shown."""
    return Matcher(description, lambda _: fits)


_AGREED: tuple[tuple[str, Callable[[Announcer], object]], ...] = (
    ("virtual_router_id", lambda one: one.instance.vrid),
    ("VRRP version", lambda one: one.instance.version),
    (DESTINATION, lambda one: "peers" if one.is_unicast else one.instance.group),
    ("auth_type AH", lambda one: "yes" if one.instance.protocol != 112 else "no"),
    (
        "virtual_ipaddress",
        lambda one: " ".join(
            sorted(str(held.address) for held in one.instance.addresses if not held.excluded)
        ),
    ),
)


def expect_agreement(found: Advertised, expect: Expect) -> None:
    """The members agree on what keepalived compares: it drops advertisements that differ.

    Source: vrrp_check_packet of keepalived 2.2.7.
    """
    declared = found.wanted.vrrp
    mixed = {one.is_unicast for one in found.members.announcing} == {True, False}
    for what, value in _AGREED:
        if what == DESTINATION and mixed and declared != "any":
            continue  # those that are not as declared have been told
        by_value: dict[object, list[Announcer]] = {}
        for one in found.members.announcing:
            by_value.setdefault(value(one), []).append(one)
        shown = "; ".join(
            f"{each} ({', '.join(one.host for one in ones)})" for each, ones in by_value.items()
        )
        expect(
            f"{what} of {found.wanted.address}",
            shown,
            _settled("the same on all members", len(by_value) < 2),
            "keepalived drops advertisements that differ in it, and each becomes master",
            partial(agree_remedy, what, list(by_value.values())),
        )


def expect_arrival(found: Advertised, expect: Expect) -> None:
    """The packet filters let each advertisement out and in; ends as unknown if that is open."""
    doubts: list[str] = []
    for delivery in _deliveries(found, doubts):
        what = f"advertisement of {delivery.sender.host} to {delivery.hearer.host}"
        if not delivery.sure:
            doubts.append(f"{what} is {delivery}")
            continue
        expect(
            what,
            str(delivery),
            _settled("to arrive", delivery.lost_at is None),
            "a backup that hears nothing becomes master too",
            partial(delivery_remedy, delivery),
        )
    if doubts:
        unknown("; ".join(doubts))


def _deliveries(found: Advertised, doubts: list[str]) -> Iterator[Delivery]:
    for sender, hearer in found.members.pairs:
        if 51 in {sender.instance.protocol, hearer.instance.protocol}:
            doubt = f"{sender.host} sends AH packets (protocol 51), which are not followed"
            if doubt not in doubts:
                doubts.append(doubt)
            continue
        if sender.is_unicast and hearer.address is None:
            doubts.append(f"the address at which {hearer.host} hears unicast is not known")
        to = sender.sends_to(hearer)
        if to is None:
            continue  # it is not sent: said of its peers, or of what members agree on
        try:
            yield deliver(sender, hearer, to)
        except UnreadableFactError:
            continue  # the ledger has it

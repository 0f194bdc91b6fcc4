"""Remedies for a shared address that no member holds, or several."""

from __future__ import annotations

from collections.abc import Sequence

from nethygiene.engine.remedies import command, paragraphs, set_sysctls, word
from nethygiene.inventory.group_policy import VirtualAddress
from nethygiene.subjects.failover.holders import HeldBy, Look


def one_holder_remedy(wanted: VirtualAddress, held: HeldBy, looks: Sequence[Look]) -> str:
    """The remedy: one holder, and the others without the address.

    Args:
        wanted: the address.
        held: the members that hold it or answer for it.
        looks: all members that were read.
    """
    if not held.looks:
        return _none_remedy(wanted, next((look for look in looks if look.place), None))
    keeper = max(held.looks, key=lambda look: (look.last.degree, not look.last.quietable))
    others = [part for look in held.looks if look is not keeper for part in _without(look)]
    announced = _announced(wanted, keeper.last.interface)
    again = (
        f"On {keeper.host}, announce it again: neighbours may still send to the MAC that answered "
        "last. `garp_master_refresh 60` in keepalived.conf has the holder repeat this."
    )
    return paragraphs(
        f"Leave it on one member, here {keeper.host}. Where keepalived moves it, it comes back "
        "until the members hear each other: see vrrp-advertisements-arrive, and what `journalctl "
        "-u keepalived` says on each.",
        *others,
        again if announced else "",
        announced,
    )


def _without(look: Look) -> tuple[str, ...]:
    """The commands by which a member no longer answers for the address."""
    stand = look.last
    if stand.quietable:
        # A real server of LVS-DR needs the address, and must not speak of it.
        return (
            f"On {look.host}, a real server of LVS-DR keeps it and answers no ARP for it:",
            set_sysctls({"net.ipv4.conf.all.arp_ignore": 1, "net.ipv4.conf.all.arp_announce": 2}),
        )
    removed = command(f"ip addr del {stand.address} dev {word(stand.interface)}")
    return (f"On {look.host}, take it away:", removed)


def _none_remedy(wanted: VirtualAddress, candidate: Look | None) -> str:
    why = (
        "Where keepalived moves it, see why no member took it over: `journalctl -u keepalived` on "
        "each names an instance in FAULT state, or a track script that fails."
    )
    if candidate is None:
        return paragraphs(f"Add {wanted.address} to an interface of one member that is up.", why)
    host, interface = candidate.host, candidate.place
    length = wanted.address.max_prefixlen
    added = command(f"ip addr add {wanted.address}/{length} dev {word(interface)}")
    announced = _announced(wanted, interface)
    return paragraphs(
        why,
        f"Otherwise give it to one member, here {host}, and announce it: Linux does not do so when "
        "an address is added."
        if announced
        else f"Otherwise give it to one member, here {host}.",
        "\n".join(filter(None, [added, announced])),
    )


def _announced(wanted: VirtualAddress, interface: str) -> str:
    """The command that tells neighbours where an IPv4 address is."""
    if wanted.address.version == 6:
        return ""
    return command(f"arping -U -c 3 -I {word(interface)} {wanted.address}")

"""Comparing port forwards, however they are spelt, and the addresses that they listen on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from ipaddress import ip_address
from typing import Literal

from nethygiene.inventory.forward import Forward, parse_forward

_LOOPBACK = frozenset({"127.0.0.1", "::1"})
_EVERY = frozenset({"0.0.0.0", "::"})  # noqa: S104 - compared, not bound
# On which addresses ssh listens by a word that is none: channels.c, channel_fwd_bind_addr.
_WORDS = {"localhost": _LOOPBACK, "*": _EVERY}


def listening_addresses(forward: Forward) -> frozenset[str]:
    """The addresses that a forward listens on; ssh is content with any one that it gets."""
    bind = (forward.bind_address or "localhost").lower()
    return _WORDS.get(bind, frozenset({bind}))


def is_same(one: Forward, other: Forward) -> bool:
    """Whether two forwards lead from the same port to the same place."""
    ends = [
        (
            forward.port,
            forward.listen_socket,
            forward.host.lower() if forward.host else None,
            forward.host_port,
            forward.host_socket,
        )
        for forward in (one, other)
    ]
    if ends[0] != ends[1]:
        return False
    return one.listen_socket is not None or _meet(one, other, every=False)


def competes(one: Forward, other: Forward) -> bool:
    """Whether two forwards ask for the same port, wherever they lead."""
    return one.port is not None and one.port == other.port and _meet(one, other, every=True)


def _meet(one: Forward, other: Forward, *, every: bool) -> bool:
    mine, theirs = listening_addresses(one), listening_addresses(other)
    return bool(mine & theirs) or (every and bool((mine | theirs) & _EVERY))


def includes(forwards: Iterable[Forward], wanted: Iterable[Forward]) -> bool:
    """Whether all of `wanted` are among `forwards`."""
    found = tuple(forwards)
    return all(any(is_same(one, other) for other in found) for one in wanted)


def names_address(forward: Forward, side: Literal["local", "remote"], family: str | None) -> bool:
    """Whether ssh has one address to listen on, and so ends where that one is taken.

    Else it is content with ``::1`` where 127.0.0.1 is somebody else's (Linux 6.18, OpenSSH 9.2).

    Args:
        forward: to be listened on here (``local``) or by the server (``remote``).
        side: which of both.
        family: AddressFamily, which decides for the local side alone.
    """
    if forward.listen_socket is not None or forward.port == 0:
        return True
    bind = (forward.bind_address or "").lower()
    if bind in {"", "localhost", "*"}:
        return side == "local" and (family or "any").lower() != "any"
    try:
        ip_address(bind.partition("%")[0])
    except ValueError:
        return False
    return True


def with_address(forward: Forward) -> str:
    """The forward with the address written out that clients of it try."""
    if forward.listen_socket is not None or forward.port == 0:
        return str(forward)
    bind = (forward.bind_address or "").lower()
    address = "0.0.0.0" if bind == "*" else "127.0.0.1"  # noqa: S104 - that is what * means
    rest = forward.text if forward.bind_address is None else forward.text.partition(":")[2]
    return f"{address}:{rest}"


def configured_forwards(
    values: Iterable[str], side: Literal["local", "remote"]
) -> tuple[Forward, ...]:
    """The forwards that ``ssh -G`` prints: ``[127.0.0.1]:19922 [localhost]:22``."""
    found = []
    for value in values:
        try:
            # A SOCKS forward (-R PORT) is told as one to socks.
            words = value.removesuffix(" [socks]:0").split()
            found.append(parse_forward(":".join(words), side))
        except ValueError:
            continue  # one that no inventory could declare either
    return tuple(replace(one, text=one.text.replace("[localhost]", "localhost")) for one in found)

"""Compares port forwards in any spelling, and the addresses that they listen on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from ipaddress import ip_address
from typing import Literal

from nethygiene.inventory.forward import Forward, parse_forward

_LOOPBACK = frozenset({"127.0.0.1", "::1"})
_EVERY = frozenset({"0.0.0.0", "::"})  # noqa: S104 - compared, not bound
# The addresses on which ssh listens for a word: channels.c, channel_fwd_bind_addr.
_WORDS = {"localhost": _LOOPBACK, "*": _EVERY}


def listening_addresses(forward: Forward) -> frozenset[str]:
    """The addresses that a forward listens on; ssh is content if it gets any of them."""
    bind = (forward.bind_address or "localhost").lower()
    return _WORDS.get(bind, frozenset({bind}))


def is_same(this: Forward, other: Forward) -> bool:
    """Whether two forwards lead from the same port to the same place."""
    ends = [
        (
            forward.port,
            forward.listen_socket,
            forward.host.lower() if forward.host else None,
            forward.host_port,
            forward.host_socket,
        )
        for forward in (this, other)
    ]
    if ends[0] != ends[1]:
        return False
    return this.listen_socket is not None or _meet(this, other, every=False)


def competes(this: Forward, other: Forward) -> bool:
    """Whether two forwards ask for the same port; they may lead to different places."""
    return this.port is not None and this.port == other.port and _meet(this, other, every=True)


def _meet(this: Forward, other: Forward, *, every: bool) -> bool:
    mine, theirs = listening_addresses(this), listening_addresses(other)
    return bool(mine & theirs) or (every and bool((mine | theirs) & _EVERY))


def includes(forwards: Iterable[Forward], declared: Iterable[Forward]) -> bool:
    """Whether all of `declared` are among `forwards`."""
    present = tuple(forwards)
    return all(any(is_same(forward, other) for other in present) for forward in declared)


def names_address(forward: Forward, side: Literal["local", "remote"], family: str | None) -> bool:
    """Whether ssh has only one address to listen on, and so ends if that is taken.

    Otherwise it is content with ``::1`` if 127.0.0.1 is taken (Linux 6.18, OpenSSH 9.2).

    Args:
        forward: the forward.
        side: where it listens: here (``local``) or on the server (``remote``).
        family: AddressFamily, which matters only for the local side.
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
    """The forward, with the address written out that its clients try."""
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
    forwards = []
    for value in values:
        try:
            # ssh -G prints a SOCKS forward (-R PORT) as a forward to socks.
            words = value.removesuffix(" [socks]:0").split()
            forwards.append(parse_forward(":".join(words), side))
        except ValueError:
            continue  # no inventory can declare such a forward either
    return tuple(
        replace(forward, text=forward.text.replace("[localhost]", "localhost"))
        for forward in forwards
    )

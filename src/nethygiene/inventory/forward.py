"""The port forwards of ssh's -L and -R, parsed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

_PART = re.compile(r"\[[^\[\]]*\]|[^:\[\]]*")
_HOST = re.compile(r"[A-Za-z0-9_*][A-Za-z0-9_.:%-]*")


@dataclass(frozen=True, slots=True)
class Forward:
    """One forward; source: ssh(1), ``-L`` and ``-R``.

    Attributes:
        text: as written, ``127.0.0.1:19922:localhost:22``.
        bind_address: the address to listen on, without brackets; ``*`` for every address (also
            written as an empty address); None when left out: ssh then listens on loopback of
            *both* families.
        port: the port to listen on; 0 lets the server choose (-R only); None for a socket file.
        host: the host that the other end connects to; None for a socket file, or a SOCKS forward
            (-R PORT).
        host_port: its port.
        listen_socket: path of a socket file to listen on, or None.
        host_socket: path of a socket file to connect to, or None.
    """

    text: str
    bind_address: str | None = None
    port: int | None = None
    host: str | None = None
    host_port: int | None = None
    listen_socket: str | None = None
    host_socket: str | None = None

    def __str__(self) -> str:
        return self.text


def parse_forward(text: str, side: Literal["local", "remote"]) -> Forward:
    """Parse ``[bind_address:]port:host:hostport`` and its forms with socket files.

    Raises:
        ValueError: with one line saying what is wrong.
    """
    parts = _split(text)
    listen_socket = host_socket = bind_address = host = None
    port = host_port = None
    if parts[0].startswith("/"):
        listen_socket, rest = parts[0], parts[1:]
    else:
        rest = parts
    if rest and rest[-1].startswith("/"):
        host_socket, rest = rest[-1], rest[:-1]
        listening = rest
    elif side == "remote" and listen_socket is None and len(rest) in {1, 2}:
        listening = rest
    else:
        if len(rest) < 2:
            raise ValueError("no host and port to connect to")
        listening, host = rest[:-2], _host(rest[-2])
        host_port = _port(rest[-1], lowest=1)
    if listen_socket is None:
        if len(listening) not in {1, 2}:
            raise ValueError(f"{len(parts)} parts where ssh takes 3 or 4")
        port = _port(listening[-1], lowest=0 if side == "remote" else 1)
        if len(listening) == 2:
            bind_address = _host(listening[0]) if listening[0] else "*"
    elif listening:
        raise ValueError("a socket file cannot have a port as well")
    return Forward(text, bind_address, port, host, host_port, listen_socket, host_socket)


def _split(text: str) -> list[str]:
    """Cut at colons that stand outside of brackets."""
    parts, position = [], 0
    while True:
        match = _PART.match(text, position)
        end = match.end() if match else position
        parts.append(text[position:end])
        if end == len(text):
            return parts
        if text[end] != ":":
            raise ValueError("an IPv6 address has to stand in [brackets] between colons")
        position = end + 1


def _host(text: str) -> str:
    bare = text[1:-1] if text.startswith("[") else text
    if not (_HOST.fullmatch(bare) or re.fullmatch(r"[0-9A-Fa-f:.]+(%\w+)?", bare)):
        raise ValueError(f"{text!r} is no host")
    return bare


def _port(text: str, lowest: int) -> int:
    if not (text.isascii() and text.isdecimal()) or not lowest <= int(text[:6]) <= 65535:
        raise ValueError(f"{text!r} is no port")
    return int(text)

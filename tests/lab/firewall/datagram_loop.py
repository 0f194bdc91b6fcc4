"""Real datagrams between hosts: protocol 112, ICMP, ICMPv6, by raw sockets of this one process.

Each carries a number of its own, by which the sockets that get it tell what has arrived where.
"""

from __future__ import annotations

import selectors
import socket
import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count

from nethygiene.subjects.links.ip.families import Family
from tests.lab.firewall.greeting import QUIET, Client, inside

VRRP, ICMP, ICMPV6 = 112, 1, 58
GROUPS: Mapping[Family, str] = {"ipv4": "224.0.0.18", "ipv6": "ff02::12"}
_MARK = b"nethygiene"
_PROTOCOLS: Mapping[Family, tuple[int, ...]] = {"ipv4": (VRRP, ICMP), "ipv6": (VRRP, ICMPV6)}


@dataclass(frozen=True, slots=True)
class Sending:
    """One datagram to be sent.

    Attributes:
        host: who sends it.
        family: of the addresses.
        source: the sender's address.
        target: where it is sent to.
        protocol: of layer 4.
        icmp_type: of ICMP or ICMPv6; -1 for another protocol.
        icmp_code: likewise.
        device: the sender's interface, for a group.
        about: of an ICMP error, the addresses of the echo request that it is about, and the number
            that it has; None for a datagram that nobody has sent.
        answers: of an echo reply, the number of its request.
    """

    host: Client
    family: Family
    source: str
    target: str
    protocol: int
    icmp_type: int = -1
    icmp_code: int = 0
    device: str = "eth0"
    about: tuple[str, str, int] | None = None
    answers: int | None = None

    def __str__(self) -> str:
        kind = f"type {self.icmp_type}/{self.icmp_code}" if self.icmp_type >= 0 else ""
        return f"{self.host.name} {self.source} to {self.target}: {self.protocol} {kind}"


class DatagramLoop:
    """Sends datagrams, and sees who gets them."""

    def __init__(self, hosts: Iterable[tuple[Client, Sequence[str]]]) -> None:
        self._watch = selectors.DefaultSelector()
        self._numbers = count(1)
        for host, devices in hosts:
            with inside(host.namespace):
                for family in ("ipv4", "ipv6"):
                    for protocol in _PROTOCOLS[family]:
                        one = _raw(family, protocol)
                        for device in devices:
                            _join(one, family, device)
                        self._watch.register(one, selectors.EVENT_READ, host.name)

    def close(self) -> None:
        """Close all sockets."""
        for key in list(self._watch.get_map().values()):
            self._watch.unregister(key.fileobj)
            key.fileobj.close()  # type: ignore[union-attr]
        self._watch.close()

    def send(self, sendings: Sequence[Sending]) -> list[tuple[int, frozenset[str]]]:
        """Send them all.

        Returns:
            The number of each, and the hosts that it has reached.
        """
        numbers = [next(self._numbers) for _ in sendings]
        reached: dict[int, set[str]] = {number: set() for number in numbers}
        by_host: dict[Client, list[int]] = {}
        for place, sending in enumerate(sendings):
            by_host.setdefault(sending.host, []).append(place)
        for host, places in by_host.items():
            with inside(host.namespace):
                for place in places:
                    _send(sendings[place], numbers[place])
        while events := self._watch.select(QUIET):
            for key, _ in events:
                for number in _heard(key.fileobj):  # type: ignore[arg-type]
                    reached.get(number, set()).add(key.data)
        return [(number, frozenset(reached[number])) for number in numbers]


def _raw(family: Family, protocol: int) -> socket.socket:
    kind = socket.AF_INET if family == "ipv4" else socket.AF_INET6
    one = socket.socket(kind, socket.SOCK_RAW, protocol)
    one.setblocking(False)
    return one


def _join(one: socket.socket, family: Family, device: str) -> None:
    index = socket.if_nametoindex(device)
    group = socket.inet_pton(one.family, GROUPS[family])
    if family == "ipv4":
        one.setsockopt(
            socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, struct.pack("4sIi", group, 0, index)
        )
    else:
        one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, group + struct.pack("i", index))


def _heard(one: socket.socket) -> list[int]:
    numbers: list[int] = []
    while True:
        try:
            data = one.recv(2048)
        except OSError:
            return numbers
        _, found, tail = data.rpartition(_MARK)
        if found and len(tail) >= 4:
            numbers.append(int.from_bytes(tail[:4], "big"))


def _send(sending: Sending, number: int) -> None:
    one = _raw(sending.family, sending.protocol)
    discovery = sending.protocol == ICMPV6 and 130 <= sending.icmp_type <= 137
    hops = 255 if discovery or sending.protocol == VRRP else 64
    six = sending.family == "ipv6"
    group = sending.target == GROUPS[sending.family]
    index = socket.if_nametoindex(sending.device) if group or sending.target[:4] == "fe80" else 0
    with one:
        if six:
            for option in (socket.IPV6_UNICAST_HOPS, socket.IPV6_MULTICAST_HOPS):
                one.setsockopt(socket.IPPROTO_IPV6, option, hops)
            one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_LOOP, 0)
        else:
            for option in (socket.IP_TTL, socket.IP_MULTICAST_TTL):
                one.setsockopt(socket.IPPROTO_IP, option, hops)
            one.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, 0)
        if group and not six:
            chosen = struct.pack("4s4si", bytes(4), bytes(4), index)
            one.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, chosen)
        elif group:
            one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, index)
        tail = (0, index) if six else ()
        try:
            if sending.source:
                one.bind((sending.source, 0, *tail))
            one.sendto(_payload(sending, number), (sending.target, 0, *tail))
        except OSError:
            return  # the filter of the sender itself, or no route: nothing arrives


def _payload(sending: Sending, number: int) -> bytes:
    mark = _MARK + number.to_bytes(4, "big")
    if sending.protocol == VRRP:
        return bytes([0x31, 7, 100, 1, 0, 100, 0, 0]) + mark
    identity = number if sending.answers is None else sending.answers
    rest = struct.pack("!HH", identity & 0xFFFF, identity >> 16)
    body = mark
    if _is_error(sending):
        rest, body = bytes(4), _about(sending) + mark
    elif sending.icmp_type in {133, 134, 135, 136}:
        # A group as the target makes neighbour discovery ignore it.
        rest, body = bytes(4), socket.inet_pton(socket.AF_INET6, "ff02::99") + mark
    head = bytes([sending.icmp_type, sending.icmp_code])
    message = head + bytes(2) + rest + body
    if sending.family == "ipv6":
        return message  # the kernel sums it up
    return head + _sum(message) + rest + body


def _is_error(sending: Sending) -> bool:
    kinds = {3, 11, 12} if sending.family == "ipv4" else {1, 2, 3, 4}
    return sending.icmp_type in kinds


def _about(sending: Sending) -> bytes:
    source, target, number = sending.about or (sending.target, sending.source, 0x7FFF)
    six = sending.family == "ipv6"
    protocol = (ICMPV6 if six else ICMP) if sending.about else socket.IPPROTO_UDP
    echo = struct.pack("!BBHHH", 128 if six else 8, 0, 0, number & 0xFFFF, number >> 16)
    ends = b"".join(
        socket.inet_pton(socket.AF_INET6 if six else socket.AF_INET, end)
        for end in (source, target)
    )
    if six:
        return struct.pack("!IHBB", 6 << 28, len(echo), protocol, 60) + ends + echo
    header = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(echo), 1, 0, 60, protocol, 0)
    summed = header[:10] + _sum(header + ends) + ends
    return summed + echo


def _sum(data: bytes) -> bytes:
    """The checksum of the Internet protocols (RFC 1071)."""
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return struct.pack("!H", ~total & 0xFFFF)

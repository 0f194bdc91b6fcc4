"""Real TCP connections from many hosts at once: open is one on which the service says its greeting.

Servers and clients are sockets of this one process, each made inside its host's network namespace
and all served by one loop. So an attempt has had its answer when nothing more happens in that loop:
how busy the machine is does not matter, for a process that was not run sees its answers first.
"""

from __future__ import annotations

import selectors
import socket
import struct
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Literal

from nethygiene.subjects.links.ip.families import Family
from tests.lab.kernel import Namespaces, setns

_GREETING = b"220 here\r\n"
_ABORT = struct.pack("ii", 1, 0)
QUIET = 0.09
"""Seconds without an event after which the others are silent; the stack itself takes under 1 ms."""
PATIENCE = 3.4
"""Seconds for an attempt that is asked again: time for two SYNs more, and three solicitations."""


@dataclass(frozen=True, slots=True)
class Client:
    """A host with addresses that connections come from.

    Attributes:
        name: for messages.
        namespace: its network namespace, as a file.
        interface: the target's interface that its packets come in by.
    """

    name: str
    namespace: Path
    interface: str


@dataclass(frozen=True, slots=True)
class Attempt:
    """One connection to be tried.

    Attributes:
        client: who connects.
        family: of the addresses.
        source: the client's address.
        target: the address connected to.
        port: the port connected to.
        sport: the client's own port; 0 takes one of those that clients use.
    """

    client: Client
    family: Family
    source: str
    target: str
    port: int
    sport: int = 0

    def __str__(self) -> str:
        sport = f" port {self.sport}" if self.sport else ""
        return f"{self.client.name} {self.source}{sport} to {self.target} port {self.port}"


@contextmanager
def inside(namespace: Path) -> Iterator[None]:
    """Have this thread make its sockets in another network namespace."""
    with Path("/proc/thread-self/ns/net").open("rb") as outside:
        setns(namespace, Namespaces.NET)
        try:
            yield
        finally:
            setns(outside.fileno(), Namespaces.NET)


class Loop:
    """All servers and all clients of the comparison."""

    def __init__(self) -> None:
        self._watch = selectors.DefaultSelector()
        self._listeners: list[socket.socket] = []
        self._served: list[socket.socket] = []
        # No connection has the ports of an earlier one, which the kernel may still remember.
        self._ports = count(0)
        self.seen: dict[int, tuple[str, int]] = {}
        """The client's address and port as the service saw them, by attempt of the last call."""

    def close(self) -> None:
        """End everything."""
        self._abort(self._served)
        self._abort(self._listeners)
        self._watch.close()

    def listen(
        self, namespace: Path, ports: Iterable[int], addresses: Sequence[str] = ("::", "0.0.0.0")
    ) -> None:
        """Serve these ports of a host, on all addresses of both families unless some are named."""
        with inside(namespace):
            for port in ports:
                for address in addresses:
                    self._listen(address, port)

    def _listen(self, address: str, port: int) -> None:
        one = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if ":" in address:
            one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        one.bind((address, port))
        one.listen(512)
        one.setblocking(False)
        self._listeners.append(one)
        self._watch.register(one, selectors.EVENT_READ, None)

    def connect(self, attempts: Sequence[Attempt], *, patience: float = 0) -> list[bool]:
        """Whether each attempt got the greeting.

        Args:
            attempts: tried all at once.
            patience: how long to wait for those that get none; 0 waits until nothing happens.
        """
        greeted = [False] * len(attempts)
        self.seen = {}
        clients = self._dial(attempts)
        deadline = time.monotonic() + patience
        while clients:
            left = max(deadline - time.monotonic(), QUIET)
            events = self._watch.select(left)
            for key, _ in events:
                if key.data is None:
                    self._serve(key.fileobj)  # type: ignore[arg-type]
                elif (found := _heard(key.fileobj)) is not None:  # type: ignore[arg-type]
                    greeted[key.data] = bool(found)
                    if found:
                        self.seen[key.data] = found
                    self._abort([clients.pop(key.data)])
            if not events and time.monotonic() >= deadline:
                break
        self._abort(list(clients.values()))
        self._abort(self._served)
        self._served = []
        return greeted

    def _dial(self, attempts: Sequence[Attempt]) -> dict[int, socket.socket]:
        clients: dict[int, socket.socket] = {}
        by_client: dict[Client, list[int]] = {}
        for number, attempt in enumerate(attempts):
            by_client.setdefault(attempt.client, []).append(number)
        for client, numbers in by_client.items():
            with inside(client.namespace):
                for number in numbers:
                    one = self._dialled(attempts[number])
                    if one is not None:
                        clients[number] = one
                        self._watch.register(one, selectors.EVENT_READ, number)
        return clients

    def _dialled(self, attempt: Attempt) -> socket.socket | None:
        six = attempt.family == "ipv6"
        one = socket.socket(socket.AF_INET6 if six else socket.AF_INET)
        one.setblocking(False)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABORT)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sport = attempt.sport or 32768 + next(self._ports) % 28000
        # The number of eth0 as the client counts; global addresses take none.
        scope = socket.if_nametoindex("eth0") if attempt.target.startswith("fe80:") else 0
        tail = (0, scope) if six else ()
        try:
            one.bind((attempt.source, sport, *tail))
            one.connect((attempt.target, attempt.port, *tail))
        except BlockingIOError:
            return one
        except OSError as error:
            one.close()
            if isinstance(error, ConnectionError) or error.errno in _NO_WAY:
                return None
            raise
        return one

    def _serve(self, listener: socket.socket) -> None:
        while True:
            try:
                one, peer = listener.accept()
            except OSError:
                return
            one.setblocking(False)
            one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABORT)
            self._served.append(one)
            try:
                one.send(b"%s%s %d" % (_GREETING, peer[0].encode(), peer[1]))
            except OSError:
                continue  # a filter has reset it since

    def _abort(self, sockets: list[socket.socket]) -> None:
        for one in sockets:
            if one.fileno() in self._watch.get_map():
                self._watch.unregister(one)
            one.close()


def _heard(client: socket.socket) -> tuple[str, int] | Literal[False] | None:
    """Whom the service greets; False if it does not, None if nothing came."""
    try:
        heard = client.recv(128)
    except BlockingIOError:
        return None
    except OSError:
        return False  # refused, reset or unreachable
    address, _, port = heard.removeprefix(_GREETING).decode().rpartition(" ")
    return (address, int(port)) if heard.startswith(_GREETING) else False


# Routes of the client's own side say so: ENETUNREACH, EHOSTUNREACH, EACCES, EINVAL.
_NO_WAY = {101, 113, 13, 22}

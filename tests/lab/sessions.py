"""Connections between lab hosts with keepalive as the test wants it, on either end."""

from __future__ import annotations

from tests.lab.endpoints import Endpoint
from tests.lab.host import LabHost

# "off": no SO_KEEPALIVE; "on": with the kernel's time; a number: with that time and interval.
_COMMON = r"""
import selectors, socket, sys
def keep_alive(one, wanted):
    if wanted != "off":
        one.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if wanted.isdigit():
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, int(wanted))
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, int(wanted))
held, watch = [], selectors.DefaultSelector()
watch.register(sys.stdin, selectors.EVENT_READ)
def obey():
    words = sys.stdin.readline().split()
    if not words:
        sys.exit(0)
    for one in held:
        one.send(b"x")
    print("done", flush=True)
"""

_SERVER = (
    _COMMON
    + r"""
address, port, v6only, wanted = sys.argv[1:5]
one = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
if ":" in address:
    one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(v6only))
one.bind((address, int(port)))
one.listen(128)
watch.register(one, selectors.EVENT_READ)
print("ready", flush=True)
while True:
    for key, _ in watch.select():
        if key.fileobj is not one:
            obey()
            continue
        held.append(one.accept()[0])
        keep_alive(held[-1], wanted)
"""
)

_CLIENT = (
    _COMMON
    + r"""
address, port, count, wanted = sys.argv[1:5]
for _ in range(int(count)):
    held.append(socket.create_connection((address, int(port)), 10))
    keep_alive(held[-1], wanted)
print("ready", flush=True)
while True:
    obey()
"""
)


_CROWD = r"""
import socket, sys
port, count = map(int, sys.argv[1:3])
one = socket.create_server(("0.0.0.0", port), backlog=128)
held = []
for number in range(count):
    client = socket.socket()
    client.bind((f"127.1.{number % 250}.1", 0))
    client.connect(("127.0.0.1", port))
    held += [client, one.accept()[0]]
    held[-1].setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
print("ready", flush=True)
sys.stdin.readline()
"""


class Sessions(Endpoint):
    """One end of connections, held until it is closed."""

    def send(self) -> None:
        """Send a byte on each connection."""
        self._order("send")


def serve(
    host: LabHost,
    port: int,
    keepalive: str = "off",
    *,
    address: str = "0.0.0.0",
    v6only: bool = False,
) -> Sessions:
    """Have a host accept connections and hold them; ``keepalive`` is off, on, or seconds.

    Raises:
        tests.lab.endpoints.EndpointError: the port could not be bound.
    """
    arguments = [address, str(port), str(int(v6only)), keepalive]
    return Sessions(host._spawn, _SERVER, arguments)


def dial(host: LabHost, to: str, port: int, count: int = 1, keepalive: str = "off") -> Sessions:
    """Have a host open connections and hold them; they are established when this returns.

    Raises:
        tests.lab.endpoints.EndpointError: one was refused, or got no answer for ten seconds.
    """
    arguments = [to, str(port), str(count), keepalive]
    return Sessions(host._spawn, _CLIENT, arguments)


def crowd(host: LabHost, port: int, count: int) -> Sessions:
    """Have a host serve itself `count` connections, which are two sockets each."""
    return Sessions(host._spawn, _CROWD, [str(port), str(count)])

"""One process that is all of a scene's sockets: one for each would cost more than the audit."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from tests.lab.endpoints import Endpoint
from tests.lab.host import LabHost

_SOURCE = r"""
import collections, json, os, resource, selectors, socket, sys, time
part = json.loads(sys.argv[1])
TICK = 0.04
watch, held = selectors.DefaultSelector(), []
watch.register(sys.stdin, selectors.EVENT_READ, "end")

def listen(address, port, backlog, accepts, probed):
    one = socket.socket()
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    one.bind((address, port))
    one.listen(backlog)
    if accepts:
        watch.register(one, selectors.EVENT_READ, "probed" if probed else "plain")
    held.append(one)
    return one

def hold(one, probed):
    if probed:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    held.append(one)

def knock(address, port):
    one = socket.socket()
    one.setblocking(False)
    one.connect_ex((address, port))
    return one

for each in part["listens"]:
    listen(*each)
for address, port, count, probed in part["connects"]:
    for _ in range(count):
        hold(socket.create_connection((address, port), 10), probed)
for address, port, count in part["knocks"]:
    held += [knock(address, port) for _ in range(count)]
# A full SYN queue is pruned of its older entries: there have to be new ones.
floods = collections.deque([], 40)
for place in part["floods"]:
    floods.extend(knock(*place) for _ in range(40))
loaded = []
if part["load"]:
    sink = listen("127.0.0.1", part["load"], 100, False, False)
    for _ in range(20):
        loaded.append(socket.create_connection(("127.0.0.1", part["load"])))
        held.append(sink.accept()[0])
        watch.register(held[-1], selectors.EVENT_READ, "sink")
    for one in loaded:
        one.setblocking(False)
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
frames = None
if part["frames"]:
    frames = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    frames.bind((part["frames"], 0))
    # Broadcast, of a protocol that nobody takes.
    frame = b"\xff" * 6 + frames.getsockname()[4] + bytes.fromhex("88b5") + bytes(60)
for host in part["redirects"]:
    inner = bytes.fromhex("4500001c000000004011") + b"\0\0" + socket.inet_aton(host)
    inner += socket.inet_aton("203.0.113.77") + bytes(8)
    body = b"\x05\x01\0\0" + socket.inet_aton(part["gateway"]) + inner
    total = sum(int.from_bytes(body[i : i + 2], "big") for i in range(0, len(body), 2))
    total = (total & 0xFFFF) + (total >> 16)
    body = body[:2] + (0xFFFF - total).to_bytes(2, "big") + body[4:]
    raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    raw.sendto(body, (host, 0))
    raw.close()
dialled = []
if part["runs_out"]:
    limit = len(os.listdir("/proc/self/fd")) + len(part["dials"]) + 1
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
print("ready", flush=True)
last = time.monotonic()
busy = part["dials"] or part["datagrams"] or loaded or frames
while True:
    for key, _ in watch.select(TICK if busy else None):
        if key.data == "end":
            sys.exit(0)
        if key.data == "sink":
            key.fileobj.recv(65536)
            continue
        try:
            hold(key.fileobj.accept()[0], key.data == "probed")
        except OSError:
            pass
    for one in dialled:
        one.close()
    dialled = [knock(*place) for place in part["dials"]]
    for place in part["datagrams"]:
        datagrams.sendto(b"x", tuple(place))
    for place in part["floods"]:
        floods.popleft().close()
        floods.append(knock(*place))
    # By the clock: on a busy machine a turn may take long.
    elapsed, last = min(1.0, time.monotonic() - last), time.monotonic()
    for one in loaded * round(elapsed / TICK):
        try:
            one.send(b"x" * 10)
        except BlockingIOError:
            pass
    for _ in range(round(700 * elapsed) if frames else 0):
        frames.send(frame)
"""

Place = tuple[str, int]
"""An address and a port."""


@dataclass(frozen=True)
class Part:
    """What one process does, from its start until it is ended.

    Attributes:
        listens: address, port, backlog, whether it accepts, whether with SO_KEEPALIVE.
        connects: address, port, how many connections, whether with SO_KEEPALIVE; they are held.
        knocks: address, port, and how many connections are begun and never waited for.
        floods: where new handshakes are begun all the time, and none is ended.
        dials: what is dialled some twenty times a second.
        datagrams: what is sent a UDP datagram as often.
        load: a port on loopback over which some 500 small segments a second go; 0 for none.
        frames: the interface that foreign frames are broadcast on, some 700 a second.
        redirects: hosts that are told of a better next hop, once.
        gateway: that next hop.
        runs_out: its limit of open files leaves hardly room for one more.
    """

    listens: tuple[tuple[str, int, int, bool, bool], ...] = ()
    connects: tuple[tuple[str, int, int, bool], ...] = ()
    knocks: tuple[tuple[str, int, int], ...] = ()
    floods: tuple[Place, ...] = ()
    dials: tuple[Place, ...] = ()
    datagrams: tuple[Place, ...] = ()
    load: int = 0
    frames: str = ""
    redirects: tuple[str, ...] = ()
    gateway: str = ""
    runs_out: bool = False


def play(host: LabHost, part: Part) -> Endpoint:
    """Start the process on a host.

    Raises:
        tests.lab.endpoints.EndpointError: it did not come up.
    """
    return host.program(_SOURCE, json.dumps(asdict(part)))

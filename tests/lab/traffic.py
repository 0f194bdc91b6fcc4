"""Programs that make traffic inside lab hosts: bounded loads, and servers that take them.

Started by :meth:`tests.lab.host.LabHost.program`; like the programs of ``endpoints`` they say
"ready" once they run, and end when their standard input does.
"""

from __future__ import annotations

SINK = r"""
import selectors, socket, sys
one = socket.socket()
one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
one.bind(("0.0.0.0", int(sys.argv[1])))
one.listen(1000)
watch = selectors.DefaultSelector()
watch.register(sys.stdin, selectors.EVENT_READ)
watch.register(one, selectors.EVENT_READ)
print("ready", flush=True)
while True:
    for key, _ in watch.select():
        if key.fileobj is sys.stdin:
            sys.exit(0)
        if key.fileobj is one:
            watch.register(one.accept()[0], selectors.EVENT_READ)
            continue
        try:
            ended = not key.fileobj.recv(65536)
        except ConnectionError:
            ended = True
        if ended:
            watch.unregister(key.fileobj)
            key.fileobj.close()
"""
"""Takes connections on port $1, reads what comes, and closes each when the peer has."""

SENDER = r"""
import select, socket, sys
address, port = sys.argv[1], int(sys.argv[2])
held = [socket.create_connection((address, port)) for _ in range(90)]
for one in held:
    one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    one.setblocking(False)
print("ready", flush=True)
while not select.select([sys.stdin], [], [], 0.02)[0]:
    for one in held:
        try:
            one.send(b"x" * 10)
        except BlockingIOError:
            pass
"""
"""Sends some 4,500 small segments a second to $1 port $2, over 90 connections: a thousand in a
window of two seconds on a machine that is busy, too."""

SHOP = r"""
import select, socket, sys
port, backlog, pause = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
one = socket.socket()
one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
one.bind(("0.0.0.0", port))
one.listen(backlog)
one.setblocking(False)
print("ready", flush=True)
while not select.select([sys.stdin], [], [], pause)[0]:
    while True:
        try:
            one.accept()[0].close()
        except BlockingIOError:
            break
"""
"""The shop of S3: listens on port $1 with backlog $2, and is busy elsewhere for $3 s at a time."""

CLIENTS = r"""
import socket, sys, threading, time
address, port, threads, burst, every, refused = sys.argv[1:7]
address, targets = (address, int(port)), int(burst)
count = 0
def dial(to):
    one = socket.socket()
    one.setblocking(False)
    one.connect_ex(to)
    return one
def load():
    global count
    while True:
        held = []
        for _ in range(targets):
            count += 1
            dead = int(refused) and count % 40 == 0
            held.append(dial((address[0], int(refused)) if dead else address))
        time.sleep(float(every))
        for one in held:
            one.close()
for _ in range(int(threads)):
    threading.Thread(target=load, daemon=True).start()
print("ready", flush=True)
sys.stdin.readline()
"""
"""The multi-threaded client of S3: $3 threads, each opening $4 connections at once to $1 port $2,
holding them for $5 s and closing them; every fortieth goes to the closed port $6, unless 0."""

HALF_OPEN = r"""
import select, socket, sys
address, port, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
def dial(source):
    one = socket.socket()
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    one.setblocking(False)
    one.bind(("0.0.0.0", source))
    one.connect_ex((address, port))
    return one
held = [dial(40000 + number) for number in range(count)]
print("ready", flush=True)
while not select.select([sys.stdin], [], [], 0.5)[0]:
    for number, one in enumerate(held):
        one.close()
        held[number] = dial(40000 + number)
"""
"""Keeps $3 connections to $1 port $2 half-open, where the client's filter drops each answer: from
the same ports it dials again and again, since a listener forgets the older half of a queue that is
half full (reqsk_timer_handler in net/ipv4/inet_connection_sock.c)."""

DATAGRAMS = r"""
import select, socket, sys
one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
print("ready", flush=True)
while not select.select([sys.stdin], [], [], 0.05)[0]:
    one.sendto(b"x", (sys.argv[1], 9))
"""
"""Sends twenty datagrams a second to $1."""

FOREIGN_FRAMES = r"""
import select, socket, sys
raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
raw.bind(("eth0", 0))
header = bytes.fromhex(sys.argv[1].replace(":", "")) + raw.getsockname()[4] + bytes.fromhex("88b5")
print("ready", flush=True)
while not select.select([sys.stdin], [], [], 0.01)[0]:
    raw.send(header + bytes(60))
"""
"""Sends a hundred frames a second to the MAC address $1, of a protocol that nobody takes."""

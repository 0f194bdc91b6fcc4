"""Real TCP connects from many addresses to many ports at once, and a host that listens on all."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable

from tests.lab.host import LabHost

LISTEN = r"""
import selectors, socket, sys
watch = selectors.DefaultSelector()
for port in map(int, sys.argv[1:]):
    one = socket.socket(socket.AF_INET6)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    one.bind(("::", port))
    one.listen(512)
    one.setblocking(False)
    watch.register(one, selectors.EVENT_READ)
watch.register(sys.stdin, selectors.EVENT_READ)
print("ready", flush=True)
while True:
    for key, _ in watch.select():
        if key.fileobj is sys.stdin:
            sys.exit(0)
        try:
            key.fileobj.accept()[0].close()
        except OSError:
            pass
"""

CONNECT = r"""
import json, selectors, socket, struct, sys, time
asked, wait = json.loads(sys.stdin.read()), float(sys.argv[1])
watch, answers = selectors.DefaultSelector(), {}
for number, (source, target, port) in enumerate(asked):
    one = socket.socket(socket.AF_INET6 if ":" in source else socket.AF_INET)
    one.setblocking(False)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    one.bind((source, 0))
    try:
        error = one.connect_ex((target, port))
    except OSError:
        error = 1
    watch.register(one, selectors.EVENT_WRITE, number)
end = time.monotonic() + wait
while watch.get_map() and (left := end - time.monotonic()) > 0:
    for key, _ in watch.select(left):
        error = key.fileobj.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        # Rules about established connections may end one at once: with a round trip measured
        # (tcpi_rtt), the SYN itself was answered.
        rtt = struct.unpack_from("I", key.fileobj.getsockopt(6, socket.TCP_INFO, 104), 68)[0]
        answers[key.data] = "open" if error == 0 or rtt else "refused"
        watch.unregister(key.fileobj)
        key.fileobj.close()
print(json.dumps([answers.get(n, "silent") for n in range(len(asked))]))
"""

Attempt = tuple[str, str, int]
"""Source address, target address, port."""


def listen(host: LabHost, ports: Iterable[int]) -> subprocess.Popen[str]:
    """Have a host listen on ports of both families; closing its input ends it."""
    process = host._spawn(LISTEN, *map(str, ports))
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def connect(client: LabHost, attempts: list[Attempt], wait: float) -> list[str]:
    """``open``, ``refused`` or ``silent`` for each attempt, after so many seconds."""
    done = client.run(
        "/usr/bin/env", "python3", "-I", "-S", "-c", CONNECT, str(wait), text=json.dumps(attempts)
    )
    answers: list[str] = json.loads(done.stdout)
    return answers

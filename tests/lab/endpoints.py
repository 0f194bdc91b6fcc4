"""Processes that listen and dial inside lab hosts: real sockets, owned by real processes.

The two programs are handed to the machine's own Python with ``-c``, since a host may not see
the directory that the tests lie in. Each obeys one-word lines on its standard input, answers
each with a line, and ends when its input does: the end of the test run ends it as well.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from types import TracebackType
from typing import Self

Spawn = Callable[..., "subprocess.Popen[str]"]
"""Starts ``argv`` inside a host with pipes for standard input and output."""

LISTENER = r"""
import selectors, socket, sys
family, address, port, backlog, accepting = sys.argv[1:6]
accepting = accepting == "accept"
one = socket.socket(socket.AF_INET6 if family == "6" else socket.AF_INET)
one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
if family == "6":
    one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
one.bind((address, int(port)))
one.listen(int(backlog))
one.setblocking(False)
held = []
watch = selectors.DefaultSelector()
watch.register(sys.stdin, selectors.EVENT_READ)
if accepting:
    watch.register(one, selectors.EVENT_READ)
print("ready", flush=True)
def drain():
    while True:
        try:
            held.append(one.accept()[0])
        except BlockingIOError:
            return
while True:
    for key, _ in watch.select():
        if key.fileobj is one:
            drain()
            continue
        words = sys.stdin.readline().split()
        if not words:
            sys.exit(0)
        if words[0] == "listen":
            one.listen(int(words[1]))
        elif words[0] == "accept":
            drain()
            watch.register(one, selectors.EVENT_READ)
        print("done", flush=True)
"""

DIALLER = r"""
import selectors, socket, sys
family, address, port, count, every = sys.argv[1:6]
every = float(every)
held, watch = [], selectors.DefaultSelector()
watch.register(sys.stdin, selectors.EVENT_READ)
def dial():
    one = socket.socket(socket.AF_INET6 if family == "6" else socket.AF_INET)
    one.setblocking(False)
    one.connect_ex((address, int(port)))
    held.append(one)
for _ in range(int(count)):
    dial()
print("ready", flush=True)
while True:
    if not watch.select(every or None):
        dial()
        continue
    if not sys.stdin.readline():
        sys.exit(0)
    print("done", flush=True)
"""


class EndpointError(Exception):
    """A listener or dialler that did not do as told; the text holds its last words."""


class Endpoint:
    """One of the two programs, running in a host. Closing it, or leaving its ``with``, ends it."""

    def __init__(self, spawn: Spawn, program: str, arguments: list[str]) -> None:
        self._what = " ".join(arguments)
        self._process = spawn(program, *arguments)
        self._hear("ready")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the program; its sockets close with it. Safe to call twice."""
        if self._process.poll() is None:
            self._process.communicate()
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            if pipe is not None:
                pipe.close()

    def _order(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        self._hear("done")

    def _hear(self, wanted: str) -> None:
        assert self._process.stdout is not None
        heard = self._process.stdout.readline().strip()
        if heard != wanted:
            _, complaint = self._process.communicate()
            raise EndpointError(f"{self._what}: heard {heard!r} instead of {wanted!r}: {complaint}")


class Listener(Endpoint):
    """A listening socket. Unless it accepts, connections pile up in its accept queue."""

    def listen_again(self, backlog: int) -> None:
        """Call listen(2) on the same socket once more: what a reload can do without a restart."""
        self._order(f"listen {backlog}")

    def accept_from_now_on(self) -> None:
        """Empty the accept queue and keep it empty; connections are held open."""
        self._order("accept")


class Dialler(Endpoint):
    """Connections that are held open until it is closed, more of them each so many seconds."""

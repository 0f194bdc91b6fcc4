"""Servers for the connection tests: real sshds, and raw sockets that misbehave."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from nethygiene.inventory.target import ConnectionKind, Target
from nethygiene.transport import ConnectSettings

SSHD = "/usr/sbin/sshd"


@dataclass
class Keys:
    """Key pairs made with ssh-keygen, once for the whole run."""

    directory: Path
    _made: dict[str, Path] = field(default_factory=dict)

    def __call__(self, name: str, kind: str = "ed25519", passphrase: str = "") -> Path:
        path = self._made.get(name)
        if path is None:
            path = self._made[name] = self.directory / name
            bits = ["-b", "2048"] if kind == "rsa" else []
            subprocess.run(
                [
                    "ssh-keygen",
                    "-q",
                    "-t",
                    kind,
                    *bits,
                    "-N",
                    passphrase,
                    "-C",
                    name,
                    "-f",
                    str(path),
                ],
                check=True,
                stdin=subprocess.DEVNULL,
            )
        return path

    def public(self, path: Path) -> str:
        return " ".join(Path(f"{path}.pub").read_text().split()[:2])

    def fingerprint(self, path: Path) -> str:
        done = subprocess.run(
            ["ssh-keygen", "-lf", f"{path}.pub"], check=True, capture_output=True, text=True
        )
        return done.stdout.split()[1]


@dataclass
class Sshd:
    """A running sshd."""

    port: int
    process: subprocess.Popen[bytes]
    log: Path
    host_key: Path
    public: str
    user_key: Path
    known_hosts: Path

    def target(self, kind: ConnectionKind = "paramiko", **changes: object) -> Target:
        values: dict[str, object] = {
            "name": "lab",
            "address": "127.0.0.1",
            "port": self.port,
            "user": "root",
            "kind": kind,
            "identity_file": str(self.user_key),
        }
        return Target(**{**values, **changes})  # type: ignore[arg-type]

    def settings(self, **changes: object) -> ConnectSettings:
        values: dict[str, object] = {
            "connect_timeout": 60.0,
            "command_timeout": 60.0,
            "known_hosts": (str(self.known_hosts),),
        }
        return ConnectSettings(**{**values, **changes})  # type: ignore[arg-type]

    def logged(self, words: str) -> int:
        return self.log.read_text(errors="replace").count(words)

    @property
    def mark(self) -> str:
        """What stands in the environment of every command that its sessions run."""
        return f"{MARK}={self.port}"

    def commands(self) -> list[int]:
        """The processes that its sessions started, those that outlived their session as well."""
        mark = self.mark.encode()
        found = []
        for environment in Path("/proc").glob("[1-9]*/environ"):
            # A process may end meanwhile.
            with contextlib.suppress(OSError):
                if mark in environment.read_bytes().split(b"\0"):
                    found.append(int(environment.parent.name))
        return found

    def stop(self) -> None:
        """End the listener, every session that it has, and what they run."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        # Without a terminal no SIGHUP ends a command whose session is killed.
        for pid in self.commands():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


MARK = "NETHYGIENE_LAB_SSHD"


SshdFactory = Callable[..., Sshd]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(server: Sshd) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        if server.log.exists() and "Server listening" in server.log.read_text():
            return
        assert server.process.poll() is None, server.log.read_text()
        time.sleep(0.005)
    raise AssertionError("sshd did not start")


@contextlib.contextmanager
def raw_server(
    handle: Callable[[socket.socket], None], address: str = "127.0.0.1"
) -> Iterator[int]:
    """A TCP server that hands each connection to `handle`; yields its port."""
    listener = socket.create_server((address, 0), backlog=64)
    threads: list[threading.Thread] = []
    connections: list[socket.socket] = []

    def serve_one(connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection:
            handle(connection)

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            connections.append(connection)
            threads.append(threading.Thread(target=serve_one, args=(connection,), daemon=True))
            threads[-1].start()

    acceptor = threading.Thread(target=accept, daemon=True)
    acceptor.start()
    try:
        yield int(listener.getsockname()[1])
    finally:
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()
        for thread in (acceptor, *threads):
            thread.join(5)


class Relay:
    """A TCP relay that can stop passing bytes or cut its connections, as a network does."""

    def __init__(self, port: int, address: str = "127.0.0.1") -> None:
        self._to = (address, port)
        self._frozen = threading.Event()
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self.limit: int | None = None
        self.connections = 0

    def handle(self, near: socket.socket) -> None:
        self.connections += 1
        far = socket.create_connection(self._to)
        self._pairs.append((near, far))
        back = threading.Thread(target=self._copy, args=(far, near, self.limit), daemon=True)
        back.start()
        self._copy(near, far, None)
        back.join(5)
        far.close()

    def _copy(self, source: socket.socket, sink: socket.socket, limit: int | None) -> None:
        passed = 0
        with contextlib.suppress(OSError):
            while limit is None or passed < limit:
                data = source.recv(16384 if limit is None else limit - passed)
                if not data:
                    break
                while self._frozen.is_set():
                    time.sleep(0.01)
                sink.sendall(data)
                passed += len(data)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def freeze(self) -> None:
        """Stop passing bytes; nobody is told."""
        self._frozen.set()

    def cut(self) -> None:
        """Cut every connection and thaw."""
        self._frozen.clear()
        for pair in self._pairs:
            for end in pair:
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

"""The byte stream under one SSH transport, with checks.

paramiko accepts anything with send, recv, close and settimeout as a socket. Ours stands in
between for two reasons. paramiko reads any length that a host promises (4 GiB before any key is
exchanged) and a first line without an end. And only the end of its stream frees a thread that
waits inside paramiko: :meth:`Wire.abort` ends it, from any thread, without blocking.
"""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import socket
import subprocess
import threading
from typing import IO, Protocol

import paramiko

# RFC 4253 6.1 asks for 35,000 bytes; OpenSSH sends and takes packets of at most 256 KiB.
_MAX_PACKET = 512 * 1024
# RFC 4253 4.2 allows lines before the version; OpenSSH reads at most 1,024 of them.
_MAX_PREAMBLE = 64 * 1024
_HEAD = 512


class Wire(Protocol):
    """The stream that a transport, and a watch over it, need; a socket to paramiko."""

    preamble: bytes
    banner_seen: bool
    closed_by_peer: bool

    @property
    def peer(self) -> str:
        """The far end, as ``10.0.0.11:22``."""

    def send(self, data: bytes) -> int: ...
    def recv(self, size: int) -> bytes: ...
    def settimeout(self, seconds: float | None) -> None: ...
    def close(self) -> None: ...
    def abort(self) -> None:
        """End the stream at once and locally: every wait on it ends. Never blocks."""

    def abort_route(self) -> None:
        """End the stream and what carries it, such as a jump host that no longer reads."""

    def release(self) -> None:
        """Free all resources and inform the far side. May block for a moment."""


class _Policed:
    """A stream with the checks that both kinds share."""

    def __init__(self) -> None:
        self.preamble = b""
        self.banner_seen = False
        self.closed_by_peer = False
        self._closed = False
        self._line = b""
        self._passed = 0

    def _check_size(self, size: int) -> None:
        if size > _MAX_PACKET:
            raise OSError(errno.EMSGSIZE, f"announced a packet of {size} bytes")

    def _inspect(self, data: bytes) -> None:
        """Follow the first bytes until the line that starts with ``SSH-`` has passed."""
        if not data:
            self.closed_by_peer = True
        elif not self.banner_seen:
            self._passed += len(data)
            self.preamble = (self.preamble + data)[:_HEAD]
            lines = (self._line + data).split(b"\n")
            self._line = lines[-1][:4]
            self.banner_seen = any(line.startswith(b"SSH-") for line in lines[:-1])
            if not self.banner_seen and self._passed > _MAX_PREAMBLE:
                raise OSError(errno.EPROTO, f"sent {self._passed} bytes that are not SSH")


class SocketWire(_Policed):
    """A TCP connection, or the near end of a ProxyCommand's socket pair."""

    def __init__(
        self,
        connection: socket.socket,
        peer: str,
        proxy: subprocess.Popen[bytes] | None = None,
        proxy_errors: IO[bytes] | None = None,
    ) -> None:
        super().__init__()
        self._socket = connection
        self._peer = peer
        self._proxy = proxy
        self._proxy_errors = proxy_errors

    @property
    def peer(self) -> str:
        return self._peer

    def send(self, data: bytes) -> int:
        try:
            return self._socket.send(data)
        except (ConnectionResetError, BrokenPipeError):
            self.closed_by_peer = True
            raise

    def recv(self, size: int) -> bytes:
        self._check_size(size)
        try:
            data = self._socket.recv(size)
        except (ConnectionResetError, BrokenPipeError):
            self.closed_by_peer = True
            raise
        if not self.banner_seen or not data:
            self._inspect(data)
        return data

    def settimeout(self, seconds: float | None) -> None:
        self._socket.settimeout(seconds)

    def abort(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def abort_route(self) -> None:
        self.abort()

    def close(self) -> None:
        self._closed = True
        self._socket.close()

    def release(self) -> None:
        """Close the socket and end the ProxyCommand."""
        self.close()
        if self._proxy is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._proxy.pid, signal.SIGKILL)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._proxy.wait(1.0)
            self._proxy = None
        if self._proxy_errors is not None:
            self._proxy_errors.close()
            self._proxy_errors = None

    def proxy_words(self) -> str:
        """The last line that the ProxyCommand wrote to its standard error."""
        if self._proxy_errors is None:
            return ""
        with contextlib.suppress(OSError, ValueError):
            end = self._proxy_errors.seek(0, os.SEEK_END)
            self._proxy_errors.seek(max(0, end - 4096))
            lines = self._proxy_errors.read().decode("utf-8", "replace").strip().splitlines()
            return lines[-1] if lines else ""
        return ""


class ChannelWire(_Policed):
    """A forwarded connection inside the SSH connection to a jump host."""

    # Only a timeout frees a write that waits for the window inside paramiko.
    _WAKE_SECONDS = 1.0

    def __init__(self, channel: paramiko.Channel, peer: str, route: Wire) -> None:
        super().__init__()
        self._channel = channel
        self._peer = peer
        self._route = route
        self._aborted = threading.Event()

    @property
    def peer(self) -> str:
        return self._peer

    def send(self, data: bytes) -> int:
        if self._aborted.is_set():
            raise EOFError
        return self._channel.send(data)

    def recv(self, size: int) -> bytes:
        self._check_size(size)
        if self._aborted.is_set():
            return b""
        data = self._channel.recv(size)
        # An abort looks like an end, but the peer did not close.
        if not self._aborted.is_set() and (not data or not self.banner_seen):
            self._inspect(data)
        return data

    def settimeout(self, seconds: float | None) -> None:
        self._channel.settimeout(min(seconds or self._WAKE_SECONDS, self._WAKE_SECONDS))

    def abort(self) -> None:
        """Let the reader see the end at once, and the writer within a second."""
        self._closed = True
        self._aborted.set()
        self._channel.in_buffer.close()

    def abort_route(self) -> None:
        """End the jump host's connection, and so all streams through it."""
        self.abort()
        self._route.abort_route()

    def close(self) -> None:
        """Abort: a thread of paramiko must not wait for the jump host."""
        self.abort()

    def release(self) -> None:
        """Tell the jump host that the forwarded connection is over."""
        self.abort()
        with contextlib.suppress(OSError, EOFError, paramiko.SSHException):
            self._channel.close()

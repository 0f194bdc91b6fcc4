"""paramiko's Transport, fit to run by the hundred and to report why it ended.

It differs from the stock class: it keeps the server's own words at a disconnect and at the
refusal of a channel, distinguishes a channel that the peer closed from a lost one, starts no
thread besides the transport's own, logs nothing, and prints no traceback. The names with
underscores that are overridden here are paramiko's extension points in practice;
tests/lab/connections fails if a new paramiko lacks them.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import paramiko
from paramiko.common import MSG_CHANNEL_CLOSE, OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED
from paramiko.packet import Packetizer

from nethygiene.transport.deadline import Watch

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from paramiko.message import Message

    from nethygiene.transport.deadline import Deadline
    from nethygiene.transport.wire import Wire

_LOGGER = "nethygiene.transport.paramiko"
logging.getLogger(_LOGGER).addHandler(logging.NullHandler())
logging.getLogger(_LOGGER).propagate = False
logging.getLogger(_LOGGER).setLevel(logging.CRITICAL + 1)

# Longer than any run. paramiko measures its own timeouts on the wall clock, which may
# jump; the watches of nethygiene.transport.deadline bound everything.
FOREVER = 1e9

_MAX_EXTENSIONS = 256

# The cheap ones first. SHA-1, MD5, CBC and 3DES are not offered at all.
_KEX = (
    "mlkem768x25519-sha256",
    "curve25519-sha256@libssh.org",
    "ecdh-sha2-nistp256",
    "ecdh-sha2-nistp384",
    "ecdh-sha2-nistp521",
    "diffie-hellman-group16-sha512",
    "diffie-hellman-group-exchange-sha256",
    "diffie-hellman-group14-sha256",
)
_CIPHERS = (
    "aes128-gcm@openssh.com",
    "aes256-gcm@openssh.com",
    "aes128-ctr",
    "aes256-ctr",
    "aes192-ctr",
)
_MACS = (
    "hmac-sha2-256-etm@openssh.com",
    "hmac-sha2-512-etm@openssh.com",
    "hmac-sha2-256",
    "hmac-sha2-512",
)
# One algorithm with two names: the earlier and the standard one.
_SAME = {"curve25519-sha256@libssh.org": "curve25519-sha256"}


@dataclass(frozen=True, slots=True)
class Algorithms:
    """The algorithms to offer a server, by preference."""

    kex: tuple[str, ...]
    keys: tuple[str, ...]
    ciphers: tuple[str, ...]
    macs: tuple[str, ...]


def algorithms(
    keys: tuple[str, ...],
    kex: tuple[str, ...],
    ciphers: tuple[str, ...],
    macs: tuple[str, ...],
) -> Algorithms:
    """Our algorithms that ssh_config allows; an empty tuple restricts nothing."""

    def allowed(ours: tuple[str, ...], theirs: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(
            name for name in ours if not theirs or name in theirs or _SAME.get(name) in theirs
        )

    offered = tuple(name for name in _KEX if name in paramiko.Transport._kex_info)  # type: ignore[attr-defined] # noqa: SLF001 - mlkem depends on cryptography's version
    return Algorithms(allowed(offered, kex), keys, allowed(_CIPHERS, ciphers), allowed(_MACS, macs))


class _Packetizer(Packetizer):
    """A packetizer without the handshake's timer thread, which outlives a failed handshake."""

    def start_handshake(self, timeout: float) -> None:
        """Leave the time to the watch around the handshake."""


class ChannelRefusedError(paramiko.SSHException):
    """A server's refusal to open a channel, in its own words.

    Attributes:
        prohibited: the server's policy forbids it; otherwise it failed (RFC 4254 5.1).
    """

    def __init__(self, code: int, text: str) -> None:
        self.prohibited = code == OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED
        super().__init__(text or f"reason code {code}")


@dataclass(slots=True)
class _Opening:
    """A channel that some thread is opening; -1 until it has its number."""

    number: int = -1


def _note_close(channel: paramiko.Channel, message: Message) -> None:
    channel._handle_close(message)  # type: ignore[attr-defined] # noqa: SLF001 - paramiko's own handler
    if isinstance(channel.transport, ClientTransport):
        channel.transport.closing(channel.chanid).set()


class ClientTransport(paramiko.Transport):
    """One SSH connection over a wire.

    Attributes:
        disconnect: code and text of the server's DISCONNECT message, once it sent one.
    """

    # The thread wakes at this timeout of the socket. Aborting the wire wakes it too, so
    # that it need not wake ten times a second.
    _active_check_timeout = 60.0
    _channel_handler_table: ClassVar[Mapping[int, Callable[..., Any]]] = {
        **paramiko.Transport._channel_handler_table,  # type: ignore[attr-defined] # noqa: SLF001
        MSG_CHANNEL_CLOSE: _note_close,
    }

    def __init__(self, wire: Wire, offer: Algorithms) -> None:
        super().__init__(wire, packetizer_class=_Packetizer)  # type: ignore[arg-type] # a socket-like
        self._preferred_kex = offer.kex
        self._preferred_keys = offer.keys
        self._preferred_ciphers = offer.ciphers
        self._preferred_macs = offer.macs
        self.set_log_channel(_LOGGER)
        self.banner_timeout = FOREVER
        self.auth_timeout = FOREVER
        self.clear_to_send_timeout = FOREVER
        self.disconnect: tuple[int, str] | None = None
        self._closings: dict[int, threading.Event] = {}
        self._refusals: dict[int, ChannelRefusedError] = {}
        self._abandoned: set[int] = set()
        self._opening = threading.local()

    @property
    def preferred_keys(self) -> tuple[str, ...]:
        """The types of plain keys: paramiko cannot verify a host certificate."""
        return tuple(self._preferred_keys)

    def run(self) -> None:
        """Speak the protocol until the connection ends; an error is kept, never printed."""
        try:
            super().run()
        except Exception as error:  # noqa: BLE001 - whatever a server can trip paramiko with
            self.saved_exception = error
            self._wake_all()

    def _wake_all(self) -> None:
        """Do what the stock class does at its end, for when that fails itself."""
        self.active = False
        self.packetizer.close()
        self.sock.close()
        for event in (self.completion_event, *self.channel_events.values()):
            if event is not None:
                event.set()
        if self.auth_handler is not None:
            self.auth_handler.abort()

    def open_within(
        self,
        deadline: Deadline,
        kind: str,
        destination: tuple[str, int] | None = None,
    ) -> paramiko.Channel:
        """Open a channel, waiting for the answer no longer than the deadline.

        Raises:
            TimeoutError: no answer came. One that comes later closes the channel.
            ChannelRefusedError: the server refused.
            paramiko.SSHException: the connection was lost.
            OSError: as above.
            EOFError: as above.
        """
        opening = _Opening()
        self._opening.current = opening
        source = ("127.0.0.1", 0) if destination is not None else None
        with Watch(deadline, lambda: self._abandon(opening)) as watch:
            try:
                channel = self.open_channel(kind, destination, source, timeout=FOREVER)
            except (paramiko.SSHException, OSError, EOFError):
                if watch.fired:
                    raise TimeoutError from None
                refusal = self._refusals.pop(opening.number, None)
                if refusal is not None:
                    raise refusal from None
                raise
        if watch.fired:
            channel.close()
            raise TimeoutError
        return channel

    def closing(self, number: int) -> threading.Event:
        """Set once the server closed that channel in good order and was answered."""
        return self._closings.setdefault(number, threading.Event())

    def _abandon(self, opening: _Opening) -> None:
        self._abandoned.add(opening.number)
        event = self.channel_events.get(opening.number)
        if event is not None:
            event.set()

    def _next_channel(self) -> int:
        number: int = super()._next_channel()  # type: ignore[misc]
        opening = getattr(self._opening, "current", None)
        if opening is not None:
            opening.number = number
        return number

    def _parse_channel_open_success(self, message: Message) -> None:
        number, theirs = message.get_int(), message.get_int()
        if number in self._abandoned:
            reply = paramiko.Message()
            reply.add_byte(bytes([MSG_CHANNEL_CLOSE]))
            reply.add_int(theirs)
            self._send_message(reply)  # type: ignore[attr-defined]
            return
        message.rewind()
        super()._parse_channel_open_success(message)  # type: ignore[misc]

    def _parse_channel_open_failure(self, message: Message) -> None:
        number, code, text = message.get_int(), message.get_int(), message.get_text()
        self._refusals[number] = ChannelRefusedError(code, text)
        message.rewind()
        super()._parse_channel_open_failure(message)  # type: ignore[misc]

    def _parse_ext_info(self, message: Message) -> None:
        # The stock class trusts the count, and would be busy for an hour with 4 billion.
        if message.get_int() > _MAX_EXTENSIONS:
            raise paramiko.SSHException("too many extensions")
        message.rewind()
        super()._parse_ext_info(message)  # type: ignore[misc]

    def _parse_disconnect(self, message: Message) -> None:
        self.disconnect = (message.get_int(), message.get_text())

"""One SSH login over a stream: banner, key exchange, host key, authentication.

Every failure is a :class:`~nethygiene.errors.ConnectError`, and leaves neither a thread
nor a descriptor behind.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from dataclasses import dataclass

import paramiko

from nethygiene.errors import ConnectError
from nethygiene.known_hosts import fingerprint
from nethygiene.transport.authentication import authenticate
from nethygiene.transport.client_transport import ClientTransport, algorithms
from nethygiene.transport.deadline import Deadline, Watch
from nethygiene.transport.dial import timed_out
from nethygiene.transport.handshake_errors import BUSY, closed, not_ssh
from nethygiene.transport.host_keys import HostKeyPolicy
from nethygiene.transport.identities import Identities
from nethygiene.transport.retry import ClosedEarlyError, retried
from nethygiene.transport.ssh_options import SshOptions
from nethygiene.transport.wire import SocketWire, Wire

_RELEASE_SECONDS = 5.0
_THREAD_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class LoginRequest:
    """The server, the user and the keys of a login.

    Attributes:
        label: the host's name in messages.
        options: the options of ssh_config for it.
        host_keys: the policy for its host key.
        named_identities: key files that come first.
    """

    label: str
    options: SshOptions
    host_keys: HostKeyPolicy
    named_identities: tuple[str, ...] = ()


class Login:
    """An authenticated SSH connection."""

    def __init__(self, transport: ClientTransport, wire: Wire, host_key: str) -> None:
        self.transport = transport
        self.wire = wire
        self.host_key = host_key

    @property
    def alive(self) -> bool:
        """Whether the connection still stands."""
        return self.transport.is_active()

    def close(self) -> None:
        """End the connection, its thread and its stream. Safe to call twice."""
        _release(self.transport, self.wire)


def log_in(request: LoginRequest, dial: Callable[[Deadline], Wire], deadline: Deadline) -> Login:
    """Connect and authenticate, again if the server closes before authentication.

    Args:
        request: the server, the user and the keys.
        dial: opens a new stream to the server.
        deadline: for all attempts together.

    Raises:
        ConnectError: why it fails.
    """
    skipped: tuple[str, ...] = ()
    mismatch: ConnectError | None = None
    while True:
        try:
            return retried(functools.partial(_attempt, request, dial, deadline, skipped), deadline)
        except _OtherKeyWanted as other:
            mismatch = other.error
            skipped = (*skipped, *other.algorithms)
            if set(skipped) >= set(request.host_keys.algorithms()):
                raise mismatch from None
        except ConnectError as error:
            if mismatch is not None and error.code == "kex":
                # The server has no key of a further type: report the one that it showed first.
                raise mismatch from None
            raise


class _OtherKeyWanted(Exception):  # noqa: N818 - never leaves this module
    """The server shows a key that is not pinned; its key of another type may be."""

    def __init__(self, error: ConnectError, algorithms: tuple[str, ...]) -> None:
        self.error = error
        self.algorithms = algorithms
        super().__init__()


def _attempt(
    request: LoginRequest,
    dial: Callable[[Deadline], Wire],
    deadline: Deadline,
    skipped: tuple[str, ...],
) -> Login:
    wire = dial(deadline)
    transport: ClientTransport | None = None
    identities = Identities(request.options, request.named_identities, deadline)
    phase = ["the SSH banner"]
    try:
        # If even aborting the stream does not free its thread, the jump host is stuck.
        last_resort = Watch(deadline.later(1.0), wire.abort_route)
        with Watch(deadline, wire.abort) as watch, last_resort:
            try:
                transport = _handshake(request, wire, skipped, phase)
                key = transport.get_remote_server_key()
                _check_host_key(request, transport, key)
                phase[0] = "authentication"
                authenticate(request.options, _where(request, wire), transport, identities)
            except (ConnectError, ClosedEarlyError):
                if watch.fired:
                    raise timed_out(_where(request, wire), phase[0], deadline) from None
                raise
        if watch.fired:
            raise timed_out(_where(request, wire), phase[0], deadline)
        return Login(transport, wire, fingerprint(key.asbytes()))
    except BaseException:
        _release(transport, wire)
        raise
    finally:
        identities.close()


def _where(request: LoginRequest, wire: Wire) -> str:
    return wire.peer if request.label in wire.peer else f"{request.label} ({wire.peer})"


def _handshake(
    request: LoginRequest, wire: Wire, skipped: tuple[str, ...], phase: list[str]
) -> ClientTransport:
    options = request.options
    keys = tuple(name for name in request.host_keys.algorithms() if name not in skipped)
    offer = algorithms(keys, options.kex_algorithms, options.ciphers, options.macs)
    transport = ClientTransport(wire, offer)
    done = threading.Event()
    try:
        transport.start_client(event=done)
        done.wait()
        if wire.banner_seen:
            phase[0] = "the key exchange"
        if transport.is_active() and transport.initial_kex_done:
            return transport
        raise _handshake_error(request, transport, wire)
    except BaseException:
        _release(transport, wire)
        raise


def _handshake_error(
    request: LoginRequest, transport: ClientTransport, wire: Wire
) -> ConnectError | ClosedEarlyError:
    where = _where(request, wire)
    transport.join(1.0)
    error = transport.get_exception()
    words = transport.disconnect[1] if transport.disconnect else ""
    if not wire.banner_seen:
        heard = wire.preamble.split(b"\n")[0].strip()
        ended = wire.closed_by_peer or isinstance(error, EOFError)
        words = heard.decode("ascii", "replace")
        # A server that is cut off within its banner does speak SSH.
        if ended and (not heard or words.startswith((*BUSY, "SSH-"))):
            said = _proxy_words(wire)
            when = "before it said that it speaks SSH"
            return ClosedEarlyError(closed(where, when, said or words, proxy=bool(said)))
        if heard:
            return not_ssh(where, heard)
        return ConnectError("banner", f"{where}: {error}", "see what listens there")
    if isinstance(error, paramiko.ssh_exception.IncompatiblePeer):
        return ConnectError(
            "kex",
            f"{where}: {error}",
            "allow a current algorithm on one side, or set ansible_connection: ssh",
        )
    if wire.closed_by_peer or isinstance(error, EOFError):
        return ClosedEarlyError(closed(where, "during the key exchange", words))
    return ConnectError(
        "kex",
        f"{where}: the key exchange failed: {words or error or 'no reason given'}",
        "look into the host's sshd log; if ssh can connect, set ansible_connection: ssh",
    )


def _proxy_words(wire: Wire) -> str:
    return wire.proxy_words() if isinstance(wire, SocketWire) else ""


def _check_host_key(request: LoginRequest, transport: ClientTransport, key: paramiko.PKey) -> None:
    blob = key.asbytes()
    try:
        request.host_keys.check(key.get_name(), blob)
    except ConnectError as error:
        if request.host_keys.pinned_mismatch(blob):
            kind = transport.host_key_type or ""
            seen = ("rsa-sha2-512", "rsa-sha2-256") if "rsa" in kind else (kind,)
            raise _OtherKeyWanted(error, seen) from None
        raise


def _release(transport: ClientTransport | None, wire: Wire) -> None:
    """End a transport's thread and give its stream back."""
    wire.abort()
    if transport is not None:
        # The thread ends before its descriptor is closed: otherwise it would wait on the next
        # stream that gets the descriptor's number.
        if transport.is_alive():
            transport.join(_THREAD_SECONDS)
        transport.close()
    with Watch(Deadline.after(_RELEASE_SECONDS), wire.abort_route):
        wire.release()

"""One SSH login over a stream: banner, key exchange, host key, authentication.

Every way that this can end is one :class:`~nethygiene.errors.ConnectError`, and leaves
neither a thread nor a descriptor behind.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from dataclasses import dataclass

import paramiko

from nethygiene.errors import ConnectError
from nethygiene.transport.client_transport import ClientTransport, algorithms
from nethygiene.transport.deadline import Deadline, Guard
from nethygiene.transport.dial import timed_out
from nethygiene.transport.host_keys import HostKeyPolicy
from nethygiene.transport.identities import AgentRefusedError, Identities
from nethygiene.transport.known_hosts import fingerprint
from nethygiene.transport.retry import ClosedEarlyError, retried
from nethygiene.transport.ssh_config import SshOptions
from nethygiene.transport.wire import SocketWire, Wire

_RELEASE_SECONDS = 5.0
_THREAD_SECONDS = 3.0
# What sshd writes instead of its version when it will not even start (MaxStartups,
# a source's penalty): the one refusal that goes away by itself.
_BUSY = (b"Exceeded MaxStartups", b"Not allowed at this time")


@dataclass(frozen=True, slots=True)
class LoginRequest:
    """Whom to log in to, as whom, and what to trust.

    Attributes:
        label: the host's name in messages.
        options: what ssh_config came to.
        host_keys: what decides about its key.
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
        """Whether it can still carry something."""
        return self.transport.is_active()

    def close(self) -> None:
        """End the connection, its thread and its stream. Safe to call twice."""
        _release(self.transport, self.wire)


def log_in(request: LoginRequest, dial: Callable[[Deadline], Wire], deadline: Deadline) -> Login:
    """Connect and authenticate, again if the server closes before authentication.

    Args:
        request: whom, as whom, and what to trust.
        dial: opens a new stream to the server.
        deadline: for all attempts together.

    Raises:
        ConnectError: whatever kept it from succeeding.
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
                # It has no key of a further type: the one it showed first is the story.
                raise mismatch from None
            raise


class _OtherKeyWanted(Exception):  # noqa: N818 - never leaves this module
    """The server has keys of several types, and the one it showed is not the pinned one."""

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
        # If even an aborted stream does not free its thread, the jump host is stuck.
        last_resort = Guard(deadline.later(1.0), wire.abort_route)
        with Guard(deadline, wire.abort) as guard, last_resort:
            try:
                transport = _handshake(request, wire, skipped, phase)
                key = transport.get_remote_server_key()
                _check_host_key(request, transport, key)
                phase[0] = "authentication"
                _authenticate(request, transport, wire, identities)
            except (ConnectError, ClosedEarlyError):
                if guard.fired:
                    raise timed_out(_where(request, wire), phase[0], deadline) from None
                raise
        if guard.fired:
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
        heard = wire.preamble.split(b"\n")[0].strip()[:80]
        ended = wire.closed_by_peer or isinstance(error, EOFError)
        if ended and (not heard or heard.startswith(_BUSY)):
            said = _proxy_words(wire) or heard.decode("ascii", "replace")
            return ClosedEarlyError(_closed(where, "before it said that it speaks SSH", said))
        if heard:
            return ConnectError(
                "banner",
                f"{where} does not speak SSH: its first line is {heard!r}",
                "correct ansible_port, or see what listens there",
            )
        return ConnectError("banner", f"{where}: {error}", "see what listens there")
    if isinstance(error, paramiko.ssh_exception.IncompatiblePeer):
        return ConnectError(
            "kex",
            f"{where}: {error}",
            "allow a current algorithm on one side, or set ansible_connection: ssh",
        )
    if wire.closed_by_peer or isinstance(error, EOFError):
        return ClosedEarlyError(_closed(where, "during the key exchange", words))
    return ConnectError(
        "kex",
        f"{where}: the key exchange failed: {words or error or 'no reason given'}",
        "look into the host's sshd log; if ssh can connect, set ansible_connection: ssh",
    )


def _proxy_words(wire: Wire) -> str:
    return f"ProxyCommand: {words}" if isinstance(wire, SocketWire) and (
        words := wire.proxy_words()
    ) else ""  # fmt: skip


def _closed(where: str, when: str, words: str) -> ConnectError:
    said = f" ({words})" if words else ""
    return ConnectError(
        "closed",
        f"{where} closed the connection {when}{said}",
        "see the host's sshd log; raise its MaxStartups, or lower --forks",
    )


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


def _authenticate(
    request: LoginRequest, transport: ClientTransport, wire: Wire, identities: Identities
) -> None:
    user = request.options.user
    where = f"{user} at {_where(request, wire)}"
    if not request.options.pubkey_authentication:
        raise ConnectError(
            "authentication",
            f"{where}: ssh_config turns public keys off, and nothing else is offered",
            "set PubkeyAuthentication yes for this host",
        )
    tried: list[str] = []
    accepted: list[str] | None = None
    for identity in identities:
        tried.append(identity.label)
        try:
            further = transport.auth_publickey(user, identity.key)
        except paramiko.BadAuthenticationType as error:
            accepted = list(error.allowed_types)
            break
        except AgentRefusedError as error:
            raise ConnectError(
                "authentication",
                f"{where}: {identity.label}: {error}",
                "let the agent use that key, or name another by ansible_ssh_private_key_file",
            ) from None
        except (OSError, EOFError):
            raise _closed_at_authentication(where, transport, tried) from None
        except paramiko.SSHException as error:
            if not transport.is_active():
                raise _closed_at_authentication(where, transport, tried) from None
            if not isinstance(error, paramiko.AuthenticationException):
                identities.problems.append(f"{identity.label}: {error}")
        else:
            if not further:
                return
            accepted = further
            if "publickey" not in further:
                break
    raise _refused(where, tried, identities, accepted)


def _closed_at_authentication(
    where: str, transport: ClientTransport, tried: list[str]
) -> ConnectError:
    words = transport.disconnect[1] if transport.disconnect else ""
    if len(tried) > 1 or "authentication" in words.lower():
        return ConnectError(
            "authentication",
            f"{where}: the server ended the connection after {len(tried)} keys"
            f" ({words or 'MaxAuthTries'}): {', '.join(tried)}",
            "name the right key by ansible_ssh_private_key_file, so that it is offered first",
        )
    return _closed(where, "during authentication", words)


def _refused(
    where: str, tried: list[str], identities: Identities, accepted: list[str] | None
) -> ConnectError:
    problems = f"; {'; '.join(identities.problems)}" if identities.problems else ""
    if not tried and identities.locked:
        return ConnectError(
            "passphrase",
            f"{where}: {'; '.join(identities.problems)}",
            f"load it into an agent: ssh-add {identities.locked[0]}",
        )
    if not tried:
        return ConnectError(
            "authentication",
            f"{where}: there is no key to offer{problems}",
            "name one by ansible_ssh_private_key_file, or start an agent that holds one",
        )
    if accepted is not None and "publickey" not in accepted:
        return ConnectError(
            "authentication",
            f"{where}: the server asks for {', '.join(accepted) or 'nothing'}"
            f" where {', '.join(tried)} was offered",
            "let sshd accept a public key alone for this user",
        )
    return ConnectError(
        "authentication",
        f"{where}: authentication refused; keys tried: {', '.join(tried)}{problems}",
        "see that one of them is in the user's authorized_keys and that ansible_user is right",
    )


def _release(transport: ClientTransport | None, wire: Wire) -> None:
    """End a transport's thread and give its stream back."""
    wire.abort()
    if transport is not None:
        # The thread sees the end and goes before the descriptor does: one that still waits
        # on a closed descriptor's number would wait on whoever was given that number next.
        if transport.is_alive():
            transport.join(_THREAD_SECONDS)
        transport.close()
    with Guard(Deadline.after(_RELEASE_SECONDS), wire.abort_route):
        wire.release()

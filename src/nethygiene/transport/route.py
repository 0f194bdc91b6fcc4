"""Reaches a destination directly, by a ProxyCommand, or through jump hosts.

The whole run shares one connection to a jump host: the first target behind it opens it. A login
for each target would exceed MaxStartups of the jump host's sshd.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

import paramiko

from nethygiene.errors import ConnectError
from nethygiene.transport.base import ConnectSettings
from nethygiene.transport.client_transport import ChannelRefusedError
from nethygiene.transport.deadline import Deadline, Watch
from nethygiene.transport.dial import connect_tcp, place, run_proxy, timed_out
from nethygiene.transport.handshake_errors import not_forwarded
from nethygiene.transport.host_keys import HostKeyPolicy
from nethygiene.transport.login import Login, LoginRequest, log_in
from nethygiene.transport.ssh_config import jumps
from nethygiene.transport.ssh_options import SshOptions, SshQuery
from nethygiene.transport.wire import ChannelWire, Wire

# A jump host that failed is not tried again for this long: all behind it get the same error.
_REMEMBER_FAILURE_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class _JumpKey:
    """Two targets with equal keys share a connection to a jump host."""

    query: SshQuery
    known_hosts: tuple[str, ...]
    identity_file: str | None


class _SharedLogin:
    """One jump host's connection, and its last failure."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._login: Login | None = None
        self._opening = False
        self._failure: ConnectError | None = None
        self._failed_at = 0.0

    def get(self, request: LoginRequest, settings: ConnectSettings, deadline: Deadline) -> Login:
        """The open connection; the first caller opens it while the others wait."""
        with self._condition:
            while self._opening:
                if not self._condition.wait(deadline.remaining()):
                    raise timed_out(request.label, "the shared jump host", deadline)
            if self._login is not None and self._login.alive:
                return self._login
            recent = time.monotonic() - self._failed_at < _REMEMBER_FAILURE_SECONDS
            if self._failure is not None and recent:
                raise _repeated(self._failure)
            dead, self._login = self._login, None
            self._opening = True
        login: Login | None = None
        failure: ConnectError | None = None
        try:
            if dead is not None:
                dead.close()
            # The jump host has a deadline of its own: the first caller may have little time left.
            own = Deadline.after(settings.connect_timeout)
            login = log_in(request, lambda until: dial(request.options, settings, until), own)
        except ConnectError as error:
            failure = error
            raise
        finally:
            with self._condition:
                self._login = login
                self._failure, self._failed_at = failure, time.monotonic()
                self._opening = False
                self._condition.notify_all()
        return login

    def close(self) -> None:
        """End the connection; the next use opens a new one."""
        with self._condition:
            login, self._login, self._failure = self._login, None, None
        if login is not None:
            login.close()


def _repeated(error: ConnectError) -> ConnectError:
    return ConnectError(error.code, error.message, error.cure, error.host_key)


_SHARED: dict[_JumpKey, _SharedLogin] = {}
_SHARED_LOCK = threading.Lock()


def close_shared_connections() -> None:
    """Close the connections to all jump hosts; a later use opens them again."""
    with _SHARED_LOCK:
        shared = list(_SHARED.values())
        _SHARED.clear()
    # A later connection may run through an earlier one.
    for login in reversed(shared):
        login.close()


def host_key_policy(
    options: SshOptions, settings: ConnectSettings, fingerprints: tuple[str, ...] = ()
) -> HostKeyPolicy:
    """The policy for a destination's key."""
    return HostKeyPolicy(
        host=options.host_key_alias or options.hostname,
        port=None if options.host_key_alias else options.port,
        fingerprints=fingerprints,
        files=settings.known_hosts or options.known_hosts,
        files_expected=bool(settings.known_hosts),
        strict=options.strict,
        allowed=options.host_key_algorithms,
    )


def dial(options: SshOptions, settings: ConnectSettings, deadline: Deadline) -> Wire:
    """A stream to a destination's sshd.

    Raises:
        ConnectError: it cannot be reached; the message names a jump host on the way.
    """
    if options.proxy_jump:
        return _through(options, settings, deadline)
    if options.proxy_command is not None:
        return run_proxy(options, options.proxy_command)
    return connect_tcp(options, deadline)


def _through(options: SshOptions, settings: ConnectSettings, deadline: Deadline) -> Wire:
    named = (settings.identity_file,) if settings.identity_file else ()
    # All jump hosts are resolved before the first connects: in a circle they would wait for
    # each other.
    query, through = jumps(options, named, deadline, for_client=False)[0]
    jump = f"jump host {options.proxy_jump[-1]}"
    key = _JumpKey(query, settings.known_hosts, settings.identity_file)
    with _SHARED_LOCK:
        shared = _SHARED.setdefault(key, _SharedLogin())
    policy = host_key_policy(through, settings)
    try:
        login = shared.get(
            LoginRequest(query.destination, through, policy, named), settings, deadline
        )
    except ConnectError as error:
        if error.message.startswith("jump host"):
            raise
        message = f"{jump}: {error.message}"
        # The key is not the destination's: only the message shows it.
        raise ConnectError(error.code, message, error.cure) from None
    return _forward(login, options, jump, deadline)


def _forward(login: Login, options: SshOptions, jump: str, deadline: Deadline) -> Wire:
    """Ask a jump host for a connection to the destination."""
    where = place(options.hostname, options.port)
    transport = login.transport
    try:
        # The connection to a jump host that no longer reads is ended after the deadline, which
        # frees all that wait for it. A jump host that merely cannot connect there stays.
        with Watch(deadline.later(1.0), login.wire.abort_route):
            channel = transport.open_within(
                deadline, "direct-tcpip", (options.hostname, options.port)
            )
    except TimeoutError:
        raise timed_out(where, f"the connection through {jump}", deadline) from None
    except ChannelRefusedError as error:
        words = f"administratively prohibited: {error}" if error.prohibited else str(error)
        raise not_forwarded(jump, where, words) from None
    except (paramiko.SSHException, OSError, EOFError):
        raise ConnectError(
            "closed",
            f"{jump} closed its connection while {where} was being reached",
            "look into its sshd log",
        ) from None
    return ChannelWire(channel, where, login.wire)

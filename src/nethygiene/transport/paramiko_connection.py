"""Connection `paramiko`: one SSH connection, one channel for each command."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

import paramiko

from nethygiene.errors import ConnectError
from nethygiene.inventory.target import Target
from nethygiene.transcript import Cut
from nethygiene.transport.base import ConnectSettings, Output
from nethygiene.transport.channel_exchange import Collected, Wakeup, pump
from nethygiene.transport.client_transport import ChannelRefusedError
from nethygiene.transport.deadline import Deadline, Watch
from nethygiene.transport.dial import timed_out
from nethygiene.transport.login import Login, LoginRequest, log_in
from nethygiene.transport.route import dial, host_key_policy
from nethygiene.transport.ssh_config import resolve
from nethygiene.transport.ssh_options import SshQuery

# The channel of a finished command may take this long to close.
_CLOSE_SECONDS = 1.0


def named_identities(target: Target, settings: ConnectSettings) -> tuple[str, ...]:
    """Key files that the inventory and the command line name, the inventory's first."""
    named = (target.identity_file, settings.identity_file)
    return tuple(dict.fromkeys(str(Path(path).expanduser()) for path in named if path))


def query(target: Target, settings: ConnectSettings) -> SshQuery:
    """The query to ssh_config for a target."""
    return SshQuery(
        target.address,
        target.port,
        target.user,
        target.common_args,
        settings.ssh_config,
        named_identities(target, settings),
    )


def open_paramiko(target: Target, settings: ConnectSettings) -> ParamikoConnection:
    """Log in to a host and open the channel of the first command.

    Raises:
        ConnectError: why it fails.
    """
    deadline = Deadline.after(settings.connect_timeout)
    options = resolve(query(target, settings), deadline)
    deadline = deadline.tightened(options.connect_timeout)
    policy = host_key_policy(options, settings, target.host_keys)
    request = LoginRequest(options.hostname, options, policy, named_identities(target, settings))
    login = log_in(request, lambda until: dial(options, settings, until), deadline)
    try:
        channel = _open_session(login, deadline)
    except BaseException:
        login.close()
        raise
    return ParamikoConnection(login, channel, settings)


def _open_session(login: Login, deadline: Deadline) -> paramiko.Channel:
    where = login.wire.peer
    try:
        with Watch(deadline.later(1.0), login.wire.abort_route):
            return login.transport.open_within(deadline, "session")
    except TimeoutError:
        raise timed_out(where, "a session", deadline) from None
    except ChannelRefusedError as error:
        raise ConnectError(
            "exec-denied",
            f"{where} logged in, but refuses a session: {error}",
            "see MaxSessions and the restrictions of this user in the host's sshd_config",
        ) from None
    except (paramiko.SSHException, OSError, EOFError):
        said = login.transport.disconnect
        words = f" ({said[1]})" if said and said[1] else ""
        raise ConnectError(
            "closed",
            f"{where} closed the connection right after the login{words}",
            "see the host's sshd log: the account may be locked, or may not run commands",
        ) from None


class ParamikoConnection:
    """A logged-in host. See :class:`nethygiene.transport.base.Connection`."""

    def __init__(self, login: Login, channel: paramiko.Channel, settings: ConnectSettings) -> None:
        self._login = login
        self._ready: paramiko.Channel | None = channel
        self._settings = settings

    @property
    def address(self) -> str:
        return self._login.wire.peer

    @property
    def host_key(self) -> str | None:
        return self._login.host_key

    def run(self, command: str, stdin: bytes = b"") -> Output:
        deadline = Deadline.after(self._settings.command_timeout)
        collected = Collected(self._settings)
        with contextlib.closing(collected):
            return self._run(command, stdin, deadline, collected)

    def _run(self, command: str, stdin: bytes, deadline: Deadline, collected: Collected) -> Output:
        wire = self._login.wire
        # The loop checks the deadline first. These fire only if paramiko itself is stuck, in a
        # write to a host that no longer reads or an answer that never comes.
        watches = (
            Watch(deadline.later(0.5), wire.abort),
            Watch(deadline.later(1.5), wire.abort_route),
        )
        with watches[0], watches[1]:
            try:
                channel, self._ready = self._ready, None
                if channel is None:
                    channel = self._further_session(deadline)
                return self._exchange(channel, command, stdin, deadline, collected)
            except ConnectError as error:
                collected.refused(str(error))
                cut = Cut.TIMEOUT if error.code == "timeout" else Cut.CLOSED
                return collected.output(None, cut)
            except (paramiko.SSHException, OSError, EOFError) as error:
                if deadline.expired:
                    return collected.output(None, Cut.TIMEOUT)
                collected.refused(f"{wire.peer}: {str(error) or 'the connection was lost'}")
                return collected.output(None, Cut.CLOSED)

    def _further_session(self, deadline: Deadline) -> paramiko.Channel:
        """A session after the first: sshd may still count the session before it."""
        patience = Deadline.after(_CLOSE_SECONDS)
        while True:
            try:
                return _open_session(self._login, deadline)
            except ConnectError as error:
                if error.code != "exec-denied" or patience.expired:
                    raise
                time.sleep(0.05)

    def _exchange(
        self,
        channel: paramiko.Channel,
        command: str,
        stdin: bytes,
        deadline: Deadline,
        collected: Collected,
    ) -> Output:
        wakeup = Wakeup()
        channel.in_buffer.set_event(wakeup)
        channel.in_stderr_buffer.set_event(wakeup)
        try:
            channel.settimeout(deadline.remaining())
            try:
                channel.exec_command(command.encode("utf-8", "surrogateescape"))
            except paramiko.SSHException:
                if not self._login.alive:
                    raise
                where = self._login.wire.peer
                collected.refused(f"{where} refuses to run a command (exec-denied)")
                return collected.output(None, Cut.CLOSED)
            cut = pump(channel, memoryview(stdin), deadline, collected, wakeup)
            if cut is not None:
                return collected.output(None, cut)
            return self._ended(channel, deadline, collected)
        finally:
            with contextlib.suppress(paramiko.SSHException, OSError, EOFError):
                channel.close()

    def _ended(self, channel: paramiko.Channel, deadline: Deadline, collected: Collected) -> Output:
        """The output after both streams ended: wait for the status, or for a lost connection."""
        transport = self._login.transport
        channel.status_event.wait(deadline.remaining())
        # sshd counts the session (MaxSessions) until the channel is closed both ways.
        closing = transport.closing(channel.chanid)
        courtesy = Deadline.after(min(_CLOSE_SECONDS, deadline.remaining()))
        while not courtesy.expired and not closing.wait(0.02) and transport.is_alive():
            pass
        if channel.exit_status >= 0:
            return collected.output(channel.exit_status, None)
        if not channel.closed and deadline.expired:
            return collected.output(None, Cut.TIMEOUT)
        # If a signal killed the command, the server closes the channel without a status.
        return collected.output(None, None if closing.is_set() else Cut.CLOSED)

    def close(self) -> None:
        """End the connection, its thread and its descriptors. Safe to call twice."""
        self._ready = None
        self._login.close()

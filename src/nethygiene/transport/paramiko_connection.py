"""Connection `paramiko`: one SSH connection, one channel for each command."""

from __future__ import annotations

import contextlib
import threading
import time
from pathlib import Path

import paramiko

from nethygiene.errors import ConnectError
from nethygiene.inventory.target import Target
from nethygiene.transcript import Cut
from nethygiene.transport.base import ConnectSettings, Output
from nethygiene.transport.client_transport import ChannelRefusedError
from nethygiene.transport.deadline import Deadline, Watch
from nethygiene.transport.dial import timed_out
from nethygiene.transport.large_answers import Turn, kept
from nethygiene.transport.login import Login, LoginRequest, log_in
from nethygiene.transport.route import dial, host_key_policy
from nethygiene.transport.ssh_config import resolve
from nethygiene.transport.ssh_options import SshQuery

_CHUNK = 1024 * 1024
# How often the window is looked at while input waits for it; only input of more than a
# window (2 MiB with OpenSSH) ever does.
_WINDOW_SECONDS = 0.02
# How long a finished command's channel may take to close.
_CLOSE_SECONDS = 1.0


def named_identities(target: Target, settings: ConnectSettings) -> tuple[str, ...]:
    """Key files that the inventory and the command line name, the inventory's first."""
    named = (target.identity_file, settings.identity_file)
    return tuple(dict.fromkeys(str(Path(path).expanduser()) for path in named if path))


def query(target: Target, settings: ConnectSettings) -> SshQuery:
    """What to ask ssh_config for a target."""
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
        ConnectError: whatever kept it from succeeding.
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


class _Wakeup(threading.Event):
    """Set by both of a channel's pipes; neither may clear what the other set."""

    def clear(self) -> None:
        """Ignored: a pipe that was emptied says nothing about the other."""

    def rearm(self) -> None:
        """Really clear it."""
        super().clear()


class ParamikoConnection:
    """A logged-in host. See :class:`nethygiene.transport.base.Connection`."""

    def __init__(self, login: Login, channel: paramiko.Channel, settings: ConnectSettings) -> None:
        self._login = login
        self._ready: paramiko.Channel | None = channel
        self._settings = settings

    @property
    def address(self) -> str:
        """Where the stream leads: the address behind the name, and the port."""
        return self._login.wire.peer

    @property
    def host_key(self) -> str | None:
        """SHA256 fingerprint of the verified host key."""
        return self._login.host_key

    def run(self, command: str, stdin: bytes = b"") -> Output:
        """Run a shell command line within the deadline and the caps. Never raises."""
        deadline = Deadline.after(self._settings.command_timeout)
        collected = _Collected(self._settings)
        with contextlib.closing(collected):
            return self._run(command, stdin, deadline, collected)

    def _run(self, command: str, stdin: bytes, deadline: Deadline, collected: _Collected) -> Output:
        wire = self._login.wire
        # Fires after the loop's own look at the deadline: only where paramiko itself is
        # stuck, in a write to a host that no longer reads or an answer that never comes.
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
        """A session after the first: sshd may for a moment still count the one before."""
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
        collected: _Collected,
    ) -> Output:
        wakeup = _Wakeup()
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
            cut = _pump(channel, memoryview(stdin), deadline, collected, wakeup)
            if cut is not None:
                return collected.output(None, cut)
            return self._ended(channel, deadline, collected)
        finally:
            with contextlib.suppress(paramiko.SSHException, OSError, EOFError):
                channel.close()

    def _ended(
        self, channel: paramiko.Channel, deadline: Deadline, collected: _Collected
    ) -> Output:
        """Both streams ended: wait for the status, and tell an end from a lost connection."""
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
        # The server closes the channel of a command that a signal killed without a status.
        return collected.output(None, None if closing.is_set() else Cut.CLOSED)

    def close(self) -> None:
        """End the connection, its thread and its descriptors. Safe to call twice."""
        self._ready = None
        self._login.close()


class _Collected:
    """The two streams so far, under their caps."""

    def __init__(self, settings: ConnectSettings) -> None:
        self._settings = settings
        self.stdout = bytearray()
        self.stderr = bytearray()
        self._turn = Turn()

    @property
    def full(self) -> bool:
        """Whether a stream went beyond its cap."""
        return (
            len(self.stdout) > self._settings.max_stdout
            or len(self.stderr) > self._settings.max_stderr
        )

    def may_grow(self, deadline: Deadline) -> bool:
        """Whether there is room for more, waiting for it until the deadline."""
        return self._turn.wait(len(self.stdout), deadline)

    def close(self) -> None:
        """Give back the room."""
        self._turn.release()

    def refused(self, words: str) -> None:
        """Say in stderr why there was no command, where the host itself could not."""
        self.stderr += f"nethygiene: {words}".encode("utf-8", "replace")

    def output(self, status: int | None, cut: Cut | None) -> Output:
        """What was collected, cut to the caps."""
        return Output(
            kept(self.stdout, self._settings.max_stdout, cut=cut is Cut.CAP),
            bytes(memoryview(self.stderr)[: self._settings.max_stderr]),
            status,
            cut,
        )


def _sent(channel: paramiko.Channel, pending: memoryview) -> memoryview:
    """Send a piece, and the end of input after the last one; returns what is left to send."""
    try:
        if pending:
            sent = channel.send(bytes(pending[:_CHUNK]))
            pending = pending[sent:] if sent else memoryview(b"")
        if not pending:
            channel.shutdown_write()
    except OSError:
        # The command's end came in between; a connection that is lost is seen when reading.
        if not channel.closed:
            raise
        return memoryview(b"")
    return pending


def _pump(
    channel: paramiko.Channel,
    pending: memoryview,
    deadline: Deadline,
    collected: _Collected,
    wakeup: _Wakeup,
) -> Cut | None:
    """Send input as the window allows and read both streams until both ended.

    Each turn reads at most one chunk of each stream, so that the caps and the deadline
    are looked at often, whatever the host pours out.
    """
    sending = True
    while True:
        wakeup.rearm()
        if sending and channel.closed:
            # It ended before it read all of its input: what it said is still worth reading.
            sending = False
        if sending and channel.send_ready():
            pending = _sent(channel, pending)
            if not pending:
                sending = False
        more = False
        if channel.recv_ready():
            collected.stdout += channel.recv(_CHUNK)
            more = True
        if channel.recv_stderr_ready():
            collected.stderr += channel.recv_stderr(_CHUNK)
            more = True
        if collected.full:
            return Cut.CAP
        if deadline.expired or not collected.may_grow(deadline):
            return Cut.TIMEOUT
        if more:
            continue
        if channel.eof_received or channel.closed:
            if channel.recv_ready() or channel.recv_stderr_ready():
                continue
            return None
        left = deadline.remaining()
        wakeup.wait(min(left, _WINDOW_SECONDS) if sending else left)

"""One command's exchange over a channel of paramiko: input out, two streams in, within bounds."""

from __future__ import annotations

import threading

import paramiko

from nethygiene.transcript import Cut
from nethygiene.transport.base import ConnectSettings, Output
from nethygiene.transport.deadline import Deadline
from nethygiene.transport.large_answers import Turn, kept

_CHUNK = 1024 * 1024
# Input that waits for the window looks at it this often; only input of more than a window
# (2 MiB with OpenSSH) waits.
_WINDOW_SECONDS = 0.02


class Wakeup(threading.Event):
    """An event that both of a channel's pipes set; neither may clear what the other set."""

    def clear(self) -> None:
        """Do nothing: that one pipe is empty says nothing about the other."""

    def rearm(self) -> None:
        """Clear the event."""
        super().clear()


class Collected:
    """The two streams so far, within their caps."""

    def __init__(self, settings: ConnectSettings) -> None:
        self._settings = settings
        self.stdout = bytearray()
        self.stderr = bytearray()
        self._turn = Turn()

    @property
    def full(self) -> bool:
        """Whether a stream exceeds its cap."""
        return (
            len(self.stdout) > self._settings.max_stdout
            or len(self.stderr) > self._settings.max_stderr
        )

    def may_grow(self, deadline: Deadline) -> bool:
        """Wait until there is room for more; False if there is none at the deadline."""
        return self._turn.wait(len(self.stdout), deadline)

    def close(self) -> None:
        """Give back the room."""
        self._turn.release()

    def refused(self, words: str) -> None:
        """Write into stderr why there was no command, if the host itself could not."""
        self.stderr += f"nethygiene: {words}".encode("utf-8", "replace")

    def output(self, status: int | None, cut: Cut | None) -> Output:
        """The streams, cut to the caps."""
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
        # The command ended meanwhile. A lost connection shows when reading.
        if not channel.closed:
            raise
        return memoryview(b"")
    return pending


def pump(
    channel: paramiko.Channel,
    pending: memoryview,
    deadline: Deadline,
    collected: Collected,
    wakeup: Wakeup,
) -> Cut | None:
    """Send input as the window allows and read both streams until both ended.

    Each turn reads at most one chunk of each stream, so that the caps and the deadline
    are checked often, however much the host sends.
    """
    sending = True
    while True:
        wakeup.rearm()
        if sending and channel.closed:
            # The command ended before it read all of its input: its output is still worth reading.
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

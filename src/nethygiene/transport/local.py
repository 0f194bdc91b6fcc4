"""Connection `local`: commands on this machine, under the same deadline and caps."""

from __future__ import annotations

import os

from nethygiene.errors import ConnectError
from nethygiene.transcript import Cut
from nethygiene.transport.base import ConnectSettings, Output
from nethygiene.transport.deadline import Deadline
from nethygiene.transport.large_answers import kept
from nethygiene.transport.process import Bounds, Child, Ending


def finish(child: Child, stdin: bytes, bounds: Bounds) -> Output:
    """Feed a child all of its input, collect its output and end it."""
    child.feed(stdin)
    ending = child.pump(bounds)
    status: int | None = None
    cut: Cut | None = None
    if ending is Ending.CAP:
        cut = Cut.CAP
    elif ending is Ending.DEADLINE:
        cut = Cut.TIMEOUT
    else:
        status = child.status(bounds.deadline)
        if status is None and child.running:
            cut = Cut.TIMEOUT
    child.end()
    return Output(
        kept(child.stdout, bounds.max_stdout, cut=cut is Cut.CAP),
        bytes(memoryview(child.stderr)[: bounds.max_stderr]),
        status,
        cut,
    )


class LocalConnection:
    """This machine, through ``/bin/sh -c``."""

    def __init__(self, settings: ConnectSettings) -> None:
        self._settings = settings

    @property
    def address(self) -> str:
        return "local"

    @property
    def host_key(self) -> str | None:
        return None

    def run(self, command: str, stdin: bytes = b"") -> Output:
        bounds = Bounds(
            Deadline.after(self._settings.command_timeout),
            self._settings.max_stdout,
            self._settings.max_stderr,
        )
        try:
            child = Child(["/bin/sh", "-c", command])
        except (OSError, ValueError) as error:
            return Output(b"", f"/bin/sh: {error}".encode(), None, Cut.CLOSED)
        try:
            return finish(child, stdin, bounds)
        finally:
            child.end()

    def close(self) -> None:
        """Nothing stays open between commands."""


def open_local(settings: ConnectSettings) -> LocalConnection:
    """This machine.

    Raises:
        ConnectError: ``exec-denied`` if it has no shell.
    """
    if not os.access("/bin/sh", os.X_OK):
        raise ConnectError(
            "exec-denied", "/bin/sh cannot be run on this machine", "install a POSIX shell"
        )
    return LocalConnection(settings)

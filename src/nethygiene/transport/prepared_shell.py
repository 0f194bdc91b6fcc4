"""A program that gives a remote shell, started before there is a command for it.

``ssh`` and ``docker exec`` take the command when they start. A connection, however, has to
stand, and report its errors, before a command runs over it. So they start with a small shell
script that greets and then reads the command from its input; the rest of the input is the
command's own. One connection and one exec serve both.

This also separates what a plain ``ssh HOST COMMAND`` mixes. The server's banner, which ssh prints
to standard error, does not count as the command's. A login shell that hangs or floods meets the
connection's own deadline and cap, before the command's.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from nethygiene.errors import ConnectError
from nethygiene.transcript import Cut
from nethygiene.transport.base import ConnectSettings, Output
from nethygiene.transport.deadline import Deadline
from nethygiene.transport.local import finish
from nethygiene.transport.process import Bounds, Child, Ending

# It holds no backslash, "!" or newline: the login shell in between may be csh or fish.
# POSIX `read` takes no byte beyond its line from a pipe. $0 is a nonce, which no greeting of
# a login shell can hold.
SCRIPT = 'echo "$0"; IFS= read -r c || exit 125; exec /bin/sh -c "$(printf %b "$c")"'
GREETING_BYTES = 256 * 1024
"""Bytes that a login shell may print before it runs the command."""


@dataclass(frozen=True, slots=True)
class Ended:
    """The end of a program before its shell was there.

    Attributes:
        status: its exit status, None if it was killed.
        stdout: the words of the far end.
        stderr: the words of the program or the far end.
        timed_out: it was still trying at the deadline.
        flooded: it printed more than GREETING_BYTES.
    """

    status: int | None
    stdout: str
    stderr: str
    timed_out: bool
    flooded: bool = False


class PreparedShell:
    """One started program whose shell waits for a command."""

    def __init__(self, child: Child) -> None:
        self._child = child

    @classmethod
    def start(
        cls,
        arguments: Callable[[Sequence[str]], Sequence[str]],
        deadline: Deadline,
        explain: Callable[[Ended], Exception],
        environment: dict[str, str] | None = None,
    ) -> PreparedShell:
        """Start the program and wait until its shell is there.

        Args:
            arguments: makes the program's argument list from the remote command's.
            deadline: the shell's.
            explain: makes the error to raise from the program's end.
            environment: the program's, None for ours.

        Raises:
            Exception: the error that `explain` makes.
            OSError: the program cannot be started.
        """
        nonce = "nethygiene-" + secrets.token_hex(16)
        child = Child(arguments(["/bin/sh", "-c", SCRIPT, nonce]), environment)
        try:
            marker = f"{nonce}\n".encode()
            bounds = Bounds(deadline, GREETING_BYTES, GREETING_BYTES)
            ending = child.pump(bounds, marker)
            if ending is Ending.MARKER:
                del child.stdout[: child.stdout.index(marker) + len(marker)]
                return cls(child)
            status = child.status(deadline) if ending is Ending.ENDED else None
            child.end()
            raise explain(
                Ended(
                    status,
                    child.stdout.decode("utf-8", "replace"),
                    child.stderr.decode("utf-8", "replace"),
                    timed_out=ending is Ending.DEADLINE,
                    flooded=ending is Ending.CAP,
                )
            )
        except BaseException:
            child.end()
            raise

    def run(self, command: str, stdin: bytes, settings: ConnectSettings) -> Output:
        """Run the command. A shell runs one command alone."""
        line = command.encode("utf-8", "surrogateescape")
        line = line.replace(b"\\", b"\\\\").replace(b"\n", b"\\n")
        # The program's own words while it connects are not the command's.
        self._child.stderr.clear()
        bounds = Bounds(
            Deadline.after(settings.command_timeout), settings.max_stdout, settings.max_stderr
        )
        try:
            return finish(self._child, line + b"\n" + stdin, bounds)
        finally:
            self._child.end()

    def close(self) -> None:
        """End the program, whether it was used or not."""
        self._child.end()


class ShellConnection:
    """A connection whose every command is one run of a program.

    The opening starts the first program, and reports its errors; each later command starts
    its own by `start`. `lost` says of an output whether the program lost its connection
    while the command ran.
    """

    def __init__(
        self,
        address: str,
        settings: ConnectSettings,
        start: Callable[[Deadline], PreparedShell],
        host_key: str | None = None,
        lost: Callable[[Output], bool] = lambda _: False,
    ) -> None:
        self._address = address
        self._settings = settings
        self._start = start
        self._host_key = host_key
        self._lost = lost
        self._ready: PreparedShell | None = None
        self._closed = False

    @property
    def address(self) -> str:
        return self._address

    @property
    def host_key(self) -> str | None:
        return self._host_key

    def prepare(self, shell: PreparedShell) -> None:
        """Keep the shell that the opening started for the first command."""
        self._ready = shell

    def run(self, command: str, stdin: bytes = b"") -> Output:
        if self._closed:
            return Output(b"", b"nethygiene: the connection is closed", None, Cut.CLOSED)
        shell, self._ready = self._ready, None
        if shell is None:
            try:
                shell = self._start(Deadline.after(self._settings.connect_timeout))
            except (ConnectError, OSError) as error:
                cut = Cut.TIMEOUT if getattr(error, "code", "") == "timeout" else Cut.CLOSED
                return Output(b"", f"nethygiene: {error}".encode(), None, cut)
        output = shell.run(command, stdin, self._settings)
        if output.cut is None and self._lost(output):
            return Output(output.stdout, output.stderr, None, Cut.CLOSED)
        return output

    def close(self) -> None:
        """End a program that still waits for a command. Safe to call twice."""
        self._closed = True
        if self._ready is not None:
            self._ready.close()
            self._ready = None

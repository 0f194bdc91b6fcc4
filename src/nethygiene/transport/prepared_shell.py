"""A program that brings a remote shell, started before there is a command for it.

``ssh`` and ``docker exec`` want the command when they start, while a connection has to
be made, and its errors told, before anything is run over it. So they are started with a
small shell script that says that it is there and then reads the command from its input;
what follows on the input is the command's own. One connection and one exec serve both.

It also parts two things that a plain ``ssh HOST COMMAND`` mixes: the server's banner, which ssh
prints to standard error, is not the command's; and a login shell that hangs or floods is seen
within the connection's own deadline and cap, before the command's.
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

# Neither a backslash nor "!" nor a newline: the login shell in between may be csh or fish.
# POSIX `read` takes no byte beyond its line from a pipe. $0 is a nonce: no greeting of a
# login shell can hold it.
SCRIPT = 'echo "$0"; IFS= read -r c || exit 125; exec /bin/sh -c "$(printf %b "$c")"'
GREETING_BYTES = 256 * 1024
"""What a login shell may print before it runs what it was asked to."""


@dataclass(frozen=True, slots=True)
class Ended:
    """What a program said that ended before the shell was there.

    Attributes:
        status: its exit status, None if it was killed.
        stdout: what the far end said.
        stderr: what the program or the far end said.
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
            arguments: makes the program's argument list of the remote command's.
            deadline: until when the shell must be there.
            explain: turns what a failed start left into the error to raise.
            environment: for the program, None for ours.

        Raises:
            Exception: what `explain` made of it.
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
        """Run the one command that this shell is good for."""
        line = command.encode("utf-8", "surrogateescape")
        line = line.replace(b"\\", b"\\\\").replace(b"\n", b"\\n")
        # What the program itself said while connecting is not the command's.
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

    The first is started by the opening, so that its errors are told there; each later
    command starts its own. `start` is called for each; `lost` says of an output whether
    the program lost its connection while the command ran.
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
        """What was connected to."""
        return self._address

    @property
    def host_key(self) -> str | None:
        """Fingerprint of the verified host key, None without SSH."""
        return self._host_key

    def prepare(self, shell: PreparedShell) -> None:
        """Keep the shell that the opening started for the first command."""
        self._ready = shell

    def run(self, command: str, stdin: bytes = b"") -> Output:
        """Run a shell command line; see :class:`nethygiene.transport.base.Connection`."""
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

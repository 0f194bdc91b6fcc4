"""The seam to a host: one connection, one script in, two byte streams out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from nethygiene.transcript import Cut


@dataclass(frozen=True, slots=True)
class ConnectSettings:
    """The options of the command line for connecting; plain values, picklable.

    Attributes:
        connect_timeout: seconds until a host must be logged in to, jump hosts included.
        command_timeout: seconds that one command may take.
        known_hosts: `--known-hosts` files; if empty, those that ssh_config names.
        ssh_config: `--ssh-config`, None for the user's and the system's own.
        identity_file: `--ssh-identity-file`, None for ssh_config's and the agent's.
        max_stdout: bytes of standard output; more end the command (Cut.CAP).
        max_stderr: bytes of standard error, likewise.
    """

    connect_timeout: float = 15.0
    command_timeout: float = 60.0
    known_hosts: tuple[str, ...] = ()
    ssh_config: str | None = None
    identity_file: str | None = None
    max_stdout: int = 64 * 1024 * 1024
    max_stderr: int = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Output:
    """The output of one command.

    Attributes:
        stdout: at most `max_stdout` bytes; of an output that exceeds them, its beginning alone.
        stderr: at most `max_stderr` bytes.
        status: exit status, None if the command was cut or killed by a signal.
        cut: why reading ended before the command did, None if it ended by itself.
    """

    stdout: bytes
    stderr: bytes
    status: int | None
    cut: Cut | None = None


class Connection(Protocol):
    """One open way to a host. Threads do not share it, but one may hand it to another."""

    @property
    def address(self) -> str:
        """The address of the connection, as ``10.0.0.11:22`` or ``local``."""

    @property
    def host_key(self) -> str | None:
        """SHA256 fingerprint of the verified host key (``SHA256:…``), None without SSH."""

    def run(self, command: str, stdin: bytes = b"") -> Output:
        """Run a shell command line with `stdin` as its input, within the deadline and caps.

        Never raises for what the host does: a connection that is lost gives ``Cut.CLOSED``.
        """

    def close(self) -> None:
        """Close everything that this connection opened. Safe to call twice."""

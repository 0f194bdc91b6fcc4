"""Testinfra's Host over a connection of ours, for users' own checks.

Testinfra's own backends read stdout to its end before stderr, have no deadline, and ask a
host for its encoding with two more commands; ``testinfra.get_host`` caches for ever.
"""

from __future__ import annotations

from testinfra.backend.base import BaseBackend, CommandResult
from testinfra.host import Host

from nethygiene.errors import NethygieneError
from nethygiene.inventory.target import Target
from nethygiene.transcript import Cut
from nethygiene.transport.base import Connection

_WHY = {
    Cut.TIMEOUT: "ran into --command-timeout",
    Cut.CAP: "wrote more than the cap",
    Cut.CLOSED: "lost its connection",
}


class CommandCutError(NethygieneError):
    """A command of a user's check was cut: its output proves nothing.

    Attributes:
        command: the command line.
        cut: why it ended early.
    """

    def __init__(self, command: str, cut: Cut, detail: str) -> None:
        self.command = command
        self.cut = cut
        words = f": {detail}" if detail else ""
        super().__init__(f"`{command}` {_WHY[cut]}{words}")


class TestinfraBackend(BaseBackend):  # type: ignore[misc] # testinfra has no types
    """Runs Testinfra's commands over a connection, with ``sudo -n`` where asked for."""

    __test__ = False
    NAME = "nethygiene"

    def __init__(
        self,
        connection: Connection,
        hostname: str,
        kind: str = NAME,
        *,
        sudo: bool = False,
        sudo_user: str | None = None,
    ) -> None:
        super().__init__(hostname, sudo=sudo, sudo_user=sudo_user)
        self._connection = connection
        self._kind = kind

    def get_pytest_id(self) -> str:
        return f"{self._kind}://{self.hostname}"

    def get_encoding(self) -> str:
        """UTF-8, without asking the host."""
        return "UTF-8"

    def decode(self, data: bytes) -> str:
        """Decode UTF-8; other bytes become U+FFFD. `stdout_bytes` has them unchanged."""
        return data.decode("utf-8", "replace")

    def encode(self, data: str) -> bytes:
        """Encode as UTF-8; the surrogates of an odd file name become its bytes again."""
        return data.encode("utf-8", "surrogateescape")

    def get_sudo_command(self, command: str, sudo_user: str | None) -> str:
        """Add ``-n``: a sudo that wants a password fails at once."""
        if sudo_user is None:
            return str(self.quote("sudo -n /bin/sh -c %s", command))
        return str(self.quote("sudo -n -u %s /bin/sh -c %s", sudo_user, command))

    def run(self, command: str, *args: str, **_: object) -> CommandResult:
        """Run a command line with `args` quoted into it.

        Raises:
            CommandCutError: it was cut.
        """
        line = self.get_command(command, *args)
        output = self._connection.run(line)
        if output.cut is not None:
            detail = output.stderr[-200:].decode("utf-8", "replace").strip()
            raise CommandCutError(line, output.cut, detail)
        # Testinfra's own backends give -1 for a command that a signal killed.
        status = -1 if output.status is None else output.status
        return self.result(status, self.encode(line), output.stdout, output.stderr)


def testinfra_host(connection: Connection, target: Target) -> Host:
    """Testinfra's Host over an open connection; become as the inventory says."""
    backend = TestinfraBackend(
        connection,
        target.name,
        target.kind,
        sudo=target.become,
        sudo_user=target.become_user if target.become else None,
    )
    host = Host(backend)
    backend.set_host(host)
    return host


testinfra_host.__test__ = False  # type: ignore[attr-defined] # pytest takes test* for tests

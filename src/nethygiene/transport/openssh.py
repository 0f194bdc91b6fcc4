"""Connection `ssh`: OpenSSH's client, for what paramiko cannot do.

Host certificates, hardware keys, GSSAPI, KnownHostsCommand and all of ssh_config work.
Each command is one ssh process. The first starts when the connection is opened, which
reports its errors. There is no ControlMaster: that would leave a socket behind. Jump
hosts are ssh processes of their own under the same rules, one for each target.

ssh's own messages go to a file (-E), apart from what the host writes to standard error.
They say why a connection failed, and which host key was verified.
"""

from __future__ import annotations

import os
import shlex
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from nethygiene.errors import ConnectError
from nethygiene.inventory.target import Target
from nethygiene.transport.base import ConnectSettings, Output
from nethygiene.transport.deadline import Deadline
from nethygiene.transport.dial import place
from nethygiene.transport.host_keys import known_elsewhere, load
from nethygiene.transport.openssh_errors import LoggedHop, blamed, explain
from nethygiene.transport.openssh_log import ClientLog, read_log
from nethygiene.transport.paramiko_connection import query
from nethygiene.transport.prepared_shell import Ended, PreparedShell, ShellConnection
from nethygiene.transport.retry import ClosedEarlyError, retried
from nethygiene.transport.ssh_config import jumps, resolve
from nethygiene.transport.ssh_options import SshOptions, SshQuery, client_arguments

# Prints the offered key as a line of known_hosts if its fingerprint is a declared one.
_PINNED = (
    'f=$1; n=$2; t=$3; k=$4; shift 4; for p; do [ "$p" = "$f" ] && echo "$n $t $k"; done; exit 0'
)

_ALWAYS = (
    "BatchMode=yes",
    "ControlMaster=no",
    "ControlPath=none",
    "ClearAllForwardings=yes",
    "PermitLocalCommand=no",
    "RemoteCommand=none",
    "UpdateHostKeys=no",
    "RequestTTY=no",
    "LogLevel=DEBUG1",
    "ServerAliveInterval=15",
)


class _Client:
    """Starts the ssh processes of one connection, and reads their logs."""

    def __init__(
        self,
        target: Target,
        settings: ConnectSettings,
        asked: SshQuery,
        options: SshOptions,
        jump_hosts: list[tuple[SshQuery, SshOptions]],
    ) -> None:
        self._target = target
        self._settings = settings
        self._asked = asked
        self._options = options
        self._jumps = jump_hosts
        self._directory = tempfile.TemporaryDirectory(prefix="nethygiene-ssh-")
        self._started = 0

    def start(self, deadline: Deadline) -> PreparedShell:
        """One ssh process whose shell waits for a command.

        Raises:
            ConnectError: why it fails.
        """
        return retried(lambda: self._start(deadline), deadline)

    def _start(self, deadline: Deadline) -> PreparedShell:
        self._started += 1
        lead = self._command(self._asked, self._options, deadline, depth=0)

        def explained(ended: Ended) -> ConnectError | ClosedEarlyError:
            way = self._way()
            return self._known_elsewhere(explain(way, ended, deadline), blamed(way))

        return PreparedShell.start(
            lambda remote: [*lead, shlex.join(["exec", *remote]).replace("'exec' ", "exec ")],
            deadline,
            explained,
            {**os.environ, "SSH_ASKPASS_REQUIRE": "never"},
        )

    def _log_path(self, depth: int) -> Path:
        return Path(self._directory.name, f"{self._started}.{depth}")

    def log(self) -> ClientLog:
        """The log of the last ssh process."""
        return read_log(_text(self._log_path(0)))

    def _way(self) -> list[LoggedHop]:
        """The log of each ssh process, the first jump host's first."""
        chain = [self._options, *(options for _, options in self._jumps)]
        # The hop before a host is the last of the host's ProxyJump.
        names = [f"jump host {options.proxy_jump[-1]}" for options in chain[:-1]]
        hops = [
            LoggedHop(name, read_log(_text(self._log_path(depth))))
            for depth, name in enumerate([self._options.destination, *names])
        ]
        return hops[::-1]

    def _known_elsewhere(
        self, error: ConnectError | ClosedEarlyError, hop: LoggedHop
    ) -> ConnectError | ClosedEarlyError:
        """The error, which names another host of the same key as connection paramiko does."""
        if not isinstance(error, ConnectError) or error.code != "unknown-host-key":
            return error
        known = load(self._settings.known_hosts or self._options.known_hosts)
        elsewhere = known_elsewhere(known, hop.log.host_key or "")
        if elsewhere is None:
            return error
        words, cure = elsewhere
        return ConnectError(error.code, f"{error.message}, {words}", cure, error.host_key)

    def _command(
        self, asked: SshQuery, options: SshOptions, deadline: Deadline, depth: int
    ) -> list[str]:
        """The program and its arguments; the destination is the last."""
        values = [*_ALWAYS, f"ConnectTimeout={max(1, round(deadline.seconds))}"]
        values += self._host_key_options(options, pinned=depth == 0)
        if options.proxy_jump:
            values.append(f"ProxyCommand={self._proxy(deadline, depth)}")
        pairs = [text for value in values for text in ("-o", value)]
        log = str(self._log_path(depth))
        arguments = _without_jump(client_arguments(asked))
        return ["ssh", "-T", "-E", log, *pairs, *arguments, "--", asked.destination]

    def _proxy(self, deadline: Deadline, depth: int) -> str:
        """A ProxyCommand to a jump host; ssh's own command for -J would drop our options."""
        asked, through = self._jumps[depth]
        *lead, separator, destination = self._command(asked, through, deadline, depth + 1)
        before, after = shlex.join(lead), shlex.join([separator, destination])
        return f"{before.replace('%', '%%')} -W '[%h]:%p' {after.replace('%', '%%')}"

    def _host_key_options(self, options: SshOptions, *, pinned: bool) -> list[str]:
        fingerprints = self._target.host_keys if pinned else ()
        if fingerprints:
            tokens = "%f %H %t %K"
            command = f"/bin/sh -c '{_PINNED}' sh {tokens} {' '.join(fingerprints)}"
            return [
                "StrictHostKeyChecking=yes",
                "UserKnownHostsFile=/dev/null",
                "GlobalKnownHostsFile=/dev/null",
                f"KnownHostsCommand={command}",
            ]
        # ssh adds keys that it accepts to the first of the user's files.
        files = ["/dev/null", *(self._settings.known_hosts or options.known_hosts)]
        values = [f"UserKnownHostsFile={' '.join(_quoted(path) for path in files)}"]
        if self._settings.known_hosts:
            values.append("GlobalKnownHostsFile=/dev/null")
        if options.strict == "yes":
            values.append("StrictHostKeyChecking=yes")
        return values

    def lost(self, output: Output) -> bool:
        """Whether the connection broke: 255 is ssh's own status, but may be the command's."""
        return output.status == 255 and not self.log().exited

    def close(self) -> None:
        """Remove the logs."""
        self._directory.cleanup()


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace")
    except OSError:
        return ""


def _quoted(path: str) -> str:
    text = path.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{text}"'


def _without_jump(arguments: Sequence[str]) -> list[str]:
    kept: list[str] = []
    rest = iter(arguments)
    for text in rest:
        if text == "-J":
            next(rest, None)
        elif not text.startswith("-J"):
            kept.append(text)
    return kept


class _OpenSSHConnection(ShellConnection):
    """A connection by ssh processes. See :class:`nethygiene.transport.base.Connection`."""

    def __init__(
        self, client: _Client, address: str, settings: ConnectSettings, host_key: str | None
    ) -> None:
        super().__init__(address, settings, client.start, host_key, client.lost)
        self._client = client

    def close(self) -> None:
        """End the waiting ssh process and remove the logs. Safe to call twice."""
        super().close()
        self._client.close()


def open_openssh(target: Target, settings: ConnectSettings) -> ShellConnection:
    """Log in to a host with OpenSSH's client.

    Raises:
        ConnectError: ssh is missing, or reports why it fails; the codes are paramiko's.
    """
    if shutil.which("ssh") is None:
        raise ConnectError(
            "ssh-config",
            f"{target.name}: there is no ssh on PATH",
            "install openssh-client, or set ansible_connection: paramiko",
        )
    deadline = Deadline.after(settings.connect_timeout)
    asked = query(target, settings)
    options = resolve(asked, deadline, for_client=True)
    named = (settings.identity_file,) if settings.identity_file else ()
    jump_hosts = jumps(options, named, deadline, for_client=True)
    client = _Client(target, settings, asked, options, jump_hosts)
    try:
        shell = client.start(deadline.tightened(options.connect_timeout))
    except BaseException:
        client.close()
        raise
    log = client.log()
    address = log.address or place(options.hostname, options.port)
    connection = _OpenSSHConnection(client, address, settings, log.host_key)
    connection.prepare(shell)
    return connection

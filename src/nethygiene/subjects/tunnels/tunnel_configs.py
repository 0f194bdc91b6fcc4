"""ssh's configuration of each declared tunnel, as the tunnel's user, and the known host keys."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import NoReturn
from urllib.parse import unquote

from nethygiene.collect.command import Command
from nethygiene.engine.fact import Fact
from nethygiene.engine.outcomes import Reason, Unreadable
from nethygiene.engine.probe import Probe, Sections, item_section, refused
from nethygiene.inventory.policy import Policy, Tunnel
from nethygiene.known_hosts import KnownHosts, KnownHostsLine, parse
from nethygiene.subjects.tunnels.config_script import config_script
from nethygiene.subjects.tunnels.ssh_config import SshConfig, parse_ssh_config
from nethygiene.transcript import Section


@dataclass(frozen=True, slots=True)
class SshTarget:
    """One destination that the tunnel's ssh, or its check, connects to.

    Attributes:
        role: ``declared``, ``plain`` (the destination without the declared options), ``check``,
            ``jump`` for a host on the way to the target before it, or ``running`` for a target
            that a running ssh of the user names.
        arguments: the arguments of ``ssh -G``.
        config: its answer.
    """

    role: str
    arguments: tuple[str, ...]
    config: SshConfig


@dataclass(frozen=True, slots=True)
class TunnelConfig:
    """ssh's configuration of one tunnel.

    Attributes:
        user: the user who ran ``ssh -G``.
        targets: each destination, followed by the jump hosts on its way.
        files: path to the known_hosts file's content.
        absent: known_hosts files that do not exist for that user.
        unreadable: known_hosts files that exist and could not be read.
        version: the version of OpenSSH, as ``(9, 2)``; None for another ssh.
        algorithms: the values of HostKeyAlgorithms in its configuration files, for any destination.
    """

    user: str
    targets: tuple[SshTarget, ...]
    files: Mapping[str, KnownHosts]
    absent: frozenset[str]
    unreadable: frozenset[str]
    version: tuple[int, int] | None
    algorithms: tuple[str, ...]

    def target(self, role: str) -> SshTarget | None:
        """The destination of a role; None if the host was not asked."""
        return next((target for target in self.targets if target.role == role), None)

    def running(self, destination: str) -> SshConfig | None:
        """The configuration for a destination that a running ssh names; None if not asked."""
        asked = (target for target in self.targets if target.role in {"running", "plain"})
        return next((target.config for target in asked if target.arguments == (destination,)), None)


@dataclass(frozen=True)
class TunnelConfigs(Fact):
    """ssh's configuration of the declared tunnels, by the names of their sections."""

    _by_section: Mapping[str, TunnelConfig | Unreadable]

    def of(self, tunnel: Tunnel) -> TunnelConfig:
        """The configuration of `tunnel`; unreadable if not asked, or for another declaration."""
        command = config_command(tunnel)
        config = self._by_section.get(command.name)
        if config is None:
            detail = "not in the transcript: evidence of another policy"
            self.ledger.cannot_read(Unreadable(Reason.NOT_COLLECTED, command.title, detail))
        if isinstance(config, Unreadable):
            self.ledger.cannot_read(config)
        asked = [target.arguments for target in config.targets if target.role not in _FOUND]
        if asked != [arguments for _, arguments in _asked(tunnel)] or config.user != tunnel.user:
            detail = "the transcript holds the answer to another declaration of this tunnel"
            self.ledger.cannot_read(Unreadable(Reason.NOT_COLLECTED, command.title, detail))
        self.ledger.read(
            f"ssh -G of {tunnel.name}", command.title, f"{len(config.targets)} answers"
        )
        return config


def _asked(tunnel: Tunnel) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The roles and arguments for which ssh is asked."""
    # Sorted, because the command stands in a sudoers file, and groups may be merged in another
    # order.
    named = sorted(tunnel.options.items())
    options = [word for key, value in named for word in ("-o", f"{key}={value}")]
    port = [] if tunnel.port is None else ["-p", str(tunnel.port)]
    yield "declared", (*options, *port, tunnel.destination)
    yield "plain", (tunnel.destination,)
    if tunnel.check is not None:
        port = [] if tunnel.check.port is None else ["-p", str(tunnel.check.port)]
        yield "check", (*port, tunnel.check.destination)


def config_command(tunnel: Tunnel) -> Command:
    """The command that asks ssh for one tunnel, as its user."""
    return Command(
        item_section("tunnel_config", tunnel.name),
        config_script(_asked(tunnel), (keyword.lower() for keyword in tunnel.options)),
        user=tunnel.user,
        title=f"ssh -G as {tunnel.user}",
        holds="ssh configuration",
    )


def _declared(policy: Policy) -> tuple[Command, ...]:
    return tuple(config_command(tunnel) for tunnel in policy.tunnels.values())


def parse_configs(sections: Sections) -> TunnelConfigs:
    """Parse what the script printed for each tunnel."""
    return TunnelConfigs(
        {name: _parse_section(name, section) for name, section in sections.items()}
    )


def _parse_section(name: str, section: Section | Unreadable) -> TunnelConfig | Unreadable:
    if isinstance(section, Unreadable):
        return section
    source = f"ssh -G for tunnel {unquote(name.partition(':')[2])}"
    if section.status != 0:
        return refused(Command(name, "", title=source), section)
    reader = _Reader(source, section)
    try:
        return reader.read()
    except _NotReadableError as error:
        return error.unreadable


_FOUND = frozenset({"jump", "running"})
_ROLES = frozenset({"declared", "plain", "check"}) | _FOUND


class _NotReadableError(Exception):
    def __init__(self, unreadable: Unreadable) -> None:
        self.unreadable = unreadable
        super().__init__(str(unreadable))


class _Reader:
    """Reads the lines of one section, in the order in which the script prints them."""

    def __init__(self, source: str, section: Section) -> None:
        self._source = source
        self._stderr = section.stderr.decode("utf-8", "replace").strip()
        self._lines = section.stdout.decode("utf-8", "surrogateescape").split("\n")
        self._next = 0

    def read(self) -> TunnelConfig:
        user = self._keyed("user")
        version, algorithms = None, []
        while (word := self._peek().partition(" ")[0]) in {"version", "algorithms"}:
            value = self._keyed(word)
            if word == "algorithms":
                algorithms.append(value)
            elif match := re.fullmatch(r"OpenSSH_(\d{1,3})\.(\d{1,3})\S*", value, re.ASCII):
                version = int(match[1]), int(match[2])
        targets: list[SshTarget] = []
        while self._peek().startswith("target "):
            targets += self._target()
        if self._peek() == "deep":
            self._give_up(Reason.UNDECIDABLE, "ProxyJump leads over more than 4 hosts in a row")
        files: dict[str, KnownHosts] = {}
        absent, unreadable = set(), set()
        while self._peek().startswith("file "):
            path = self._keyed("file")
            if not path.startswith("/"):
                # ssh -G joins the names by spaces: one that has a space in it is in pieces.
                self._give_up(Reason.UNPARSABLE, f"not the path of a known_hosts file: {path!r}")
            if self._peek() == "absent":
                self._take()
                absent.add(path)
                continue
            lines, status = self._body()
            if status in {0, 1}:
                files[path] = _known_hosts(path, lines)
            else:
                unreadable.add(path)
        if self._take() != "done" or not targets:
            self._give_up(Reason.UNPARSABLE, "the answer is not whole")
        return TunnelConfig(
            user,
            tuple(targets),
            files,
            frozenset(absent),
            frozenset(unreadable),
            version,
            tuple(algorithms),
        )

    def _target(self) -> Iterator[SshTarget]:
        role = self._keyed("target")
        if role not in _ROLES:
            self._give_up(Reason.UNPARSABLE, f"{role[:60]!r} where a target's role should be")
        arguments = []
        while self._peek().startswith("argument "):
            arguments.append(self._keyed("argument"))
        lines, status = self._body()
        last = self._stderr.splitlines()[-1][:200] if self._stderr else "no message"
        if status == 127:
            self._give_up(Reason.TOOL_MISSING, last)
        if status != 0 and role == "running":
            return  # ssh refuses it as a destination, so it is not this tunnel's
        if status != 0:
            self._give_up(Reason.COMMAND_FAILED, f"exit status {status}: {last}")
        config = parse_ssh_config(lines)
        if config is None:
            self._give_up(Reason.UNPARSABLE, "no hostname and port in what ssh -G printed")
        yield SshTarget(role, tuple(arguments), config)

    def _body(self) -> tuple[list[str], int]:
        lines = []
        while self._peek().startswith("="):
            lines.append(self._take().removeprefix("="))
        word, _, status = (lines.pop() if lines else "").partition(" ")
        if word != "status" or not re.fullmatch("[0-9]{1,3}", status):
            self._give_up(Reason.UNPARSABLE, "a part of the answer has no status")
        return lines, int(status)

    def _keyed(self, key: str) -> str:
        word, _, value = self._take().partition(" ")
        if word != key:
            self._give_up(Reason.UNPARSABLE, f"{word[:60]!r} where {key} should be")
        return value

    def _peek(self) -> str:
        return self._lines[self._next] if self._next < len(self._lines) else ""

    def _take(self) -> str:
        line = self._peek()
        self._next += 1
        return line

    def _give_up(self, reason: Reason, detail: str) -> NoReturn:
        raise _NotReadableError(Unreadable(reason, self._source, detail))


def _known_hosts(path: str, lines: Iterable[str]) -> KnownHosts:
    """The known_hosts lines in the output of ``grep -n``, with their numbers."""
    known: list[KnownHostsLine] = []
    for numbered in lines:
        number, _, text = numbered.partition(":")
        if re.fullmatch("[0-9]{1,9}", number):
            known += (replace(line, number=int(number)) for line in parse(text, path)[0])
    return KnownHosts(tuple(known))


PROBE = Probe("tunnel_configs", 2, (), parse_configs, declared=_declared)

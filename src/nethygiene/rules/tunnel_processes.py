"""Which of the running ssh clients are a declared tunnel, and what they were told to do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from nethygiene.inventory.policy import Tunnel
from nethygiene.probes.ssh_processes import SshProcess, SshProcesses
from nethygiene.probes.tunnel_configs import TunnelConfigs
from nethygiene.rules.expect import unknown
from nethygiene.rules.matchers import Matcher, equal_to
from nethygiene.tunnels.forwards import configured_forwards, includes
from nethygiene.tunnels.invocation import (
    Invocation,
    is_mux_master,
    is_script,
    parse_destination,
    parse_invocation,
)
from nethygiene.tunnels.ssh_config import SshConfig, flag, same_value, seconds

_SHOWN_PIDS = 6


@dataclass(frozen=True, slots=True)
class RunningSsh:
    """One running ssh and its arguments, read."""

    process: SshProcess
    invocation: Invocation


@dataclass(frozen=True, slots=True)
class RunningTunnel:
    """The ssh processes of a tunnel's user, as far as they concern the tunnel.

    Attributes:
        tunnel: as declared.
        matching: those to its destination with its forwards.
        others: those to its destination with other forwards.
        unclear: why some could not be told.
    """

    tunnel: Tunnel
    matching: tuple[RunningSsh, ...]
    others: tuple[RunningSsh, ...]
    unclear: tuple[str, ...]

    @property
    def what(self) -> str:
        """What is looked for, in words."""
        forwards = [f"-L {one}" for one in self.tunnel.local_forwards]
        forwards += [f"-R {one}" for one in self.tunnel.remote_forwards]
        with_them = f" with {' '.join(forwards)}" if forwards else ""
        return f"ssh processes of {self.tunnel.user} to {self.tunnel.destination}{with_them}"

    def count(self) -> int:
        """How many are that tunnel; ends the rule as unknown where that cannot be told."""
        if self.unclear and len(self.matching) < 2:
            unknown("; ".join(self.unclear))
        return len(self.matching)

    def hint(self) -> str:
        """What a wrong number of them means."""
        if len(self.matching) > 1:
            return (
                f"they pile up ({_pids(self.matching)}): each holds a connection to the server, "
                "all but one for nothing; end them, and see why the job takes its tunnel for down"
            )
        if self.others:
            seen = self.others[0].invocation
            forwards = [f"-L {one}" for one in seen.local] + [f"-R {one}" for one in seen.remote]
            told = " ".join(forwards) or "no forward"
            return f"{_pids(self.others)} runs to that destination, but with {told}"
        return "see why in the tunnel's log, and start it"


def running_tunnel(
    tunnel: Tunnel, processes: SshProcesses, configs: TunnelConfigs
) -> RunningTunnel:
    """Find the tunnel among the ssh processes of its user.

    Its configuration is asked only where the arguments alone do not tell.
    """
    matching: list[RunningSsh] = []
    others: list[RunningSsh] = []
    unclear: list[str] = []
    for process in processes.of_user(tunnel.user):
        if is_script(process.argv):
            continue
        if is_mux_master(process.argv):
            unclear.append(f"pid {process.pid} is a ControlMaster, which hides its arguments")
            continue
        invocation = parse_invocation(process.argv)
        if invocation.control is not None or invocation.stdio_forward is not None:
            continue
        if invocation.unreadable:
            unclear.append(f"the arguments of pid {process.pid}: {invocation.unreadable}")
        elif _goes_there(invocation, tunnel, configs):
            running = RunningSsh(process, invocation)
            (matching if _has_forwards(invocation, tunnel, configs) else others).append(running)
    return RunningTunnel(tunnel, tuple(matching), tuple(others), tuple(unclear))


def _goes_there(invocation: Invocation, tunnel: Tunnel, configs: TunnelConfigs) -> bool:
    wanted, actual = parse_destination(tunnel.destination), invocation.destination
    if wanted is None or actual is None or wanted.host != actual.host:
        return False
    if wanted.user and invocation.user and wanted.user != invocation.user:
        return False
    declared_port = tunnel.port or wanted.port
    if declared_port == invocation.port:
        return True
    plain = _plain(tunnel, configs)
    return (declared_port or plain.port) == (invocation.port or plain.port)


def _has_forwards(invocation: Invocation, tunnel: Tunnel, configs: TunnelConfigs) -> bool:
    if includes(invocation.local, tunnel.local_forwards) and includes(
        invocation.remote, tunnel.remote_forwards
    ):
        return True
    if invocation.config_file is not None:
        return False
    plain = _plain(tunnel, configs)
    local = (*invocation.local, *configured_forwards(plain.all("localforward"), "local"))
    remote = (*invocation.remote, *configured_forwards(plain.all("remoteforward"), "remote"))
    return includes(local, tunnel.local_forwards) and includes(remote, tunnel.remote_forwards)


def _plain(tunnel: Tunnel, configs: TunnelConfigs) -> SshConfig:
    target = configs.of(tunnel).target("plain")
    if target is None:
        raise AssertionError("every tunnel's destination is asked without its options as well")
    return target.config


def _pids(running: tuple[RunningSsh, ...]) -> str:
    shown = ", ".join(str(one.process.pid) for one in running[:_SHOWN_PIDS])
    return f"pid {shown}{'…' if len(running) > _SHOWN_PIDS else ''}"


_YES: Matcher[str | None] = Matcher("yes", lambda value: value is not None and flag(value) is True)
_ABOVE_ZERO: Matcher[str | None] = Matcher(
    "above 0", lambda value: value is not None and (seconds(value) or 0) > 0
)
FAIL_FAST = {
    "ExitOnForwardFailure": _YES,
    "ServerAliveInterval": _ABOVE_ZERO,
    "BatchMode": _YES,
}
"""What makes ssh end, rather than stay for nothing."""

_HINTS = {
    "ExitOnForwardFailure": "ssh stays connected although its port was taken",
    "ServerAliveInterval": "ssh does not notice that the server is gone",
    "BatchMode": "ssh may wait for an answer that nobody gives",
}
# A host does not tell the words of these, for a password may be among them: only that there is one.
_SEEN = {"knownhostscommand", "proxycommand"}
_HIDDEN = _SEEN | {"localcommand", "remotecommand", "setenv"}
# Lists, what finding the process has compared already, and what cannot be seen in a configuration.
_NOT_COMPARED = {
    *("localcommand", "remotecommand"),
    *("certificatefile", "dynamicforward", "identityfile", "sendenv", "setenv"),
    *("localforward", "remoteforward", "port", "user"),
}
# In OpenSSH's own readconf.c; read where -F keeps the configuration out.
_DEFAULTS = {"exitonforwardfailure": "no", "serveraliveinterval": "0", "batchmode": "no"}


@dataclass(frozen=True, slots=True)
class OptionInEffect:
    """An option of the tunnel's ssh: what it is called, its value, and what is expected."""

    what: str
    value: str | None
    wanted: Matcher[str | None]
    hint: str


def options_in_effect(running: RunningTunnel, configs: TunnelConfigs) -> Iterator[OptionInEffect]:
    """The options that have to hold, of each running ssh, or as declared where none runs."""
    tunnel = running.tunnel
    if not running.matching:
        running.count()  # a master may be it: then nothing is known of its options
        for keyword, wanted in FAIL_FAST.items():
            value = tunnel.option(keyword)
            if value is None:
                value = _declared_config(tunnel, configs).get(keyword.lower())
            where = f"{keyword} as declared (no such ssh runs)"
            yield OptionInEffect(where, value, wanted, _HINTS[keyword])
    for one in running.matching:
        for keyword, wanted in FAIL_FAST.items():
            value = _value(one, keyword, tunnel, configs)
            yield OptionInEffect(f"{keyword} of {one.process}", value, wanted, _HINTS[keyword])
        for keyword, declared in tunnel.options.items():
            if keyword.lower() in _NOT_COMPARED:
                continue
            value = _value(one, keyword, tunnel, configs)
            if keyword.lower() in _SEEN and value is not None:
                continue
            told = FAIL_FAST.get(keyword)
            if told is not None and not told.accepts(value):
                continue  # the loop above said so
            if value is None or not same_value(value, declared):
                yield OptionInEffect(
                    f"{keyword} of {one.process}",
                    value,
                    equal_to(declared),
                    "it runs with other options than are declared: restart it, or declare those",
                )


def _value(running: RunningSsh, keyword: str, tunnel: Tunnel, configs: TunnelConfigs) -> str | None:
    """The option in effect: of the command line, else of the configuration."""
    given = running.invocation.option(keyword.lower())
    if given is not None:
        return given
    file = running.invocation.config_file
    if file is not None:
        if file.lower() not in {"none", "/dev/null"}:
            unknown(f"{keyword} of {running.process} may stand in {file} (-F), which was not read")
        return _DEFAULTS.get(keyword.lower())
    # Debian's ssh derives one option from another: ask for the very options, where they are.
    if all(_is_given(running, key.lower(), value) for key, value in tunnel.options.items()):
        return _declared_config(tunnel, configs).get(keyword.lower())
    return _plain(tunnel, configs).get(keyword.lower())


def _is_given(running: RunningSsh, keyword: str, declared: str) -> bool:
    """Whether a declared option is on the command line, as far as that is told."""
    given = running.invocation.option(keyword)
    if given is None or keyword in _HIDDEN:
        return given is not None
    return same_value(given, declared)


def _declared_config(tunnel: Tunnel, configs: TunnelConfigs) -> SshConfig:
    target = configs.of(tunnel).target("declared")
    if target is None:
        raise AssertionError("every tunnel is asked with its options")
    return target.config

"""The options that make a tunnel's ssh end when it cannot do its work."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from nethygiene.engine.expect import unknown
from nethygiene.engine.matchers import Matcher, equal_to
from nethygiene.inventory.forward import Forward
from nethygiene.inventory.policy import Tunnel
from nethygiene.subjects.tunnels.forwards import is_same, names_address
from nethygiene.subjects.tunnels.ssh_config import flag, same_value, seconds
from nethygiene.subjects.tunnels.tunnel_configs import TunnelConfigs
from nethygiene.subjects.tunnels.tunnel_destinations import declared_config, plain_config
from nethygiene.subjects.tunnels.tunnel_processes import RunningSsh, RunningTunnel

_YES: Matcher[str | None] = Matcher("yes", lambda value: value is not None and flag(value) is True)
_ABOVE_ZERO: Matcher[str | None] = Matcher(
    "above 0", lambda value: value is not None and (seconds(value) or 0) > 0
)
FAIL_FAST = {
    "ExitOnForwardFailure": _YES,
    "ServerAliveInterval": _ABOVE_ZERO,
    "BatchMode": _YES,
}
"""The options that make ssh end, rather than stay for nothing."""

_HINTS = {
    "ExitOnForwardFailure": "ssh stays connected although its port was taken",
    "ServerAliveInterval": "ssh does not notice that the server is gone",
    "BatchMode": "ssh may wait for an answer that nobody gives",
}
# The host says only whether these are set, not their words: a password may be among them.
_SEEN = {"knownhostscommand", "proxycommand"}
_HIDDEN = _SEEN | {"localcommand", "remotecommand", "setenv"}
# These are lists, or were compared to find the process, or cannot be seen in a configuration.
_NOT_COMPARED = {
    *("localcommand", "remotecommand"),
    *("certificatefile", "dynamicforward", "identityfile", "sendenv", "setenv"),
    *("localforward", "remoteforward", "port", "user"),
}
# The defaults of OpenSSH's readconf.c, which hold if -F keeps the configuration out.
_DEFAULTS = {
    "addressfamily": "any",
    "batchmode": "no",
    "exitonforwardfailure": "no",
    "serveralivecountmax": "3",
    "serveraliveinterval": "0",
}
# Debian's BatchMode implies three times 300 s.
LONGEST_SILENCE = 900
_NOTICED: Matcher[str | None] = Matcher(
    f"at most {LONGEST_SILENCE} s",
    lambda silence: silence is not None and int(silence.split()[0]) <= LONGEST_SILENCE,
)
_NAMED: Matcher[str | None] = Matcher("an address of its own", lambda name: name == "named")


@dataclass(frozen=True, slots=True)
class OptionInEffect:
    """An option of the tunnel's ssh: its name, its value, and the expectation."""

    what: str
    value: str | None
    wanted: Matcher[str | None]
    hint: str


def options_in_effect(running: RunningTunnel, configs: TunnelConfigs) -> Iterator[OptionInEffect]:
    """The options that have to hold: of each running ssh, or as declared if none runs."""
    tunnel = running.tunnel
    if not running.matching:
        running.count()  # ends the rule if a ControlMaster, which hides its options, may be it
        yield from _in_effect(None, tunnel, configs, "as declared (no such ssh runs)")
    for ssh in running.matching:
        yield from _in_effect(ssh, tunnel, configs, f"of {ssh.process}")
        yield from _unlike_declared(ssh, tunnel, configs)


def _in_effect(
    ssh: RunningSsh | None, tunnel: Tunnel, configs: TunnelConfigs, where: str
) -> Iterator[OptionInEffect]:
    for keyword, matcher in FAIL_FAST.items():
        value = _value(ssh, keyword, tunnel, configs)
        yield OptionInEffect(f"{keyword} {where}", value, matcher, _HINTS[keyword])
    interval = seconds(_value(ssh, "ServerAliveInterval", tunnel, configs) or "0") or 0
    times = _value(ssh, "ServerAliveCountMax", tunnel, configs) or ""
    if interval and times.isascii() and times.isdecimal():
        yield OptionInEffect(
            f"ServerAliveInterval x ServerAliveCountMax {where}",
            f"{interval * int(times[:9])} s ({interval} s x {times})",
            _NOTICED,
            "ssh takes that long to notice that the server is gone",
        )
    yield from _listening(ssh, tunnel, configs, where)


def _listening(
    ssh: RunningSsh | None, tunnel: Tunnel, configs: TunnelConfigs, where: str
) -> Iterator[OptionInEffect]:
    """The addresses that the tunnel's forwards listen on."""
    sides: tuple[tuple[Literal["local", "remote"], str, tuple[Forward, ...]], ...] = (
        ("local", "-L", tunnel.local_forwards),
        ("remote", "-R", tunnel.remote_forwards),
    )
    for side, letter, declared in sides:
        if ssh is None:
            forwards = declared
        else:
            seen = ssh.local if side == "local" else ssh.remote
            forwards = tuple(
                forward for forward in seen if any(is_same(forward, other) for other in declared)
            )
        for forward in forwards:
            if names_address(forward, side, None):
                good = True
            else:
                good = names_address(forward, side, _value(ssh, "AddressFamily", tunnel, configs))
            who = "ssh" if side == "local" else "the server's sshd"
            yield OptionInEffect(
                f"address of {letter} {forward} {where}",
                "named" if good else "not named",
                _NAMED,
                f"{who} is content with [::1] if 127.0.0.1 is taken, and says nothing",
            )


def _unlike_declared(
    ssh: RunningSsh, tunnel: Tunnel, configs: TunnelConfigs
) -> Iterator[OptionInEffect]:
    for keyword, declared in tunnel.options.items():
        if keyword.lower() in _NOT_COMPARED:
            continue
        value = _value(ssh, keyword, tunnel, configs)
        if keyword.lower() in _SEEN and value is not None:
            continue
        matcher = FAIL_FAST.get(keyword)
        if matcher is not None and not matcher.accepts(value):
            continue  # it has failed above
        if value is None or not same_value(value, declared):
            yield OptionInEffect(
                f"{keyword} of {ssh.process}",
                value,
                equal_to(declared),
                "it runs with other options than are declared: restart it, or declare those",
            )


def _value(
    running: RunningSsh | None, keyword: str, tunnel: Tunnel, configs: TunnelConfigs
) -> str | None:
    """The option in effect, from the command line or else the configuration."""
    if running is None:
        value = tunnel.option(keyword)
        return declared_config(tunnel, configs).get(keyword.lower()) if value is None else value
    given = running.invocation.option(keyword.lower())
    if given is not None:
        return given
    file = running.invocation.config_file
    if file is not None:
        if file.lower() not in {"none", "/dev/null"}:
            unknown(f"{keyword} of {running.process} may stand in {file} (-F), which was not read")
        return _DEFAULTS.get(keyword.lower())
    # Debian's ssh derives one option from another, so use the answer for exactly these options.
    if all(_is_given(running, key.lower(), value) for key, value in tunnel.options.items()):
        return declared_config(tunnel, configs).get(keyword.lower())
    config = configs.of(tunnel).running(running.invocation.written)
    return (config or plain_config(tunnel, configs)).get(keyword.lower())


def _is_given(running: RunningSsh, keyword: str, declared: str) -> bool:
    """Whether a declared option is on the command line, as far as the host says."""
    given = running.invocation.option(keyword)
    if given is None or keyword in _HIDDEN:
        return given is not None
    return same_value(given, declared)

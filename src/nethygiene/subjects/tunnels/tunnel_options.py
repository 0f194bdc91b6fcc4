"""How a tunnel's ssh was told to end when it cannot do its work."""

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
_DEFAULTS = {
    "addressfamily": "any",
    "batchmode": "no",
    "exitonforwardfailure": "no",
    "serveralivecountmax": "3",
    "serveraliveinterval": "0",
}
# What Debian's BatchMode comes to: three times 300 s.
LONGEST_SILENCE = 900
_NOTICED: Matcher[str | None] = Matcher(
    f"at most {LONGEST_SILENCE} s",
    lambda told: told is not None and int(told.split()[0]) <= LONGEST_SILENCE,
)
_NAMED: Matcher[str | None] = Matcher("an address of its own", lambda told: told == "named")


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
        yield from _in_effect(None, tunnel, configs, "as declared (no such ssh runs)")
    for one in running.matching:
        yield from _in_effect(one, tunnel, configs, f"of {one.process}")
        yield from _unlike_declared(one, tunnel, configs)


def _in_effect(
    one: RunningSsh | None, tunnel: Tunnel, configs: TunnelConfigs, where: str
) -> Iterator[OptionInEffect]:
    for keyword, wanted in FAIL_FAST.items():
        value = _value(one, keyword, tunnel, configs)
        yield OptionInEffect(f"{keyword} {where}", value, wanted, _HINTS[keyword])
    interval = seconds(_value(one, "ServerAliveInterval", tunnel, configs) or "0") or 0
    times = _value(one, "ServerAliveCountMax", tunnel, configs) or ""
    if interval and times.isascii() and times.isdecimal():
        yield OptionInEffect(
            f"ServerAliveInterval x ServerAliveCountMax {where}",
            f"{interval * int(times[:9])} s ({interval} s x {times})",
            _NOTICED,
            "ssh takes that long to notice that the server is gone",
        )
    yield from _listening(one, tunnel, configs, where)


def _listening(
    one: RunningSsh | None, tunnel: Tunnel, configs: TunnelConfigs, where: str
) -> Iterator[OptionInEffect]:
    """The addresses that the tunnel's forwards listen on."""
    sides: tuple[tuple[Literal["local", "remote"], str, tuple[Forward, ...]], ...] = (
        ("local", "-L", tunnel.local_forwards),
        ("remote", "-R", tunnel.remote_forwards),
    )
    for side, letter, wanted in sides:
        if one is None:
            found = wanted
        else:
            seen = one.local if side == "local" else one.remote
            found = tuple(
                forward for forward in seen if any(is_same(forward, other) for other in wanted)
            )
        for forward in found:
            if names_address(forward, side, None):
                good = True
            else:
                good = names_address(forward, side, _value(one, "AddressFamily", tunnel, configs))
            who = "ssh" if side == "local" else "the server's sshd"
            yield OptionInEffect(
                f"address of {letter} {forward} {where}",
                "named" if good else "not named",
                _NAMED,
                f"{who} is content with [::1] where 127.0.0.1 is taken, and nobody is told",
            )


def _unlike_declared(
    one: RunningSsh, tunnel: Tunnel, configs: TunnelConfigs
) -> Iterator[OptionInEffect]:
    for keyword, declared in tunnel.options.items():
        if keyword.lower() in _NOT_COMPARED:
            continue
        value = _value(one, keyword, tunnel, configs)
        if keyword.lower() in _SEEN and value is not None:
            continue
        told = FAIL_FAST.get(keyword)
        if told is not None and not told.accepts(value):
            continue  # it was said already
        if value is None or not same_value(value, declared):
            yield OptionInEffect(
                f"{keyword} of {one.process}",
                value,
                equal_to(declared),
                "it runs with other options than are declared: restart it, or declare those",
            )


def _value(
    running: RunningSsh | None, keyword: str, tunnel: Tunnel, configs: TunnelConfigs
) -> str | None:
    """The option in effect: of the command line, else of the configuration."""
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
    # Debian's ssh derives one option from another: ask for the very options, where they are.
    if all(_is_given(running, key.lower(), value) for key, value in tunnel.options.items()):
        return declared_config(tunnel, configs).get(keyword.lower())
    config = configs.of(tunnel).running(running.invocation.written)
    return (config or plain_config(tunnel, configs)).get(keyword.lower())


def _is_given(running: RunningSsh, keyword: str, declared: str) -> bool:
    """Whether a declared option is on the command line, as far as that is told."""
    given = running.invocation.option(keyword)
    if given is None or keyword in _HIDDEN:
        return given is not None
    return same_value(given, declared)

"""Remedies of tunnels, with the finding's user, destination, forwards and processes.

Root types them. If a unit runs the tunnel, systemctl starts it; otherwise ssh does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

from nethygiene.engine.remedies import as_user, command, content, paragraphs, word
from nethygiene.inventory.forward import Forward
from nethygiene.inventory.policy import LogFile, Tunnel
from nethygiene.subjects.tunnels.forwards import names_address, with_address
from nethygiene.subjects.tunnels.ssh_config import flag, seconds
from nethygiene.subjects.tunnels.tunnel_forwards import ForwardState
from nethygiene.subjects.tunnels.tunnel_logs import TunnelLog
from nethygiene.subjects.tunnels.tunnel_options import LONGEST_SILENCE
from nethygiene.subjects.tunnels.tunnel_processes import RunningSsh, RunningTunnel

Side = Literal["local", "remote"]
_WANTED = {
    "BatchMode": "yes",
    "ExitOnForwardFailure": "yes",
    "ServerAliveInterval": "15",
    "ServerAliveCountMax": "3",
}


def run_one(running: RunningTunnel) -> str:
    """The remedy of a tunnel that does not run, or more than once."""
    tunnel = running.tunnel
    if len(running.matching) == len(running.stopped) == 1 and not running.rivals:
        return paragraphs("Let it go on:", _kill(running.stopped, "CONT"))
    in_the_way = (*running.matching, *running.rivals)
    if running.matching:
        first = paragraphs("End all of them, and start one:", end(in_the_way))
        why = (
            "Then see why the job takes its tunnel for down: tunnel-host-key-known and "
            "tunnel-forward-listening tell."
        )
        return paragraphs(first, start(tunnel), why, keep_one(tunnel))
    others = (*running.rivals, *running.others)
    if running.rivals:
        first = paragraphs("End the one that runs in another way, and start the declared one:")
        return paragraphs(first, end(others), start(tunnel), keep_one(tunnel))
    return paragraphs("Start it:", start(tunnel), keep_one(tunnel))


def start_anew(running: RunningTunnel) -> str:
    """The remedy of a tunnel that lacks options to end in time, running or as declared."""
    tunnel = running.tunnel
    declared = _declare(tunnel)
    if unit := _unit(tunnel):
        return paragraphs(
            f"Write this to {unit}, and restart it:",
            command(f"systemctl edit --full {word(unit)}"),
            content(f"ExecStart=/usr/bin/{ssh_words(tunnel)}"),
            command(f"systemctl restart {word(unit)}"),
            declared,
        )
    return paragraphs(
        "Restart it in this way, here and in the job:",
        "\n".join(filter(None, [end(running.excess), start(tunnel)])),
        declared,
    )


def _declare(tunnel: Tunnel) -> str:
    """The lines of the declaration that need to change."""
    wrong = [
        f"{key}: {_option(tunnel, key)}"
        for key in _WANTED
        if tunnel.option(key) not in {None, _option(tunnel, key)}
    ]
    lines = [f"options: {{{', '.join(wrong)}}}"] if wrong else []
    sides: tuple[tuple[str, Side, tuple[Forward, ...]], ...] = (
        ("local_forwards", "local", tunnel.local_forwards),
        ("remote_forwards", "remote", tunnel.remote_forwards),
    )
    for key, side, forwards in sides:
        named = [_named(forward, side) for forward in forwards]
        if named != [str(forward) for forward in forwards]:
            lines.append(f"{key}: [{', '.join(named)}]")
    if not lines:
        return ""
    what = f"And declare the same of the tunnel {tunnel.name} in the inventory:"
    return paragraphs(what, "\n".join(content(line) for line in lines))


def listen_again(state: ForwardState, running: RunningTunnel) -> str:
    """The remedy of a local end on which another process, or nothing, listens."""
    tunnel = running.tunnel
    holders = [pid for pid in state.pids if pid not in running.pids]
    parts = [paragraphs("See what holds the port:", command(f"ss -lntp 'sport = :{state.port}'"))]
    if holders:
        ended = " ".join(map(str, holders))
        who = " and ".join(map(str, state.owners))
        parts.append(
            paragraphs(
                f"End {who}, or give one of the two another port; then start the tunnel:",
                "\n".join(filter(None, [command(f"kill {ended}; sleep 1"), end(running.excess)])),
            )
        )
    elif running.excess:
        parts.append(
            paragraphs("End the ssh that has no local end, and restart it:", end(running.excess))
        )
    else:
        parts.append("Start the tunnel:")
    return paragraphs(*parts, start(tunnel))


def look_and_empty(tunnel: Tunnel, log: TunnelLog) -> str:
    """The remedy of a log with failures: fix them, and begin a new log."""
    parts = [
        (
            "The message names what ssh said. Not verified or changed: tunnel-host-key-known. "
            "Address in use, no forwarding: tunnel-running and tunnel-forward-listening. "
            f"Permission denied: {tunnel.destination} does not have the key that {tunnel.user} "
            "offers in its authorized_keys. Refused, timed out, no route, closed: the server, or "
            "the way to it."
        ),
    ]
    path = word(log.place)
    if isinstance(tunnel.run_by, LogFile):
        parts += [
            "Once it is mended, keep the old lines elsewhere, or wait until they leave the window:",
            "\n".join([command(f"cp -p {path} {path}.read"), command(f"truncate -s 0 {path}")]),
        ]
    elif tunnel.run_by == "cron":
        parts += [
            "Once it is mended, keep the mail elsewhere, or wait until it leaves the window:",
            command(f"mv {path} {path}.read"),
        ]
    return paragraphs(*parts)


def keep_one(tunnel: Tunnel) -> str:
    """A line of a crontab that keeps one tunnel up, and never two."""
    if _unit(tunnel):
        return ""
    lock = f"flock -n ~/.{word(tunnel.name)}.lock"
    # cron ends the command at a bare %.
    kept = ssh_words(tunnel, background=False).replace("%", "\\%")
    return paragraphs(
        f"So that no job starts a second one, let cron hold a lock: this line in the crontab of "
        f"{tunnel.user}, in place of the job's, keeps one up.",
        content(f"* * * * * {lock} {kept}"),
    )


def start(tunnel: Tunnel) -> str:
    """The command that starts the tunnel as it should be."""
    if unit := _unit(tunnel):
        return command(f"systemctl restart {word(unit)}")
    return command(as_user(tunnel.user, ssh_words(tunnel, background=True)))


def ssh_words(tunnel: Tunnel, *, background: bool = False) -> str:
    """The ssh command of a tunnel, with all options that make it end in time."""
    words = ["ssh", *["-f"] * background, "-N"]
    lower = {key.lower() for key in _WANTED}
    options: Mapping[str, str] = {
        **{key: _option(tunnel, key) for key in _WANTED},
        **{key: value for key, value in tunnel.options.items() if key.lower() not in lower},
    }
    words += [f"-o{word(f'{key}={value}')}" for key, value in options.items()]
    words += [f"-L {word(_named(forward, 'local'))}" for forward in tunnel.local_forwards]
    words += [f"-R {word(_named(forward, 'remote'))}" for forward in tunnel.remote_forwards]
    words += [] if tunnel.port is None else [f"-p {tunnel.port}"]
    return " ".join([*words, word(tunnel.destination)])


def _named(forward: Forward, side: Side) -> str:
    return str(forward) if names_address(forward, side, None) else with_address(forward)


def _unit(tunnel: Tunnel) -> str:
    """The unit that runs the tunnel; empty if cron or another job does."""
    return tunnel.run_by if isinstance(tunnel.run_by, str) and tunnel.run_by != "cron" else ""


def _option(tunnel: Tunnel, keyword: str) -> str:
    """The declared value if it is good, otherwise the default of the remedy."""
    declared = tunnel.option(keyword)
    value = _WANTED[keyword]
    if declared is None:
        return value
    if value == "yes":
        return declared if flag(declared) is True else value
    interval = seconds(tunnel.option("ServerAliveInterval") or "15") or 15
    if keyword == "ServerAliveInterval":
        return declared if 0 < (seconds(declared) or 0) <= LONGEST_SILENCE // 3 else value
    good = declared.isdecimal() and interval * int(declared[:9]) <= LONGEST_SILENCE
    return declared if good else value


def end(running: Iterable[RunningSsh]) -> str:
    """The command that ends processes, and waits until their ports are free."""
    processes = tuple(running)
    # A stopped process obeys no other signal than KILL.
    going = tuple(ssh for ssh in processes if not ssh.process.stopped)
    held = tuple(ssh for ssh in processes if ssh.process.stopped)
    words = [f"kill {_pids(going)}"] * bool(going) + [f"kill -KILL {_pids(held)}"] * bool(held)
    return command("; ".join([*words, "sleep 1"])) if words else ""


def _kill(running: Iterable[RunningSsh], signal: str) -> str:
    return command(f"kill -{signal} {_pids(running)}")


def _pids(running: Iterable[RunningSsh]) -> str:
    return " ".join(str(ssh.process.pid) for ssh in running)

"""Which of the running ssh clients are a declared tunnel."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from nethygiene.engine.expect import unknown
from nethygiene.inventory.forward import Forward
from nethygiene.inventory.policy import Tunnel
from nethygiene.subjects.tunnels.forwards import competes, configured_forwards, includes
from nethygiene.subjects.tunnels.invocation import (
    Invocation,
    is_mux_master,
    is_script,
    parse_invocation,
)
from nethygiene.subjects.tunnels.ssh_processes import SshProcess, SshProcesses
from nethygiene.subjects.tunnels.tunnel_configs import TunnelConfigs
from nethygiene.subjects.tunnels.tunnel_destinations import Going, goes_there, plain_config

_SHOWN_PIDS = 6


@dataclass(frozen=True, slots=True)
class RunningSsh:
    """One running ssh and its arguments, read.

    Attributes:
        process: it.
        invocation: its arguments.
        local: its -L forwards, those of its configuration included where they had to be asked.
        remote: its -R forwards, likewise.
    """

    process: SshProcess
    invocation: Invocation
    local: tuple[Forward, ...]
    remote: tuple[Forward, ...]


@dataclass(frozen=True, slots=True)
class RunningTunnel:
    """The ssh processes of a tunnel's user, as far as they concern the tunnel.

    Attributes:
        tunnel: as declared.
        matching: those to its destination with its forwards, stopped ones included.
        rivals: those to its destination that ask for one of its ports in another way.
        others: those to its destination with other forwards.
        unclear: why some could not be told, by their process ids.
    """

    tunnel: Tunnel
    matching: tuple[RunningSsh, ...]
    rivals: tuple[RunningSsh, ...]
    others: tuple[RunningSsh, ...]
    unclear: Mapping[int, str]

    @property
    def what(self) -> str:
        """What is looked for, in words."""
        forwards = [f"-L {one}" for one in self.tunnel.local_forwards]
        forwards += [f"-R {one}" for one in self.tunnel.remote_forwards]
        with_them = f" with {' '.join(forwards)}" if forwards else ""
        return (
            f"number of ssh processes of {self.tunnel.user} to {self.tunnel.destination}{with_them}"
        )

    @property
    def stopped(self) -> tuple[RunningSsh, ...]:
        """Those that a signal stopped."""
        return tuple(one for one in self.matching if one.process.stopped)

    @property
    def pids(self) -> frozenset[int]:
        """The process ids of those that do the tunnel's work."""
        return frozenset(one.process.pid for one in self.matching if not one.process.stopped)

    @property
    def excess(self) -> tuple[RunningSsh, ...]:
        """All that are the tunnel, or in its way."""
        return (*self.matching, *self.rivals)

    def count(self) -> int:
        """How many are that tunnel; ends the rule as unknown where that cannot be told.

        A stopped one does no work: alone it is none, beside another one too many.
        """
        if self.unclear and len(self.matching) < 2:
            unknown("; ".join(self.unclear.values()))
        if len(self.matching) == len(self.stopped) == 1:
            return 0
        return len(self.excess) if self.matching else 0

    def hint(self) -> str:
        """What a wrong number of them means."""
        if len(self.matching) == len(self.stopped) == 1:
            return f"{pids(self.stopped)} is stopped (state T): it keeps its port, and does nothing"
        if self.matching and len(self.excess) > 1:
            idle = f"; {pids(self.stopped)} is stopped (state T)" if self.stopped else ""
            return (
                f"they pile up ({pids(self.excess)}{idle}): each holds a connection to the server, "
                "all but one for nothing; end them, and see why the job takes its tunnel for down"
            )
        if seen := (*self.rivals, *self.others)[:1]:
            forwards = [f"-L {one}" for one in seen[0].local]
            forwards += [f"-R {one}" for one in seen[0].remote]
            told = " ".join(forwards) or "no forward"
            return f"{pids((*self.rivals, *self.others))} runs to that destination, but with {told}"
        return "see why in the tunnel's log, and start it"


def running_tunnel(
    tunnel: Tunnel, processes: SshProcesses, configs: TunnelConfigs
) -> RunningTunnel:
    """Find the tunnel among the ssh processes of its user.

    Its configuration is asked only where the arguments alone do not tell.
    """
    matching: list[RunningSsh] = []
    rivals: list[RunningSsh] = []
    others: list[RunningSsh] = []
    unclear: dict[int, str] = {}
    for process in processes.of_user(tunnel.user):
        if is_script(process.argv):
            continue
        if is_mux_master(process.argv):
            unclear[process.pid] = (
                f"pid {process.pid} is a ControlMaster, which hides its arguments"
            )
            continue
        invocation = parse_invocation(process.argv)
        if invocation.control is not None or invocation.stdio_forward is not None:
            continue
        if invocation.unreadable:
            unclear[process.pid] = f"the arguments of pid {process.pid}: {invocation.unreadable}"
            continue
        going = goes_there(invocation, tunnel, configs)
        if going is Going.ELSEWHERE:
            continue
        running = _with_forwards(process, invocation, tunnel, configs)
        if going is Going.UNCLEAR:
            if _competes(running.local, tunnel.local_forwards):
                unclear[process.pid] = (
                    f"pid {process.pid} goes to {invocation.written} with the same forward: "
                    f"whether that is {tunnel.destination} by another name cannot be told"
                )
        elif includes(running.local, tunnel.local_forwards) and includes(
            running.remote, tunnel.remote_forwards
        ):
            matching.append(running)
        elif _competes(running.local, tunnel.local_forwards) or _competes(
            running.remote, tunnel.remote_forwards
        ):
            rivals.append(running)
        else:
            others.append(running)
    return RunningTunnel(tunnel, tuple(matching), tuple(rivals), tuple(others), unclear)


def _competes(forwards: Iterable[Forward], wanted: Iterable[Forward]) -> bool:
    declared = tuple(wanted)
    return any(competes(one, other) for one in forwards for other in declared)


def _with_forwards(
    process: SshProcess, invocation: Invocation, tunnel: Tunnel, configs: TunnelConfigs
) -> RunningSsh:
    local, remote = invocation.local, invocation.remote
    told = includes(local, tunnel.local_forwards) and includes(remote, tunnel.remote_forwards)
    if not told and invocation.config_file is None:
        config = configs.of(tunnel).running(invocation.written) or plain_config(tunnel, configs)
        local = (*local, *configured_forwards(config.all("localforward"), "local"))
        remote = (*remote, *configured_forwards(config.all("remoteforward"), "remote"))
    return RunningSsh(process, invocation, local, remote)


def pids(running: tuple[RunningSsh, ...]) -> str:
    """Their process ids, in words."""
    shown = ", ".join(str(one.process.pid) for one in running[:_SHOWN_PIDS])
    return f"pid {shown}{'…' if len(running) > _SHOWN_PIDS else ''}"

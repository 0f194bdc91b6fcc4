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
    """One running ssh and its parsed arguments.

    Attributes:
        process: the process.
        invocation: its arguments.
        local: its -L forwards, from its configuration too if its arguments do not have them all.
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
        tunnel: the declared tunnel.
        matching: the processes to its destination with its forwards, also stopped ones.
        rivals: the processes to its destination that ask for one of its ports in another way.
        others: the processes to its destination with other forwards.
        unclear: process ids to the reason why a process may or may not be the tunnel.
    """

    tunnel: Tunnel
    matching: tuple[RunningSsh, ...]
    rivals: tuple[RunningSsh, ...]
    others: tuple[RunningSsh, ...]
    unclear: Mapping[int, str]

    @property
    def what(self) -> str:
        """What is looked for, in words."""
        forwards = [f"-L {forward}" for forward in self.tunnel.local_forwards]
        forwards += [f"-R {forward}" for forward in self.tunnel.remote_forwards]
        with_them = f" with {' '.join(forwards)}" if forwards else ""
        return (
            f"number of ssh processes of {self.tunnel.user} to {self.tunnel.destination}{with_them}"
        )

    @property
    def stopped(self) -> tuple[RunningSsh, ...]:
        """The matching processes that a signal stopped."""
        return tuple(ssh for ssh in self.matching if ssh.process.stopped)

    @property
    def pids(self) -> frozenset[int]:
        """The process ids that do the tunnel's work."""
        return frozenset(ssh.process.pid for ssh in self.matching if not ssh.process.stopped)

    @property
    def excess(self) -> tuple[RunningSsh, ...]:
        """All processes that are the tunnel, or in its way."""
        return (*self.matching, *self.rivals)

    def count(self) -> int:
        """The number of processes that are the tunnel; ends the rule if it is unknown.

        A stopped process does no work. Alone it counts as none; beside another it is one too many.
        """
        if self.unclear and len(self.matching) < 2:
            unknown("; ".join(self.unclear.values()))
        if len(self.matching) == len(self.stopped) == 1:
            return 0
        return len(self.excess) if self.matching else 0

    def hint(self) -> str:
        """What a wrong number of processes means."""
        if len(self.matching) == len(self.stopped) == 1:
            return f"{pids(self.stopped)} is stopped (state T): it keeps its port, and does nothing"
        if self.matching and len(self.excess) > 1:
            idle = f"; {pids(self.stopped)} is stopped (state T)" if self.stopped else ""
            return (
                f"they pile up ({pids(self.excess)}{idle}): each holds a connection to the server, "
                "all but one for nothing; end them, and see why the job takes its tunnel for down"
            )
        if seen := (*self.rivals, *self.others)[:1]:
            forwards = [f"-L {forward}" for forward in seen[0].local]
            forwards += [f"-R {forward}" for forward in seen[0].remote]
            shown = " ".join(forwards) or "no forward"
            return (
                f"{pids((*self.rivals, *self.others))} runs to that destination, but with {shown}"
            )
        return "see why in the tunnel's log, and start it"


def running_tunnel(
    tunnel: Tunnel, processes: SshProcesses, configs: TunnelConfigs
) -> RunningTunnel:
    """Find the tunnel among the ssh processes of its user.

    The configuration matters only if the arguments alone do not decide.
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


def _competes(forwards: Iterable[Forward], declared_forwards: Iterable[Forward]) -> bool:
    declared = tuple(declared_forwards)
    return any(competes(forward, other) for forward in forwards for other in declared)


def _with_forwards(
    process: SshProcess, invocation: Invocation, tunnel: Tunnel, configs: TunnelConfigs
) -> RunningSsh:
    local, remote = invocation.local, invocation.remote
    is_explicit = includes(local, tunnel.local_forwards) and includes(
        remote, tunnel.remote_forwards
    )
    if not is_explicit and invocation.config_file is None:
        config = configs.of(tunnel).running(invocation.written) or plain_config(tunnel, configs)
        local = (*local, *configured_forwards(config.all("localforward"), "local"))
        remote = (*remote, *configured_forwards(config.all("remoteforward"), "remote"))
    return RunningSsh(process, invocation, local, remote)


def pids(running: tuple[RunningSsh, ...]) -> str:
    """The process ids of some processes, in words."""
    shown = ", ".join(str(ssh.process.pid) for ssh in running[:_SHOWN_PIDS])
    return f"pid {shown}{'…' if len(running) > _SHOWN_PIDS else ''}"

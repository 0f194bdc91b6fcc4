"""One host's round trip: connect, send the script, cut the answer, make a transcript."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from nethygiene.collect.command import LONGEST_WINDOW, REFUSED, Command
from nethygiene.collect.frames import Framed, cut_into_sections
from nethygiene.collect.kept import keep
from nethygiene.collect.script import AS_ROOT, compose, longest_window, new_boundary, sent_sections
from nethygiene.errors import ConnectError
from nethygiene.inventory.target import Target
from nethygiene.masking import masked
from nethygiene.transcript import Cut, HostFailure, Section, Transcript
from nethygiene.transport import open_connection
from nethygiene.transport.base import Connection, ConnectSettings, Output

_DENIED_CURE = (
    "give the audit user a login that may run /bin/sh (no nologin shell, and of forced commands "
    "only that of `nethygiene forced-command`, with mode 0755)"
)
_REFUSED_CURE = (
    "install there what `nethygiene forced-command --inventory=FILE` prints now, "
    "and leave commands of your own to another key"
)


@dataclass(frozen=True, slots=True)
class Job:
    """All that collecting one host needs, in plain values that any executor can carry.

    Attributes:
        target: how to reach the host.
        settings: deadlines and files for connecting.
        probes: the versions of the probes that are sent, by name.
        commands: what they run on this host.
        window: seconds between the two samples of counters.
        longest: seconds until which a suspicion may prolong that window.
        keep_open: leave the connection open in this process, for checks that use `host`.
    """

    target: Target
    settings: ConnectSettings
    probes: Mapping[str, int]
    commands: tuple[Command, ...]
    window: float
    longest: float = LONGEST_WINDOW
    keep_open: bool = False


def collect_host(job: Job) -> Transcript:
    """Collect one host. Never raises for what the host or the network does."""
    started = time.monotonic()
    blank = Transcript(
        host=job.target.name,
        address=job.target.address,
        collected_at=datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        seconds=0.0,
        window=job.window,
        probes=job.probes,
    )
    # The host was asked to take the time of the window: it does not count against the deadline.
    window = longest_window(job.commands, job.window, job.longest)
    timeout = job.settings.command_timeout + window
    settings = dataclasses.replace(job.settings, command_timeout=timeout)
    try:
        connection = open_connection(job.target, settings)
        try:
            transcript = _converse(connection, job, blank)
        except BaseException:
            connection.close()
            raise
    except ConnectError as error:
        failure = HostFailure(error.code, masked(error.message), masked(error.cure))
        transcript = dataclasses.replace(blank, failure=failure, host_key=error.host_key)
    else:
        if job.keep_open and transcript.failure is None:
            keep(job.target.name, connection)
        else:
            connection.close()
    return dataclasses.replace(transcript, seconds=time.monotonic() - started)


def _converse(connection: Connection, job: Job, blank: Transcript) -> Transcript:
    boundary = new_boundary()
    script = compose(
        job.commands,
        boundary=boundary,
        window=job.window,
        longest=job.longest,
        sudo=_sudo(job.target),
    )
    asked, clock = time.time(), time.monotonic()
    output = connection.run("/bin/sh -s", script)
    # By the monotonic clock: were ours set meanwhile, a host's would seem to be wrong.
    received = asked + time.monotonic() - clock
    sent = sent_sections(job.commands, job.window, job.longest)
    framed = cut_into_sections(output.stdout, output.stderr, boundary, output.cut, set(sent))
    return dataclasses.replace(
        blank,
        address=connection.address,
        host_key=connection.host_key,
        sent=round(asked, 6),
        received=round(received, 6),
        sections=framed.sections,
        privileged=_was_privileged(framed.sections, job.commands, become=job.target.become),
        failure=_failure(framed, sent, output, job.settings),
    )


def _sudo(target: Target) -> tuple[str, ...]:
    if not target.become:
        return ()
    user = () if target.become_user == "root" else ("-u", target.become_user)
    # -n: never ask for a password; without it sudo would wait for one until the deadline.
    return (*AS_ROOT, *user)


def _was_privileged(
    sections: Mapping[str, Section], commands: Sequence[Command], *, become: bool
) -> bool:
    machine = sections.get("machine")
    if machine is not None and machine.stdout.startswith(b"0\n"):
        return True
    names = [name for command in commands if command.privileged for name in command.sections]
    asked = [sections[name] for name in names if name in sections]
    return (
        become
        and bool(asked)
        and not any(
            section.stderr.startswith(b"sudo:") and section.status != 0 for section in asked
        )
    )


def _failure(
    framed: Framed, sent: Sequence[str], output: Output, settings: ConnectSettings
) -> HostFailure | None:
    missing = [name for name in sent if name not in framed.sections]
    if framed.complete and missing:
        return HostFailure(
            "answer-not-whole",
            f"{len(missing)} of {len(sent)} sections are missing, as {missing[0]}, from an answer "
            "that claims to be whole",
            "see what the login's shell there makes of the script, and who controls that host",
        )
    if framed.complete:
        return None
    count = len(framed.sections)
    got = f"after {count} section{'' if count == 1 else 's'}" if count else "before any answer"
    if output.cut is Cut.TIMEOUT:
        return HostFailure(
            "command-timeout",
            f"the checks did not end within {settings.command_timeout:g} s, cut {got}",
            "look for a hung command on the host, or raise --command-timeout",
        )
    if output.cut is Cut.CAP:
        errors = len(output.stderr) >= settings.max_stderr
        stream, cap = ("error", settings.max_stderr) if errors else ("output", settings.max_stdout)
        return HostFailure(
            "too-much-output",
            f"the host sent more than {cap // 2**20} MiB of standard {stream}, cut {got}",
            "look at what its login shell and commands print",
        )
    if output.cut is Cut.CLOSED or framed.sections:
        return HostFailure(
            "closed",
            f"the connection ended {got}",
            "see the host's sshd log, and whether it went down just then",
        )
    said = (output.stderr or output.stdout).decode("utf-8", "replace").strip()
    last = said.splitlines()[-1][:200] if said else "nothing"
    return HostFailure(
        "exec-denied",
        f"/bin/sh did not run: exit status {output.status}, and the host said {masked(last)!r}",
        _REFUSED_CURE if last.startswith(REFUSED) else _DENIED_CURE,
    )

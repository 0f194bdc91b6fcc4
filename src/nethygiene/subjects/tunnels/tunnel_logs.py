"""The complaints of the tunnels' ssh: lines that rules look for, filtered on the host."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, timezone
from pathlib import Path
from urllib.parse import unquote

from nethygiene.collect.command import Command
from nethygiene.collect.shell_file import Verbatim, sh_c
from nethygiene.engine.fact import Fact
from nethygiene.engine.outcomes import Reason, Unreadable
from nethygiene.engine.probe import Probe, Sections, item_section, refused
from nethygiene.inventory.policy import LogFile, Policy, Tunnel
from nethygiene.subjects.tunnels.messages import (
    PATTERN,
    Complaint,
    complaints_of_log,
    complaints_of_mailbox,
    oldest_mail,
    zone_of,
)
from nethygiene.transcript import Section

_LINES = 2000
_FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class TunnelLog:
    """The complaints in the place that holds a tunnel's standard error.

    Attributes:
        place: its file, or the unit; empty if there is none.
        now: the time of reading, by the host's clock, in seconds since 1970.
        modified: the time of the last write to the file, likewise; None for a journal.
        complaints: ssh's lines; a journal gives only those of the window.
        oldest: the time of the first line that was sent; None if unknown.
        ends_with_complaint: the last line of the file is a complaint.
        cut: it holds more complaints than were sent.
        doubt: why ssh's complaints may go elsewhere; empty if they do not.
    """

    place: str
    now: float
    modified: float | None
    complaints: tuple[Complaint, ...]
    oldest: float | None = None
    ends_with_complaint: bool = False
    cut: bool = False
    doubt: str = ""


@dataclass(frozen=True)
class TunnelLogs(Fact):
    """The logs of the declared tunnels, by the names of their sections."""

    _by_section: Mapping[str, TunnelLog | Unreadable]

    def of(self, tunnel: Tunnel, window: int) -> TunnelLog:
        """The log of a tunnel; unreadable if it was not read, or is of another declaration."""
        command = log_command(tunnel, window)
        log = None if command is None else self._by_section.get(command.name)
        title = tunnel.name if command is None else command.title
        if log is None:
            detail = "not in the transcript: evidence of another policy"
            self.ledger.cannot_read(Unreadable(Reason.NOT_COLLECTED, title, detail))
        if isinstance(log, Unreadable):
            self.ledger.cannot_read(log)
        self.ledger.read(f"log of {tunnel.name}", title, log.place or "none")
        return log


def log_command(tunnel: Tunnel, window: int) -> Command | None:
    """The command that reads a tunnel's log; None if the policy declares none.

    The section's name holds the kind of the log, and the question.
    """
    if tunnel.run_by is None:
        return None
    filters = {"PATTERN": Verbatim(PATTERN), "LINES": str(_LINES + 1)}
    if isinstance(tunnel.run_by, LogFile):
        kind, user, title = f"file:{tunnel.run_by.log}", tunnel.user, tunnel.run_by.log
        script = sh_c(_FOLDER / "log_of_file.sh", LOG=tunnel.run_by.log, **filters)
    elif tunnel.run_by == "cron":
        kind, user, title = f"cron:{tunnel.user}", tunnel.user, f"mailbox of {tunnel.user}"
        script = sh_c(_FOLDER / "log_of_cron.sh", USER=tunnel.user, **filters)
    else:
        unit = tunnel.run_by
        kind, user, title = f"unit:{window}:{unit}", "root", f"journalctl -u {shlex.quote(unit)}"
        script = sh_c(_FOLDER / "log_of_unit.sh", UNIT=unit, WINDOW=str(window), **filters)
    name = item_section("tunnel_log", f"{tunnel.name}:{kind}")
    return Command(name, script, user=user, title=title, holds="log")


def _declared(policy: Policy) -> tuple[Command, ...]:
    asked = (log_command(tunnel, policy.log_window) for tunnel in policy.tunnels.values())
    return tuple(command for command in asked if command is not None)


def parse(sections: Sections) -> TunnelLogs:
    """Parse what the script printed for each tunnel."""
    return TunnelLogs({name: _parse_section(name, section) for name, section in sections.items()})


def _title(place: str) -> str:
    """The name of a log in messages, from its section's name without the first part."""
    if (cron := re.fullmatch(r".*?:cron:(.*)", place)) is not None:
        return f"mailbox of {cron[1]}"
    if (unit := re.fullmatch(r".*?:unit:\d+:(.*)", place)) is not None:
        return f"journalctl -u {unit[1]}"
    return place.partition(":file:")[2] or place


def _parse_section(name: str, section: Section | Unreadable) -> TunnelLog | Unreadable:
    if isinstance(section, Unreadable):
        return section
    source = _title(unquote(name.partition(":")[2]))
    if section.status != 0:
        return refused(Command(name, "", title=source), section)
    lines = section.stdout.decode("utf-8", "replace").split("\n")
    now = _first(lines, "now ").split()
    zone = zone_of(now[1]) if len(now) == 2 else None
    if "done" not in lines or zone is None or not re.fullmatch(r"\d{9,11}", now[0]):
        return Unreadable(Reason.UNPARSABLE, source, "the answer is not whole")
    answer = _Answer(source, lines, float(now[0]), zone, section.stderr.decode("utf-8", "replace"))
    kind = _first(lines, "kind ")
    if kind == "unit":
        return answer.journal()
    return answer.mailbox() if kind == "cron" else answer.file()


@dataclass(frozen=True, slots=True)
class _Answer:
    source: str
    lines: list[str]
    now: float
    zone: timezone
    stderr: str

    def body(self, *good: str) -> list[str] | Unreadable:
        """The lines that were sent; unreadable if the command's status is not in `good`."""
        body = [line[1:] for line in self.lines if line.startswith("=")]
        word, _, status = (body.pop() if body else "").partition(" ")
        last = self.stderr.strip().splitlines()[-1][:200] if self.stderr.strip() else "no message"
        if word != "status":
            return Unreadable(Reason.UNPARSABLE, self.source, f"no status: {last}")
        if status == "127":
            return Unreadable(Reason.TOOL_MISSING, self.source, last)
        if status not in good:
            denied = "ermission denied" in last
            reason = Reason.PERMISSION if denied else Reason.COMMAND_FAILED
            return Unreadable(reason, self.source, last)
        return body

    def mailbox(self) -> TunnelLog | Unreadable:
        place = _first(self.lines, "file ")
        doubt = self._mail_doubt()
        if not place:
            return TunnelLog("", self.now, None, (), doubt=doubt)
        body = self.body("0", "1")  # 1: grep found none
        if isinstance(body, Unreadable):
            return body
        complaints = complaints_of_mailbox(body, self.zone)
        return TunnelLog(
            place,
            self.now,
            self._modified(),
            complaints,
            oldest=oldest_mail(body, self.zone),
            cut=len(body) >= _LINES,
            doubt=doubt,
        )

    def _mail_doubt(self) -> str:
        user = _first(self.lines, "user ")
        for line in self.lines:
            mailto = line.partition("=")[2].strip().strip("\"'")
            if line.startswith("mailto ") and mailto != user:
                return f"cron mails its output to {mailto or 'nobody'} (MAILTO), not to {user}"
        if "closed" in self.lines:
            return f"{user} may not read all of cron's tables in /etc, one of which may say MAILTO"
        if "homeless" in self.lines:
            return f"{user} has no home directory that tells whether mail is forwarded"
        if "forward" in self.lines:
            return f"{user} forwards its mail (~/.forward)"
        if "mta" not in self.lines:
            return "cron discards the output, for the host has no sendmail"
        return ""

    def file(self) -> TunnelLog | Unreadable:
        if "absent" in self.lines:
            return Unreadable(Reason.ABSENT, self.source, "no such file")
        body = self.body("0", "1")  # 1: grep found none
        if isinstance(body, Unreadable):
            return body
        complaints = complaints_of_log(body, self.zone, self.now)
        ends = _first(self.lines, "last ") == "1"
        place = _first(self.lines, "file ")
        oldest = complaints[0].time if complaints else None
        cut = len(body) >= _LINES
        return TunnelLog(place, self.now, self._modified(), complaints, oldest, ends, cut)

    def journal(self) -> TunnelLog | Unreadable:
        body = self.body("0")
        if isinstance(body, Unreadable):
            return body
        unit = dict(line[5:].partition("=")[::2] for line in self.lines if line.startswith("unit "))
        if unit.get("LoadState") != "loaded":
            detail = f"systemd knows no such unit (LoadState {unit.get('LoadState', 'not told')})"
            return Unreadable(Reason.ABSENT, self.source, detail)
        if "o journal files" in self.stderr:
            return Unreadable(Reason.ABSENT, self.source, "no journal files were found")
        stderr = unit.get("StandardError", "")
        goes_to = unit.get("StandardOutput", "") if stderr == "inherit" else stderr
        doubt = ""
        if not goes_to.startswith(("journal", "syslog")):
            doubt = f"its StandardError goes to {goes_to or 'an unknown place'}, not to the journal"
        complaints = complaints_of_log(body, UTC, self.now)
        return TunnelLog("its journal", self.now, None, complaints, doubt=doubt)

    def _modified(self) -> float | None:
        text = _first(self.lines, "modified ")
        return float(text) if re.fullmatch(r"\d{1,11}", text) else None


def _first(lines: list[str], key: str) -> str:
    return next((line[len(key) :] for line in lines if line.startswith(key)), "")


PROBE = Probe("tunnel_logs", 1, (), parse, declared=_declared)

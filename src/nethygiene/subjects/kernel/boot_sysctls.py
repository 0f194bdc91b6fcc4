"""What sets sysctls at boot: the files of sysctl.d, in the order in which the host applies them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from nethygiene.collect.command import Command
from nethygiene.collect.shell_file import Verbatim, sh_c
from nethygiene.engine.fact import Fact
from nethygiene.engine.lines import file_errors, file_lines
from nethygiene.engine.outcomes import Reason, Unreadable
from nethygiene.engine.probe import Probe, Sections, refused
from nethygiene.transcript import Section

DIRECTORIES = (
    "/etc/sysctl.d",
    "/run/sysctl.d",
    "/usr/local/lib/sysctl.d",
    "/usr/lib/sysctl.d",
    "/lib/sysctl.d",
)
"""Highest priority first: if several hold a file of one name, only the first counts."""
CONF = "/etc/sysctl.conf"
UFW = "/etc/ufw/ufw.conf"
UFW_SYSCTL = "/etc/ufw/sysctl.conf"
CMDLINE = "/proc/cmdline"
UNREAD = "nethygiene-unread"
SYSTEMD = "/run/systemd/system"
TUNED = ("/run/tuned/tuned.pid", "/etc/systemd/system/multi-user.target.wants/tuned.service")
CONTAINER = (
    "/run/systemd/container",
    "/run/host/container-manager",
    "/run/.containerenv",
    "/.dockerenv",
    "/run/secrets/kubernetes.io",
)
SECRET = ("fastopen_key", "stable_secret", "sysctl.kernel")
"""Lines with these words stay on the host, because they hold keys."""
_SWAP = str.maketrans("./", "/.")


@dataclass(frozen=True, slots=True)
class Assignment:
    """One line that takes effect.

    Attributes:
        path: the setting's path below /proc/sys; may hold the wildcards of glob(7).
        value: the value to write, None for the form ``-path`` that takes it out of globs.
        file: the file that holds the line.
    """

    path: str
    value: str | None
    file: str


@dataclass(frozen=True)
class BootSysctls(Fact):
    """What the next boot sets.

    Attributes:
        container: the mark of a container, which has no boot; empty without one.
        tuned: the mark of tuned, which sets sysctls of its own; empty without one.
        systemd: the host boots with systemd, which does not read /etc/sysctl.conf.
        _lines: the assignments that take effect, in the order in which the host applies them.
        _unread: the assignments of /etc/sysctl.conf, if the boot does not read it.
    """

    container: str
    tuned: str
    systemd: bool
    _lines: Sequence[Assignment] | Unreadable
    _unread: Sequence[Assignment]

    @property
    def runs_in(self) -> str:
        """The mark of a container; empty without one."""
        self.ledger.read("container", self.container or "/run, /proc/1", bool(self.container))
        return self.container

    def require(self) -> None:
        """End the rule if the assignments are not known."""
        if self.tuned:
            self.ledger.undecidable(f"tuned sets sysctls of its own at boot ({self.tuned})")
        if isinstance(self._lines, Unreadable):
            self.ledger.cannot_read(self._lines)

    @property
    def assignments(self) -> Sequence[Assignment]:
        """The assignments in the order in which the host applies them; later ones win."""
        self.require()
        assert not isinstance(self._lines, Unreadable)
        return self._lines

    def unread_file(self, path: str) -> str:
        """A file that sets it, but that the boot does not read; empty if there is none."""
        return next((line.file for line in self._unread if line.path == path), "")


def parse(sections: Sections) -> BootSysctls | Unreadable:
    """Parse the list of files and marks, then their lines."""
    section = sections[BOOT_SYSCTLS.name]
    if isinstance(section, Unreadable):
        return section
    rows = [row for row in section.stdout.decode("utf-8", "replace").split("\n") if row]
    if section.status != 0 or "end" not in rows[-1:]:
        return refused(BOOT_SYSCTLS, section)
    pairs = [row.partition(" ") for row in rows if not row.startswith("/")]
    marks = {mark: [text for word, _, text in pairs if word == mark] for mark in _MARKS}
    there = set(marks["there"])
    systemd = SYSTEMD in there
    container = [mark for mark in CONTAINER if mark in there] + marks["container"]
    files = _files_in_order(marks["file"])
    texts: dict[str, list[str]] = {}
    for path, text in file_lines(section):
        texts.setdefault(path, []).append(text)
    lines: Sequence[Assignment] | Unreadable
    strangers = set(texts) - {*marks["file"], CONF, UFW, UFW_SYSCTL}
    problem = _unreadable(section, marks, strangers)
    command_line = [f"{word.removeprefix('sysctl.')}" for word in marks["word"]]
    order = [*files] if systemd else [*files, CONF]
    if any(re.fullmatch(r"ENABLED=[\"']?yes[\"']?", text.strip()) for text in texts.get(UFW, [])):
        order.append(UFW_SYSCTL)
    applied = [line for word in command_line for line in _assignments([word], CMDLINE)]
    applied += [line for path in order for line in _assignments(texts.get(path, []), path)]
    lines = problem or tuple(_last_wins(applied))
    unread = tuple(_assignments(texts.get(CONF, []), CONF)) if systemd else ()
    return BootSysctls(
        container=container[0] if container else "",
        tuned=next((mark for mark in TUNED if mark in there), ""),
        systemd=systemd,
        _lines=lines,
        _unread=unread,
    )


def _unreadable(
    section: Section, marks: Mapping[str, Sequence[str]], strangers: set[str]
) -> Unreadable | None:
    if f"sysctl.{UNREAD}=" in marks["word"]:
        detail = "it cannot be read, and may set sysctls: look at it from outside"
        return Unreadable(Reason.ABSENT, CMDLINE, detail)
    if marks["closed"]:
        return Unreadable(Reason.PERMISSION, marks["closed"][0], "Permission denied")
    for path, complaint in file_errors(section):
        if "o such file" not in complaint and "s a directory" not in complaint:
            denied = "ermission denied" in complaint
            reason = Reason.PERMISSION if denied else Reason.COMMAND_FAILED
            return Unreadable(reason, path, complaint)
    if strangers:
        detail = f"lines of a file that was not listed: {min(strangers)[:80]!r}"
        return Unreadable(Reason.UNPARSABLE, BOOT_SYSCTLS.shown, detail)
    if any("inary file" in row for row in section.stdout.decode("utf-8", "replace").split("\n")):
        return Unreadable(Reason.UNPARSABLE, BOOT_SYSCTLS.shown, "a file that is not text")
    return None


def _files_in_order(listed: Sequence[str]) -> list[str]:
    """The files by name, from all directories; of one name, only the first directory's."""
    chosen: dict[str, str] = {}
    for directory in DIRECTORIES:
        for path in listed:
            folder, _, name = path.rpartition("/")
            if folder == directory:
                chosen.setdefault(name, path)
    return [chosen[name] for name in sorted(chosen)]


def _assignments(lines: Sequence[str], file: str) -> Iterator[Assignment]:
    for line in lines:
        text = line.strip()
        if not text or text[0] in "#;":
            continue
        key, equals, value = text.partition("=")
        key = key.strip()
        may_fail = key.startswith("-")
        path = normalized(key.removeprefix("-").strip())
        if path and (equals or may_fail):
            yield Assignment(path, " ".join(value.split()) if equals else None, file)


def normalized(key: str) -> str:
    """The path below /proc/sys of a key; its first separator decides the spelling.

    A key that begins with /proc/sys/ counts as a path below /proc/sys: systemd-sysctl 252 and
    procps 4.0.2 complain of /proc/sys/proc/sys/..., and set nothing.
    """
    key = key.lstrip("/")
    separator = re.search(r"[./]", key)
    return key.translate(_SWAP) if separator is not None and separator[0] == "." else key


def _last_wins(assignments: Sequence[Assignment]) -> list[Assignment]:
    last: dict[str, Assignment] = {}
    for assignment in assignments:
        # Remove it first: the host applies it where its last line stands.
        last.pop(assignment.path, None)
        last[assignment.path] = assignment
    return list(last.values())


_MARKS = ("there", "container", "closed", "file", "word")
BOOT_SYSCTLS = Command(
    "boot_sysctls",
    sh_c(
        Path(__file__).with_name("boot_sysctls.sh"),
        DIRECTORIES=DIRECTORIES,
        MARKS=(SYSTEMD, *TUNED, *CONTAINER),
        CMDLINE=CMDLINE,
        UNREAD=UNREAD,
        SECRET_PATTERN=Verbatim("|".join(f"*{secret}*" for secret in SECRET)),
        SECRET=[word for secret in SECRET for word in ("-e", secret)],
        FILES=(CONF, UFW, UFW_SYSCTL),
    )
    + " sh",
    title="the files of sysctl.d",
    holds="addresses",
)
PROBE = Probe("boot_sysctls", 1, (BOOT_SYSCTLS,), parse)

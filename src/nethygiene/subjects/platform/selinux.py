"""SELinux: what it does now, and what it will do after the next boot."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from nethygiene.collect.command import Command
from nethygiene.collect.shell_file import sh_c
from nethygiene.engine.fact import Fact
from nethygiene.engine.lines import file_errors, file_lines
from nethygiene.engine.outcomes import Reason, Unreadable
from nethygiene.engine.probe import Probe, Sections, refused
from nethygiene.transcript import Section

ENFORCE = "/sys/fs/selinux/enforce"
CONFIG = "/etc/selinux/config"
CMDLINE = "/proc/cmdline"
UNREAD = "nethygiene=unread"
_STATES = {"1": "enforcing", "0": "permissive"}


@dataclass(frozen=True)
class Selinux(Fact):
    """The state of SELinux.

    Attributes:
        _enforce: content of selinuxfs's ``enforce``, None if the kernel does not run SELinux.
        context: security context of the probe's own process.
        _config: the state in /etc/selinux/config, in lower case; None if there is no file.
        _words: the words of the kernel's command line that SELinux heeds, by name.
    """

    _enforce: str | Unreadable | None
    context: str
    _config: str | Unreadable | None
    _words: dict[str, str]

    @property
    def exists(self) -> bool:
        """Whether this host has SELinux, on or off."""
        return self._enforcing() is not None or self._configured() is not None

    @property
    def at_run_time(self) -> str:
        """``enforcing``, ``permissive`` or ``disabled``."""
        enforce = self._enforcing()
        # Kernels that cannot turn it off run it without a policy: every context is "kernel" then.
        loaded = enforce is not None and self.context != "kernel"
        state = _STATES[enforce] if enforce is not None and loaded else "disabled"
        self.ledger.read("SELinux", ENFORCE, state)
        return state

    @property
    def at_next_boot(self) -> str:
        """The state that configuration and command line set; ``absent`` if neither does."""
        if UNREAD.partition("=")[0] in self._words:
            detail = "it cannot be read, and may say selinux=0: look at it from outside"
            self.ledger.cannot_read(Unreadable(Reason.ABSENT, CMDLINE, detail))
        shown = " ".join(f"{name}={value}" for name, value in self._words.items())
        self.ledger.read("kernel command line", CMDLINE, shown or "says nothing of it")
        config = self._configured()
        self.ledger.read("SELINUX", CONFIG, config or "absent")
        modules = self._words.get("lsm", self._words.get("security"))
        if self._words.get("selinux") == "0" or (
            modules is not None and "selinux" not in modules.split(",")
        ):
            return "disabled"
        if config != "disabled" and self._words.get("enforcing") in _STATES:
            return _STATES[self._words["enforcing"]]
        return config or "absent"

    @property
    def boot_words(self) -> tuple[str, ...]:
        """The words of the kernel's command line that SELinux heeds."""
        return tuple(f"{name}={value}" for name, value in self._words.items())

    def _enforcing(self) -> str | None:
        if isinstance(self._enforce, Unreadable):
            self.ledger.cannot_read(self._enforce)
        return self._enforce

    def _configured(self) -> str | None:
        if isinstance(self._config, Unreadable):
            self.ledger.cannot_read(self._config)
        return self._config


def parse(sections: Sections) -> Selinux | Unreadable:
    """Parse the files' lines, the process's own context, and words of the command line."""
    section = sections[SELINUX.name]
    if isinstance(section, Unreadable):
        return section
    own = [line for line in section.stdout.split(b"\n") if line.startswith((b"is ", b"word "))]
    marks = [line for line in own if line.startswith(b"is ")]
    # The command prints the mark last. Without it, the command did not end by itself.
    if section.status != 0 or len(marks) != 1:
        return refused(SELINUX, section)
    words: dict[str, str] = {}
    for line in own:
        name, _, value = line.decode("utf-8", "replace").partition(" ")[2].partition("=")
        if line.startswith(b"word "):
            words[name] = value
    return Selinux(
        _enforce=_enforce(section),
        context=marks[0].decode("utf-8", "replace")[3:].strip(),
        _config=_config(section),
        _words=words,
    )


def _enforce(section: Section) -> str | Unreadable | None:
    texts = [text.strip() for path, text in file_lines(section) if path == ENFORCE]
    if not texts:
        return _missing(section, ENFORCE)
    if texts[0] not in _STATES or len(texts) > 1:
        return Unreadable(Reason.UNPARSABLE, ENFORCE, f"neither 0 nor 1: {texts!r:.80}")
    return texts[0]


def _config(section: Section) -> str | Unreadable | None:
    lines = [text for path, text in file_lines(section) if path == CONFIG]
    if not lines:
        return _missing(section, CONFIG)
    # Like libselinux, take the first such line, and compare the value's beginning in any case.
    values = [line.removeprefix("SELINUX=") for line in lines if line.startswith("SELINUX=")]
    for state in ("enforcing", "permissive", "disabled"):
        if values and values[0].lower().startswith(state):
            return state
    return Unreadable(Reason.UNPARSABLE, CONFIG, f"no SELINUX= that is a state: {values!r:.80}")


def _missing(section: Section, path: str) -> Unreadable | None:
    complaints = [complaint for file, complaint in file_errors(section) if file == path]
    if complaints and all("o such file" in complaint for complaint in complaints):
        return None
    detail = complaints[0] if complaints else "it is empty"
    reason = Reason.PERMISSION if "ermission denied" in detail else Reason.UNPARSABLE
    return Unreadable(reason, path, detail)


SELINUX = Command(
    "selinux",
    sh_c(
        Path(__file__).with_name("selinux.sh"),
        ENFORCE=ENFORCE,
        CONFIG=CONFIG,
        CMDLINE=CMDLINE,
        UNREAD=UNREAD,
    ),
    small=True,
    title="SELinux's own files",
    holds="configuration",
)
PROBE = Probe("selinux", 1, (SELINUX,), parse)

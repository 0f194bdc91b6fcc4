"""Kernel settings: the values under /proc/sys that network rules look at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from nethygiene.collect.command import Command
from nethygiene.engine.fact import Fact
from nethygiene.engine.lines import file_errors, file_lines
from nethygiene.engine.outcomes import Reason, Unreadable
from nethygiene.engine.probe import Probe, Sections, hidden, refused

ROOT = "/proc/sys/"
DIRECTORIES = ("fs", "net/core", "net/ipv4", "net/ipv6", "net/netfilter", "net/unix")
# These match every file of the directories except tcp_fastopen_key, which is a secret.
GLOBS = (
    "fs/*",
    "net/core/*",
    "net/ipv4/[!t]*",
    "net/ipv4/t[!c]*",
    "net/ipv4/tcp_[!f]*",
    "net/ipv4/tcp_f[!a]*",
    "net/ipv4/tcp_fa[!s]*",
    "net/ipv4/tcp_fastopen",
    "net/ipv6/*",
    "net/netfilter/*",
    "net/unix/*",
)
LEFT_OUT = "net/ipv4/tcp_fastopen_key"
# Only these of an interface's 40 to 60 settings: a container host has hundreds of interfaces.
INTERFACE_SETTINGS: Mapping[str, tuple[str, ...]] = {
    "net/ipv4/conf": (
        "accept_redirects",
        "arp_announce",
        "arp_ignore",
        "forwarding",
        "rp_filter",
        "secure_redirects",
        "send_redirects",
        "shared_media",
    ),
    "net/ipv6/conf": ("accept_redirects", "disable_ipv6", "forwarding"),
}
_SWAP = str.maketrans("./", "/.")


@dataclass(frozen=True)
class Sysctls(Fact):
    """The kernel settings of a host, by the names that sysctl(8) uses.

    As in sysctl(8), a dot in an interface's name becomes a slash:
    ``net.ipv4.conf.eth0/100.rp_filter``.

    Attributes:
        _values: path below /proc/sys to the value, as text.
        _complaints: path to the reason why it could not be read.
        _read_directories: the directories in which at least one value was read.
    """

    _values: Mapping[str, str]
    _complaints: Mapping[str, str]
    _read_directories: frozenset[str]

    def __getitem__(self, key: str) -> int:
        """The value of a setting that holds one whole number; unreadable if it is absent."""
        value = self.find(key)
        if value is None:
            self.ledger.cannot_read(Unreadable(Reason.ABSENT, _file(key), "no such setting"))
        return value

    def find(self, key: str) -> int | None:
        """The value of a setting that holds one whole number, or None.

        None says that the setting does not exist: its neighbours in the directory were read. If
        that is not certain, the setting is unreadable.
        """
        text = self._text(key)
        if text is None:
            return None
        # int() raises for longer numbers (Python limits decimal digits), and none is real.
        if not text.removeprefix("-").isascii() or not text.removeprefix("-").isdigit():
            detail = f"not a whole number: {text[:80]!r}"
            self.ledger.cannot_read(Unreadable(Reason.UNPARSABLE, _file(key), detail))
        if len(text) > 20:
            detail = f"a number of {len(text)} digits"
            self.ledger.cannot_read(Unreadable(Reason.UNPARSABLE, _file(key), detail))
        return int(text)

    def require(self, key: str) -> None:
        """End the rule if a setting cannot be read, or is absent."""
        self.text(key)

    def text(self, key: str) -> str:
        """The value of any setting, as the kernel prints it; unreadable if it is absent."""
        text = self._text(key)
        if text is None:
            self.ledger.cannot_read(Unreadable(Reason.ABSENT, _file(key), "no such setting"))
        return text

    def _text(self, key: str) -> str | None:
        path = key.translate(_SWAP)
        value = self._values.get(path)
        if value is None and (why := self._why_not_absent(path)) is not None:
            self.ledger.cannot_read(why)
        self.ledger.read(key, _file(key), "absent" if value is None else value)
        return value

    def _why_not_absent(self, path: str) -> Unreadable | None:
        directory, _, name = path.rpartition("/")
        if path in self._complaints:
            complaint = self._complaints[path]
            denied = "ermission denied" in complaint
            reason = Reason.PERMISSION if denied else Reason.COMMAND_FAILED
            return Unreadable(reason, ROOT + path, complaint)
        if not _is_collected(directory, name):
            return Unreadable(
                Reason.NOT_COLLECTED, ROOT + path, "the sysctl probe does not collect it"
            )
        if directory not in self._read_directories:
            return Unreadable(
                Reason.ABSENT, ROOT + path, "nothing in its directory could be read either"
            )
        return None


def _file(key: str) -> str:
    return ROOT + key.translate(_SWAP)


def _is_collected(directory: str, name: str) -> bool:
    if directory in DIRECTORIES:
        return f"{directory}/{name}" != LEFT_OUT
    family = directory.rpartition("/")[0]
    return name in INTERFACE_SETTINGS.get(family, ())


def parse(sections: Sections) -> Sysctls | Unreadable:
    """Parse ``grep -H '' /proc/sys/...``.

    Exit status 2 is usual, because the globs match directories. The lines say which files were read
    and which were refused. A status above 2 says that grep did not end by itself.
    """
    section = sections[GREP.name]
    if isinstance(section, Unreadable):
        return section
    if section.status not in {0, 1, 2}:
        return refused(GREP, section)
    values: dict[str, str] = {}
    for path, text in file_lines(section):
        if path.startswith(ROOT):
            key = path.removeprefix(ROOT)
            values[key] = f"{values[key]}\n{text}" if key in values else text.strip()
    if not values:
        return hidden(GREP, section, "/proc/sys")
    complaints = {
        path.removeprefix(ROOT): complaint
        for path, complaint in file_errors(section)
        if "s a directory" not in complaint and "o such file" not in complaint
    }
    return Sysctls(values, complaints, frozenset(path.rpartition("/")[0] for path in values))


_PATTERNS = [ROOT + glob for glob in GLOBS] + [
    f"{ROOT}{directory}/*/{name}"
    for directory, names in INTERFACE_SETTINGS.items()
    for name in names
]
GREP = Command(
    "sysctl",
    f"grep -H '' {' '.join(_PATTERNS)}",
    small=True,
    title="grep in /proc/sys",
    holds="addresses",
)
PROBE = Probe("sysctl", 1, (GREP,), parse)

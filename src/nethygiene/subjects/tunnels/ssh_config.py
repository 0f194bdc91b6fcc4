"""Reads ``ssh -G``: the options in effect, one ``keyword value`` a line.

Source: ssh(1), ``-G``; OpenSSH's readconf.c, dump_client_config.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

_LINE = re.compile(r"([a-z][a-z0-9]{1,60})(?: (.*))?", re.ASCII)
_TIME = re.compile(r"(\d{1,9})([smhdw]?)", re.ASCII | re.IGNORECASE)
_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_YES = frozenset({"yes", "true"})
_NO = frozenset({"no", "false", "off"})


@dataclass(frozen=True, slots=True)
class SshConfig:
    """The effective options for one destination.

    Attributes:
        values: keyword in lower case to the values of its lines.
    """

    values: Mapping[str, tuple[str, ...]]

    def get(self, keyword: str) -> str | None:
        """The value of a keyword in lower case; None if ssh does not know or print it."""
        lines = self.values.get(keyword)
        return lines[0] if lines else None

    def all(self, keyword: str) -> tuple[str, ...]:
        """The values of a keyword that may be given several times."""
        return self.values.get(keyword, ())

    def words(self, keyword: str) -> tuple[str, ...]:
        """A value that is a list of words."""
        return tuple((self.get(keyword) or "").split())

    def is_set(self, keyword: str) -> bool:
        """Whether it has a value other than none."""
        return (self.get(keyword) or "none").lower() != "none"

    @property
    def hostname(self) -> str:
        """The host that ssh connects to; empty if ssh did not say."""
        return self.get("hostname") or ""

    @property
    def port(self) -> int | None:
        """The port that ssh connects to."""
        text = self.get("port") or ""
        return int(text) if re.fullmatch(r"[0-9]{1,5}", text) else None


def parse_ssh_config(lines: Iterable[str]) -> SshConfig | None:
    """Read the lines that ``ssh -G`` printed; None if they are not its answer."""
    values: dict[str, list[str]] = {}
    for line in lines:
        match = _LINE.fullmatch(line)
        if match is not None:
            values.setdefault(match[1], []).append(match[2] or "")
    config = SshConfig({keyword: tuple(given) for keyword, given in values.items()})
    return config if config.hostname and config.port is not None else None


def flag(value: str) -> bool | None:
    """A yes or no of ssh_config; None if it is neither."""
    text = value.strip().lower()
    return True if text in _YES else False if text in _NO else None


def seconds(value: str) -> int | None:
    """A time of ssh_config, as ``15``, ``1m`` or ``1h30m``; None if it is no time."""
    text = value.strip()
    parts = list(_TIME.finditer(text))
    if not parts or "".join(part[0] for part in parts) != text:
        return None
    return sum(int(part[1]) * _UNITS[part[2].lower()] for part in parts)


def same_value(this: str, other: str) -> bool:
    """Whether ssh reads two spellings of an option's value alike."""
    if this.strip().strip('"').lower() == other.strip().strip('"').lower():
        return True
    if flag(this) is not None:
        return flag(this) is flag(other)
    return seconds(this) is not None and seconds(this) == seconds(other)

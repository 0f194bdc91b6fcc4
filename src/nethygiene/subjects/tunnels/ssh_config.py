"""Reading ``ssh -G``: the options that ssh comes to, one ``keyword value`` a line.

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
        values: keyword in lower case to its values, one for each line.
    """

    values: Mapping[str, tuple[str, ...]]

    def get(self, keyword: str) -> str | None:
        """The value of a keyword in lower case; None where ssh does not know or print it."""
        found = self.values.get(keyword)
        return found[0] if found else None

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
        """What is connected to; empty where ssh did not say."""
        return self.get("hostname") or ""

    @property
    def port(self) -> int | None:
        """The port that is connected to."""
        text = self.get("port") or ""
        return int(text) if re.fullmatch(r"[0-9]{1,5}", text) else None


def parse_ssh_config(lines: Iterable[str]) -> SshConfig | None:
    """Read the lines that ``ssh -G`` printed; None if they are not its answer."""
    values: dict[str, list[str]] = {}
    for line in lines:
        match = _LINE.fullmatch(line)
        if match is not None:
            values.setdefault(match[1], []).append(match[2] or "")
    config = SshConfig({keyword: tuple(found) for keyword, found in values.items()})
    return config if config.hostname and config.port is not None else None


def flag(value: str) -> bool | None:
    """A yes or no of ssh_config; None if it is neither."""
    text = value.strip().lower()
    return True if text in _YES else False if text in _NO else None


def seconds(value: str) -> int | None:
    """A time of ssh_config, as ``15``, ``1m`` or ``1h30m``; None if it is none."""
    text = value.strip()
    parts = list(_TIME.finditer(text))
    if not parts or "".join(part[0] for part in parts) != text:
        return None
    return sum(int(part[1]) * _UNITS[part[2].lower()] for part in parts)


def same_value(one: str, other: str) -> bool:
    """Whether two spellings of an option's value say the same to ssh."""
    if one.strip().strip('"').lower() == other.strip().strip('"').lower():
        return True
    if flag(one) is not None:
        return flag(one) is flag(other)
    return seconds(one) is not None and seconds(one) == seconds(other)

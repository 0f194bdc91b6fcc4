"""Host names of an inventory: ranges such as ``web[01:10]``, and ports such as ``web:2222``."""

from __future__ import annotations

import re
import string

MAX_HOSTS = 100_000
"""Hosts that one pattern may stand for."""

_BRACKETS = re.compile(r"\[([^\[\]]*)\]")
_BRACKETED_PORT = re.compile(r"\[([0-9A-Fa-f:.]+)\]:([0-9]{1,5})")
_PORT = re.compile(r"((?:[^:\[\]]|\[[^\]]*\])+):([0-9]{1,5})")
_LETTERS = string.ascii_letters


def split_port(pattern: str) -> tuple[str, int | None]:
    """Cut ``host:port`` and ``[2001:db8::1]:port``; a bare IPv6 address has no port."""
    match = _BRACKETED_PORT.fullmatch(pattern) or _PORT.fullmatch(pattern)
    if match is None:
        return pattern, None
    return match[1], int(match[2])


def expand(pattern: str) -> list[str]:
    """The host names that a pattern stands for, in order, as Ansible expands it.

    ``[begin:end]`` and ``[begin:end:step]``, numbers (a leading zero of the beginning sets the
    width) or letters, several a name.

    Raises:
        ValueError: with one line saying what is wrong.
    """
    names = [""]
    position = 0
    for match in _BRACKETS.finditer(pattern):
        head = pattern[position : match.start()]
        values = _range(match[1])
        if len(names) * len(values) > MAX_HOSTS:
            raise ValueError(f"it stands for more than {MAX_HOSTS:,} hosts")
        names = [f"{name}{head}{value}" for name in names for value in values]
        position = match.end()
    tail = pattern[position:]
    return [f"{name}{tail}" for name in names]


def _range(text: str) -> list[str]:
    bounds = text.split(":")
    if len(bounds) not in {2, 3}:
        raise ValueError(f"[{text}] is not [begin:end] or [begin:end:step]")
    begin, end = bounds[0] or "0", bounds[1]
    step = bounds[2] if len(bounds) == 3 else "1"
    if not end:
        raise ValueError(f"[{text}] has no end")
    if not _is_number(step) or int(step) < 1:
        raise ValueError(f"the step of [{text}] is not a positive number")
    if len(begin) == len(end) == 1 and begin in _LETTERS and end in _LETTERS:
        first, last = _LETTERS.index(begin), _LETTERS.index(end)
        values = list(_LETTERS[first : last + 1 : int(step)])
    elif _is_number(begin) and _is_number(end):
        values = _numbers(text, begin, end, int(step))
    else:
        raise ValueError(f"[{text}] runs neither over numbers nor over single letters")
    if not values:
        raise ValueError(f"[{text}] ends before it begins")
    return values


def _numbers(text: str, begin: str, end: str, step: int) -> list[str]:
    width = len(begin) if begin.startswith("0") and len(begin) > 1 else 0
    if width and width != len(end):
        raise ValueError(f"begin and end of [{text}] differ in length: pad both with zeros")
    count = (int(end) - int(begin)) // step + 1
    if count > MAX_HOSTS:
        raise ValueError(f"it stands for more than {MAX_HOSTS:,} hosts")
    return [str(number).zfill(width) for number in range(int(begin), int(end) + 1, step)]


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 18

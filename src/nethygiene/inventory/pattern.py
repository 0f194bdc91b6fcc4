"""Ansible's host patterns, as ``--limit`` takes them.

Source: ansible-core's InventoryManager. Unlike there, a pattern that matches nothing is an error:
``--limit=wbe`` must not give a clean report of no hosts, nor ``all:!dbs`` a report of all.
"""

from __future__ import annotations

import fnmatch
import ipaddress
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from nethygiene.inventory.groups import ALL, UNGROUPED
from nethygiene.inventory.located import Place, ProblemLog, closest, shown

_PLACE = Place("--limit", None)
# Anything but blanks, colons and brackets, or a whole bracketed expression.
_COLON_SEPARATED = re.compile(r"(?:[^\s:\[\]]|\[[^\]]*\])+")
_SUBSCRIPT = re.compile(r"(.+)\[(?:(-?[0-9]{1,9})|([0-9]{1,9})[:-]([0-9]{0,9}))\]")


def split_pattern(text: str) -> list[str]:
    """Split at commas, or without commas at colons, except in ``web[0:2]`` and IPv6 addresses."""
    if "," in text:
        parts = text.split(",")
    elif _is_ipv6(text.lstrip("&!")):
        parts = [text]
    else:
        parts = _COLON_SEPARATED.findall(text)
    return [part.strip() for part in parts if part.strip()]


def _is_ipv6(text: str) -> bool:
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return True


def select(
    limit: str, hosts: Iterable[str], groups: Mapping[str, Iterable[str]], problems: ProblemLog
) -> frozenset[str]:
    """The hosts that a limit leaves.

    Args:
        limit: the pattern.
        hosts: all host names, in the order of the inventory.
        groups: each group's hosts, those of its descendants included, in the same order.
        problems: receives patterns that match nothing, and a limit that leaves nothing.
    """
    selection = _Selection(list(hosts), {name: list(members) for name, members in groups.items()})
    chosen: set[str] | None = None
    earlier = len(problems)
    patterns = _read_files(split_pattern(limit), problems)
    # Ansible's order, not the written one: hosts, then &, then !.
    for pattern in sorted(patterns, key=lambda pattern: "&!".find(pattern[0])):
        matching = selection.matches(pattern[1:] if pattern[0] in "&!" else pattern, problems)
        if pattern[0] == "!":
            chosen = (set(selection.hosts) if chosen is None else chosen) - matching
        elif pattern[0] == "&":
            chosen = (set(selection.hosts) if chosen is None else chosen) & matching
        else:
            chosen = matching if chosen is None else chosen | matching
    if not chosen and len(problems) == earlier:
        problems.add(
            _PLACE, "", f"{shown(limit)} leaves no host", "write a pattern that leaves some host"
        )
    return frozenset(chosen or ())


def select_hosts(limit: str, groups_of: Mapping[str, Iterable[str]]) -> frozenset[str]:
    """The hosts that a limit leaves, by the groups of each host.

    Args:
        limit: the pattern.
        groups_of: each host's groups, in the order of the file; all of them are in ``all``.

    Raises:
        InventoryError: a pattern matches nothing, or the limit leaves no host.
    """
    members: dict[str, list[str]] = {ALL: list(groups_of), UNGROUPED: []}
    for host, groups in groups_of.items():
        for group in tuple(groups) or (UNGROUPED,):
            members.setdefault(group, []).append(host)
    problems = ProblemLog()
    chosen = select(limit, groups_of, members, problems)
    problems.check()
    return chosen


def _read_files(patterns: list[str], problems: ProblemLog) -> list[str]:
    """Replace ``@FILE`` by the patterns in it, one a line."""
    read: list[str] = []
    for pattern in patterns:
        if not pattern.startswith("@"):
            read.append(pattern)
            continue
        try:
            lines = Path(pattern[1:]).read_text(encoding="utf-8").splitlines()
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
            problems.add(
                _PLACE, "", f"{shown(pattern)} cannot be read: {reason}", "check the path after @"
            )
            continue
        for line in lines:
            if line.strip() and not line.lstrip().startswith("#"):
                read += split_pattern(line)
    return [pattern for pattern in read if len(pattern) > 1 or pattern not in "&!"]


class _Selection:
    def __init__(self, hosts: list[str], groups: dict[str, list[str]]) -> None:
        self.hosts = hosts
        self.groups = groups

    def matches(self, pattern: str, problems: ProblemLog) -> set[str]:
        """The hosts of one pattern, without its sign."""
        expression, subscript = pattern, None
        if not pattern.startswith("~"):
            match = _SUBSCRIPT.fullmatch(pattern)
            if match is not None:
                expression, subscript = match[1], match
        try:
            hosts, matched = self._enumerate(expression)
        except re.error as error:
            problems.add(
                _PLACE,
                "",
                f"pattern {shown(pattern)} is no regular expression: {error}",
                "correct it",
            )
            return set()
        if subscript is not None:
            hosts = _apply(subscript, hosts)
            matched = bool(hosts)
        if not matched:
            near = closest(expression, [*self.groups, *self.hosts[:5000]])
            problems.add(
                _PLACE,
                "",
                f"pattern {shown(pattern)} matches no host and no group",
                f"did you mean {near!r}?" if near else f"the groups are {self._some_groups()}",
            )
        return set(hosts)

    def _some_groups(self) -> str:
        names = list(self.groups)
        return ", ".join(names[:10]) + (", …" if len(names) > 10 else "")

    def _enumerate(self, expression: str) -> tuple[list[str], bool]:
        """Hosts of matching groups, and matching hosts too if it is a glob or no group matches."""
        if expression.startswith("~"):
            compiled = re.compile(expression[1:])
        else:
            compiled = re.compile(fnmatch.translate(expression))
        groups = [name for name in self.groups if compiled.match(name)]
        hosts = dict.fromkeys(host for name in groups for host in self.groups[name])
        if not groups or expression[0] == "~" or any(mark in expression for mark in ".?*["):
            hosts.update(dict.fromkeys(host for host in self.hosts if compiled.match(host)))
        return list(hosts), bool(groups or hosts)


def _apply(subscript: re.Match[str], hosts: list[str]) -> list[str]:
    """``web[0]``, ``web[-1]``, ``web[0:2]`` (the end included) and ``web[1:]``."""
    _, index, begin, end = subscript.groups()
    if index is not None:
        position = int(index)
        return [hosts[position]] if -len(hosts) <= position < len(hosts) else []
    return hosts[int(begin) : int(end) + 1 if end else None]

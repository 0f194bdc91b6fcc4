"""iptables' modules that go both ways: limits, lists and chance."""

from __future__ import annotations

import re
from collections.abc import Iterable

from nethygiene.subjects.filter.model.choices import Choice, Scope
from nethygiene.subjects.filter.model.effects import Effect, PutOn
from nethygiene.subjects.filter.model.iptables_options import Context, OptionGroup
from nethygiene.subjects.filter.model.matches import Match, Never, Perhaps, Varies

MODULES = frozenset({"limit", "hashlimit", "connlimit", "recent", "statistic", "quota"})
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_RATE = re.compile(r"(\d{1,10})(?:/(s|m|h|d)\w*)?", re.ASCII)


def limited(group: OptionGroup, context: Context) -> tuple[list[Match], list[Effect]]:
    """What a module of these asks for, and what it does to the packet."""
    text = " ".join(f"{option.word} {' '.join(option.values)}" for option in group.options)
    name = f"{context.place} -m {group.module} {text}"
    if group.module == "recent":
        return _recent(group, context, name)
    matches: list[Match]
    if group.module == "connlimit":
        matches = _connlimit(group, name)
    elif group.module in {"limit", "hashlimit"}:
        matches = _rate(group, name)
    else:
        scope = Scope.CHANCE if group.module == "statistic" else Scope.QUOTA
        option = group.get("--quota")
        matches = [Varies(Choice(name, scope), wanted=bool(option and option.inverted))]
        if scope is Scope.CHANCE:
            matches = [Varies(Choice(name, scope))]
    return matches, []


def _constant(answer: bool) -> list[Match]:
    return [] if answer else [Never()]


def _rate(group: OptionGroup, name: str) -> list[Match]:
    words = ("--limit", "--hashlimit-upto", "--hashlimit", "--hashlimit-above")
    option = next((candidate for candidate in group.options if candidate.word in words), None)
    match = _RATE.fullmatch(option.value) if option else None
    if option is None or match is None:
        return [Perhaps(f"-m {group.module}")]
    mode = group.get("--hashlimit-mode")
    each = mode is not None and "srcip" in mode.value.split(",")
    rate = int(match[1]) / _SECONDS[match[2] or "s"]
    burst = group.number(f"--{group.module}-burst")
    choice = Choice(
        name, Scope.CLIENT if each else Scope.SHARED, rate, 5 if burst is None else burst
    )
    above = (option.word == "--hashlimit-above") is not option.inverted
    return _constant(not above) if choice.is_remote else [Varies(choice, above)]


def _connlimit(group: OptionGroup, name: str) -> list[Match]:
    above, upto = group.number("--connlimit-above"), group.number("--connlimit-upto")
    option = group.get("--connlimit-above") or group.get("--connlimit-upto")
    number = above if above is not None else upto
    if option is None or number is None:
        return [Perhaps("-m connlimit")]
    beyond = (option.word == "--connlimit-above") is not option.inverted
    if number < 1:
        # The connection itself is one (connlimit_mt).
        return _constant(beyond)
    shared = group.get("--connlimit-daddr") is not None or group.number("--connlimit-mask") == 0
    choice = Choice(name, Scope.SHARED if shared else Scope.CLIENT, burst=number)
    return [Varies(choice, beyond)]


def list_name(context: Context, name: str) -> str:
    """How a list of the module recent is called here, apart from sets."""
    return f"{context.family} recent {name}"


def _recent(group: OptionGroup, context: Context, name: str) -> tuple[list[Match], list[Effect]]:
    called = group.get("--name")
    listed = list_name(context, called.value if called else "DEFAULT")
    if (option := group.get("--set")) is not None:
        return _constant(not option.inverted), [PutOn(listed)]
    option = group.get("--update") or group.get("--rcheck") or group.get("--remove")
    if option is None:
        return [Perhaps("-m recent")], []
    effects: list[Effect] = []
    hits = group.number("--hitcount") or 1
    if option.word == "--remove":
        effects.append(PutOn(listed, off=True))
    if listed not in context.filled:
        # No rule puts anybody on that list.
        return _constant(option.inverted), []
    if hits <= 1:
        return [Varies(Choice(listed, Scope.LIST), not option.inverted, listed)], effects
    seconds = group.number("--seconds") or 3600
    choice = Choice(name, Scope.CLIENT, hits / seconds, hits - 1)
    return [Varies(choice, not option.inverted)], effects


def filled_lists(lines: Iterable[str], context: Context) -> frozenset[str]:
    """The lists of the module recent, and the ipsets, to which a table's rules add clients."""
    names: set[str] = set()
    for line in lines:
        names |= {list_name(context, match) for match in _RECENT.findall(line)}
        names.update(_ADD_SET.findall(line))
    return frozenset(names)


_RECENT = re.compile(r"-m recent --set .*?--name (\S+)")
_ADD_SET = re.compile(r"-j SET --add-set (\S+) src")

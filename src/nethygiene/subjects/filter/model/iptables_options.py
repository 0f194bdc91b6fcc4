"""The words of an iptables rule as options, by the module that brings them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from nethygiene.subjects.filter.model.ipsets import IpSet
from nethygiene.subjects.links.ip.families import Family

# These options take one word of any form.
_ONE_WORD = frozenset({"--comment", "--name", "--string", "--hex-string", "--hashlimit-name"})


@dataclass(frozen=True, slots=True)
class Context:
    """The place of a rule, which gives its names their meaning.

    Attributes:
        family: the tool's family.
        place: the rule's chain, which is part of the names of limits and bans.
        sets: ipsets by name; None if they could not be read.
        filled: names of sets, and of lists of the module recent, to which rules add clients.
    """

    family: Family
    place: str
    sets: Mapping[str, IpSet] | None = None
    filled: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Option:
    """One option with its values."""

    word: str
    values: tuple[str, ...] = ()
    inverted: bool = False

    @property
    def value(self) -> str:
        """Its first value; empty if it has none."""
        return self.values[0] if self.values else ""


@dataclass(slots=True)
class OptionGroup:
    """A module and its options; the module of addresses, interfaces and protocol has no name."""

    module: str = ""
    options: list[Option] = field(default_factory=list)

    def get(self, word: str) -> Option | None:
        """The option of that name."""
        return next((option for option in self.options if option.word == word), None)

    def number(self, word: str) -> int | None:
        """An option's value, if it is a number."""
        option = self.get(word)
        text = option.value if option else ""
        return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


@dataclass(slots=True)
class RuleWords:
    """A rule's words, taken apart."""

    groups: list[OptionGroup]
    target: str = ""
    goto: bool = False
    target_words: list[str] = field(default_factory=list)


def read_line(words: list[str]) -> RuleWords:
    """Take the words after ``-A CHAIN`` apart."""
    rest = list(words)
    line = RuleWords([OptionGroup()])
    while rest:
        word = rest.pop(0)
        if word in {"-j", "-g"} and rest:
            line.goto = word == "-g"
            line.target = rest.pop(0)
            line.target_words = rest
            break
        if word in {"-m", "--match"} and rest:
            line.groups.append(OptionGroup(rest.pop(0)))
            continue
        inverted = word == "!"
        if inverted and rest:
            word = rest.pop(0)
        line.groups[-1].options.append(Option(word, _values(word, rest), inverted))
    _gather(line)
    return line


_PLAIN = frozenset({"-s", "-d", "-i", "-o", "-p", "-f"})


def _gather(line: RuleWords) -> None:
    """Options of no module belong together, wherever they stand."""
    for group in line.groups[1:]:
        line.groups[0].options += [option for option in group.options if option.word in _PLAIN]
        group.options = [option for option in group.options if option.word not in _PLAIN]


def _values(word: str, rest: list[str]) -> tuple[str, ...]:
    if word in _ONE_WORD:
        return (rest.pop(0),) if rest else ()
    values: list[str] = []
    while rest and not rest[0].startswith("-") and rest[0] != "!":
        values.append(rest.pop(0))
    return tuple(values)

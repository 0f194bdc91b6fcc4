"""The blocks of a keepalived configuration: statements as a tree."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from nethygiene.subjects.failover.keepalived_conf.files import ConfigurationError

_DEEPEST = 50


@dataclass(slots=True)
class Directive:
    """A statement, and what stands between its braces.

    Attributes:
        words: the statement; its keyword comes first.
        inside: the statements between its braces.
    """

    words: list[str]
    inside: list[Directive] = field(default_factory=list)

    @property
    def keyword(self) -> str:
        """The first word."""
        return self.words[0]

    def value(self, place: int = 1) -> str:
        """A word behind the keyword; empty if there is none."""
        return self.words[place] if place < len(self.words) else ""

    def all(self, keyword: str) -> Iterator[Directive]:
        """The statements of a keyword between its braces."""
        return (block for block in self.inside if block.keyword == keyword)


def tree(statements: Iterable[list[str]]) -> Directive:
    """The statements as a tree below a nameless block.

    Raises:
        ConfigurationError: the braces do not fit together.
    """
    path = [Directive([""])]
    for words in statements:
        if words == ["{"]:
            if not path[-1].inside or len(path) > _DEEPEST:
                raise ConfigurationError("a { where no block begins")
            path.append(path[-1].inside[-1])
        elif words == ["}"]:
            if len(path) == 1:
                raise ConfigurationError("a } that closes no block")
            path.pop()
        else:
            path[-1].inside.append(Directive(words))
    if len(path) > 1:
        raise ConfigurationError(f"the block of {' '.join(path[-1].words)[:60]!r} does not end")
    return path[0]

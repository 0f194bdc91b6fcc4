"""How the model did, by kind of ruleset."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from tests.lab.firewall.model import Said


@dataclass
class Tally:
    """What the model said and what the kernel did.

    Attributes:
        verdicts: how many (ruleset, connection) were compared.
        unknown: those that the model leaves open.
        wrong: one line for each that it got wrong.
        kernel: what the kernel did.
        reasons: why the model left some open.
    """

    verdicts: int = 0
    unknown: int = 0
    wrong: list[str] = field(default_factory=list)
    kernel: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)

    @property
    def share(self) -> float:
        """Unknown ones, per cent."""
        return 100 * self.unknown / max(1, self.verdicts)

    def __str__(self) -> str:
        return (
            f"{self.verdicts} verdicts, {len(self.wrong)} wrong, {self.unknown} unknown "
            f"({self.share:.1f} %); the kernel: {dict(self.kernel)}"
        )

    def add(self, other: Tally) -> None:
        """Count another's verdicts too."""
        self.verdicts += other.verdicts
        self.unknown += other.unknown
        self.wrong += other.wrong
        self.kernel += other.kernel
        self.reasons += other.reasons

    def count(self, name: str, attempt: object, one: Said, *, answer: bool) -> None:
        """Count one connection: what the model said of it, and whether the kernel let it in."""
        if one.verdict == "either":
            self.kernel["not compared"] += 1
            return
        self.verdicts += 1
        self.kernel["open" if answer else "closed"] += 1
        if one.verdict == "unknown":
            self.unknown += 1
            self.reasons[one.why] += 1
        elif (wrong := mistake(attempt, one, answer=answer)) is not None:
            self.wrong.append(f"{name}: {wrong}")

    def told(self) -> str:
        """What is wrong, and the commonest reasons of doubt."""
        reasons = [f"unknown {n} times: {why}" for why, n in self.reasons.most_common(8)]
        return "\n".join([str(self), *self.wrong[:20], *reasons])


def total(tallies: Iterable[Tally]) -> Tally:
    """All of them together."""
    found = Tally()
    for one in tallies:
        found.add(one)
    return found


def mistake(attempt: object, one: Said, *, answer: bool) -> str | None:
    """What the model got wrong, if it did."""
    if one.verdict not in {"open", "closed"} or answer is (one.verdict == "open"):
        return None
    kernel = "open" if answer else "closed"
    return f"{attempt}: the kernel {kernel}, the model {one.verdict}: {one.why}"

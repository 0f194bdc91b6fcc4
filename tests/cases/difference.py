"""How one answer differs from another, as `diff` shows it: readable, and exact.

A hunk is a run of lines that begin with a space (both answers have it), `-` (only the first has it)
or `+` (only the second has it). A line `@@` parts hunks. There are no line numbers: a hunk is about
the first place, behind the hunk before it, where the lines of the first answer stand.
"""

from __future__ import annotations

import difflib

_PART = "@@"
_WIDEST = 6


def difference(before: str, after: str) -> str | None:
    """What makes `after` of `before`; None where a difference would not give it back exactly."""
    if before == after:
        return ""
    if not (before.endswith("\n") and after.endswith("\n")):
        return None
    old, new = _lines(before), _lines(after)
    for context in range(_WIDEST):
        # A new one each time: it changes what it has computed as it groups.
        matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
        hunks: list[str] = []
        end = 0
        for group in matcher.get_grouped_opcodes(context):
            hunk = [line for opcode in group for line in _shown(old, new, *opcode)]
            hunk, place = _narrowed(hunk, old, end, group[0][1])
            hunks += [_PART, *hunk]
            end = place + len(_taken(hunk))
        text = "".join(f"{line}\n" for line in hunks[1:])
        try:
            if applied(before, text) == after:
                return text
        except ValueError:
            continue
    return None


def applied(before: str, text: str) -> str:
    """The answer that a difference makes of another.

    Raises:
        ValueError: `text` is no difference, or not of `before`.
    """
    if not text:
        return before
    old, made, end = _lines(before), list[str](), 0
    for part in text.removesuffix("\n").split(f"\n{_PART}\n"):
        hunk = part.split("\n")
        if wrong := [line for line in hunk if line[:1] not in {" ", "-", "+"}]:
            raise ValueError(f"a line of a difference begins with a space, - or +: {wrong[0]!r}")
        taken = _taken(hunk)
        place = _place(taken, old, end)
        if place is None:
            raise ValueError(f"the host's answer has no such lines (in this order): {taken}")
        made += [*old[end:place], *(line[1:] for line in hunk if line[0] != "-")]
        end = place + len(taken)
    return "".join(f"{line}\n" for line in [*made, *old[end:]])


def _lines(text: str) -> list[str]:
    return text.removesuffix("\n").split("\n")


def _taken(hunk: list[str]) -> list[str]:
    return [line[1:] for line in hunk if line[0] != "+"]


def _shown(
    old: list[str], new: list[str], tag: str, first: int, last: int, start: int, end: int
) -> list[str]:
    if tag == "equal":
        return [f" {line}" for line in old[first:last]]
    return [f"-{line}" for line in old[first:last]] + [f"+{line}" for line in new[start:end]]


def _narrowed(hunk: list[str], old: list[str], behind: int, place: int) -> tuple[list[str], int]:
    """Without the lines at its ends that it is found without, and where it then begins."""
    while hunk[-1].startswith(" ") and _place(_taken(hunk[:-1]), old, behind) == place:
        hunk = hunk[:-1]
    while hunk[0].startswith(" ") and _place(_taken(hunk[1:]), old, behind) == place + 1:
        hunk, place = hunk[1:], place + 1
    return hunk, place


def _place(run: list[str], lines: list[str], behind: int) -> int | None:
    """Where these lines first stand behind a place; no lines at all stand nowhere."""
    for start in range(behind, len(lines)):
        if run and lines[start] == run[0] and lines[start : start + len(run)] == run:
            return start
    return None

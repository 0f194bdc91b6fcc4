"""Making text from hosts and inventories safe to show."""

from __future__ import annotations

import unicodedata

# Cc: control characters with the escape that starts terminal sequences; Cf: invisible ones,
# with the right-to-left marks; Cs: lone surrogates; Zl, Zp: line breaks that are not \n.
_UNPRINTABLE = {"Cc", "Cf", "Cs", "Zl", "Zp"}


def printable(text: str) -> str:
    r"""`text` with everything that a terminal would obey shown as ``\x1b`` or ``\u202e``.

    Line breaks stay.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        char
        if char == "\n" or unicodedata.category(char) not in _UNPRINTABLE
        else char.encode("unicode_escape", "surrogatepass").decode("ascii")
        for char in text
    )


def paragraphs(text: str) -> list[str]:
    """The paragraphs of a remedy: its lines joined, but a command, in backticks, on its own."""
    found: list[str] = []
    for line in text.split("\n"):
        is_command = line.startswith("`") and line.endswith("`")
        if found and not is_command and not found[-1].endswith("`"):
            found[-1] += f" {line}"
        else:
            found.append(line)
    return found

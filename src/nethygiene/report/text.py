"""Making text from hosts and inventories safe to show."""

from __future__ import annotations

import re
import unicodedata

# Cc: control characters, such as the escape that starts terminal sequences; Cf: invisible
# characters, such as right-to-left marks; Cs: lone surrogates; Zl, Zp: line breaks except \n.
_UNPRINTABLE = {"Cc", "Cf", "Cs", "Zl", "Zp"}
# Runners of CI obey these anywhere in a line of a job's log: ##[add-mask] is GitHub's old form,
# ##vso[...] Azure's, ##teamcity[...] TeamCity's.
_LOG_COMMAND = re.compile(r"#(?=#\w*\[)", re.ASCII)
# GitHub obeys its new form, ::add-mask::, only at the beginning of a line, also after blanks.
_LINE_COMMAND = re.compile(r"^(\s*):(?=:[A-Za-z][A-Za-z-]*(?:\s.*)?::)")


def printable(text: str) -> str:
    r"""`text` with escapes, as ``\x1b`` or ``\u202e``, for all that a terminal would obey.

    The beginnings of commands in the log of a CI's job are escaped too. Line breaks stay.
    """
    if "##" in text:
        text = _LOG_COMMAND.sub(r"\\x23", text)
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        char
        if char == "\n" or unicodedata.category(char) not in _UNPRINTABLE
        else char.encode("unicode_escape", "surrogatepass").decode("ascii")
        for char in text
    )


def log_line(line: str) -> str:
    """A line of :func:`printable` text that is no command in the log of a CI's job."""
    return _LINE_COMMAND.sub(r"\1\\x3a", line)

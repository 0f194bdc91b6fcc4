"""Making text from hosts and inventories safe to show."""

from __future__ import annotations

import re
import unicodedata

# Cc: control characters with the escape that starts terminal sequences; Cf: invisible ones,
# with the right-to-left marks; Cs: lone surrogates; Zl, Zp: line breaks that are not \n.
_UNPRINTABLE = {"Cc", "Cf", "Cs", "Zl", "Zp"}
# Runners of CI obey these anywhere in a line of a job's log: ##[add-mask] is GitHub's old form,
# ##vso[...] Azure's, ##teamcity[...] TeamCity's.
_LOG_COMMAND = re.compile(r"#(?=#\w*\[)", re.ASCII)
# GitHub's new form, ::add-mask::, is obeyed at the beginning of a line alone, behind blanks too.
_LINE_COMMAND = re.compile(r"^(\s*):(?=:[A-Za-z][A-Za-z-]*(?:\s.*)?::)")


def printable(text: str) -> str:
    r"""`text` with everything that a terminal would obey shown as ``\x1b`` or ``\u202e``.

    So is what begins a command in the log of a CI's job. Line breaks stay.
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
    """A whole line of :func:`printable` text that the log of a CI's job takes for no command."""
    return _LINE_COMMAND.sub(r"\1\\x3a", line)

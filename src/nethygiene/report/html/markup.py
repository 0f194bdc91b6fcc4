"""HTML as text: everything is escaped here, and what hosts said is made printable first."""

from __future__ import annotations

import re
from html import escape
from urllib.parse import quote

from nethygiene.report.text import paragraphs, printable

_INNER_SLASH = re.compile(r"(?<=\w)/")
_CODE = re.compile(r"`([^`]+)`")


def text(value: object) -> str:
    """Text of any origin, for content and for quoted attributes."""
    return escape(printable(str(value)))


def path(value: str) -> str:
    """Files and commands, that a narrow column breaks after a slash and not within a word."""
    return _INNER_SLASH.sub("/<wbr>", text(value))


def prose(value: str) -> str:
    """One paragraph, what stands in backticks as code."""
    return _CODE.sub(r"<code>\1</code>", text(" ".join(value.split())))


def body(value: str) -> str:
    """Paragraphs, with commands that stand on lines of their own to copy."""
    made: list[str] = []
    commands: list[str] = []
    for paragraph in [*paragraphs(value), ""]:
        if (
            len(paragraph) > 2
            and paragraph[0] == paragraph[-1] == "`"
            and "`" not in paragraph[1:-1]
        ):
            commands.append(paragraph[1:-1])
            continue
        if commands:
            made.append(_to_copy("\n".join(commands)))
            commands = []
        if paragraph.strip():
            made.append(f"<p>{prose(paragraph)}</p>")
    return "".join(made)


def _to_copy(commands: str) -> str:
    return f'<div class="nh-copy"><pre tabindex="0"><code>{text(commands)}</code></pre></div>'


def anchor(kind: str, *names: str) -> str:
    """The fragment that opens a rule, a host or a cell: ``rule=…``, ``host=…``, ``cell=HOST/RULE``.

    An attribute's value as it is: nothing in it needs to be escaped any more.
    """
    # As encodeURIComponent has it, that script and server agree.
    return f"{kind}=" + "/".join(
        quote(one.encode("utf-8", "surrogatepass"), safe="!'()*~").replace("'", "%27")
        for one in names
    )

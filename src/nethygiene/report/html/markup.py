"""HTML as text: everything is escaped here, and what hosts said is made printable first."""

from __future__ import annotations

import re
from html import escape
from urllib.parse import quote

from nethygiene.markup import Form, blocks
from nethygiene.report.text import printable

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
    return "".join(
        f"<p>{prose(block.lines[0])}</p>"
        if block.form is Form.TEXT
        else _to_copy("\n".join(block.lines), is_content=block.form is Form.CONTENT)
        for block in blocks(value)
    )


def _to_copy(lines: str, *, is_content: bool) -> str:
    content = " nh-content" if is_content else ""
    return f'<div class="nh-copy{content}"><pre tabindex="0"><code>{text(lines)}</code></pre></div>'


def anchor(kind: str, *names: str) -> str:
    """The fragment that opens a rule, a host or a cell: ``rule=…``, ``host=…``, ``cell=HOST/RULE``.

    An attribute's value as it is: nothing in it needs to be escaped any more.
    """
    # As encodeURIComponent has it, that script and server agree.
    return f"{kind}=" + "/".join(
        quote(one.encode("utf-8", "surrogatepass"), safe="!'()*~").replace("'", "%27")
        for one in names
    )

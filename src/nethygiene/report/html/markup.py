"""The templates' environment: what they print is made printable and escaped, each expression.

No template and no function of ours makes markup of what a host, an inventory or a rule says.
`|safe` stands in page.html alone: for the page's own styles and scripts, and for JSON in ASCII that
holds no character of markup.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import NamedTuple
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined

from nethygiene.markup import blocks, spans
from nethygiene.report.advice import incident
from nethygiene.report.findings import plural
from nethygiene.report.text import printable

_INNER_SLASH = re.compile(r"(?<=\w)/")


class _Limits(NamedTuple):
    """Beyond these numbers a list is folded, or cut: names in a row, lines of a list."""

    names_shown: int = 6
    names: int = 1000
    lines_shown: int = 20


def anchor(kind: str, *names: str) -> str:
    """The fragment that opens a rule, a host or a cell: ``rule=…``, ``host=…``, ``cell=HOST/RULE``.

    An attribute's value as it is: nothing in it needs to be escaped any more.
    """
    # As encodeURIComponent has it, that script and server agree.
    return f"{kind}=" + "/".join(
        quote(one.encode("utf-8", "surrogatepass"), safe="!'()*~").replace("'", "%27")
        for one in names
    )


@cache
def asset(name: str) -> str:
    """A file that stands beside this module."""
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


@cache
def environment() -> Environment:
    """The environment of templates/."""
    made = Environment(
        loader=PackageLoader(__package__),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        finalize=_printable,
    )
    made.globals.update(anchor=anchor, asset=asset, limits=_Limits())
    made.filters.update(
        blocks=blocks,
        incident=incident,
        plural=plural,
        spans=spans,
        steps=_INNER_SLASH.split,
        thousands="{:,}".format,
    )
    return made


def _printable(value: object) -> object:
    """What an expression comes to, before it is escaped; a macro's markup stays as it is."""
    return value if hasattr(value, "__html__") else printable(str(value))

"""The templates' environment, which makes each expression printable and escapes it.

No template and no function of ours makes markup from the words of a host, an inventory or a rule.
Only page.html uses `|safe`: for the page's own styles and scripts, and for JSON in ASCII without
characters of markup.
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
from nethygiene.report.findings import looked_at, plural
from nethygiene.report.text import printable

_INNER_SLASH = re.compile(r"(?<=\w)/")


class _Limits(NamedTuple):
    """A list is folded or cut beyond these numbers: of names in a row, of lines."""

    names_shown: int = 6
    names: int = 1000
    lines_shown: int = 20


def anchor(kind: str, *names: str) -> str:
    """The fragment that opens a rule, a host or a cell: ``rule=…``, ``host=…``, ``cell=HOST/RULE``.

    Nothing in it needs to be escaped in an attribute.
    """
    # The script's encodeURIComponent gives the same.
    return f"{kind}=" + "/".join(
        quote(name.encode("utf-8", "surrogatepass"), safe="!'()*~").replace("'", "%27")
        for name in names
    )


@cache
def asset(name: str) -> str:
    """The text of a file beside this module."""
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
        looked_at=looked_at,
        plural=plural,
        spans=spans,
        steps=_INNER_SLASH.split,
        thousands="{:,}".format,
    )
    return made


def _printable(value: object) -> object:
    """The printable value of an expression, before it is escaped; a macro's markup stays."""
    return value if hasattr(value, "__html__") else printable(str(value))

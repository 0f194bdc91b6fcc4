"""How a shell here runs nethygiene: messages say `nethygiene`, which a shell may not find."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import sys
from pathlib import Path

NAME = "nethygiene"
# A message's words may be wrapped between the command and its arguments.
_NAMED = re.compile(rf"`{NAME}\s")


def own_command() -> str:
    """`nethygiene`, if the shell finds this installation; else its path, or a module of Python."""
    beside = Path(sys.executable).with_name(NAME)
    on_path = shutil.which(NAME)
    # The same file by another path is the same installation: pipx makes links.
    if on_path is not None and beside.exists() and Path(on_path).samefile(beside):
        return NAME
    if os.access(beside, os.X_OK):
        return _word(beside)
    return f"{_word(Path(sys.executable))} -m {NAME}"


def where_it_is(text: str) -> str | None:
    """A hint to print below a text that names a command of ours, if the shell does not find it."""
    if not _NAMED.search(text) or (command := own_command()) == NAME:
        return None
    return f"The shell does not find `{NAME}`: type `{command}` in its place."


def _word(path: Path) -> str:
    """The path as a shell takes it, relative if it is below the current folder."""
    here = Path.cwd()
    if not path.is_relative_to(here):
        return shlex.quote(str(path))
    # Without a slash the shell would look along PATH.
    return shlex.quote(str(path.relative_to(here)) if path.parent != here else f"./{path.name}")

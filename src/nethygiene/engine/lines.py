"""Parses ``grep -H '' FILE...``: many small files in one command, each line with its file's name.

A shell's ``read`` is wrong here: dash reads byte by byte, and a file under /proc/sys ends after
its first read, so that 4096 would be read as 4.
"""

from __future__ import annotations

from collections.abc import Iterator

from nethygiene.transcript import Section


def file_lines(section: Section) -> Iterator[tuple[str, str]]:
    """Yield (path, line) of each line that ``grep -H ''`` printed; other lines are skipped."""
    for line in section.stdout.decode("utf-8", "replace").split("\n"):
        path, colon, text = line.partition(":")
        if colon and path.startswith("/"):
            yield path, text


def file_errors(section: Section) -> Iterator[tuple[str, str]]:
    """Yield (path, complaint) of each file that grep could not read.

    Both GNU's and busybox's grep write ``grep: PATH: COMPLAINT``.
    """
    for line in section.stderr.decode("utf-8", "replace").split("\n"):
        tool, _, rest = line.partition(": ")
        path, colon, complaint = rest.rpartition(": ")
        if tool.endswith("grep") and colon and path.startswith("/"):
            yield path, complaint

"""A progress bar on the terminal while hosts answer."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Column

from nethygiene.transcript import Transcript

# A terminal of so many columns has room for more than a bar and its numbers.
_WIDE = 60


def with_progress(transcripts: Iterator[Transcript], total: int) -> Iterator[Transcript]:
    """Pass the answers on; on a terminal, show how many of `total` hosts have answered."""
    console = Console(stderr=True)
    if not console.is_terminal or not sys.stdout.isatty():
        yield from transcripts
        return
    # Leave room for the ^C that a terminal echoes: on the next line it would stay.
    console.width -= 3
    # The bar takes the room that the numbers leave; a narrow terminal shows nothing else.
    columns: list[ProgressColumn] = [
        BarColumn(bar_width=None),
        TextColumn("{task.fields[counts]}", table_column=Column(no_wrap=True)),
    ]
    if console.width >= _WIDE:
        columns = [TextColumn("collecting"), *columns, TimeElapsedColumn()]
    done = failed = 0
    with Progress(*columns, console=console, transient=True, expand=True) as progress:
        task = progress.add_task("collecting", total=total, counts=_counts(0, 0, total))
        for transcript in transcripts:
            failed += transcript.failure is not None
            done += transcript.failure is None
            remaining = total - done - failed
            progress.update(task, advance=1, counts=_counts(done, failed, remaining))
            yield transcript


def _counts(done: int, failed: int, remaining: int) -> str:
    failures = f"[red]{failed:,} failed[/red]" if failed else "0 failed"
    return f"{done:,} done, {failures}, {remaining:,} remaining"

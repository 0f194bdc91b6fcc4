"""Collecting the fleet before the first rule is judged, with a progress bar on a terminal."""

from __future__ import annotations

import contextlib
import resource
import sys
import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Column

from nethygiene.collect import Job, collect_fleet
from nethygiene.errors import EvidenceError
from nethygiene.evidence import EvidenceHost, EvidenceWriter
from nethygiene.plugin.audit import Audit
from nethygiene.probes import LONGEST_WINDOW, all_probes, commands_for
from nethygiene.redaction import redact
from nethygiene.transcript import Transcript
from nethygiene.transport import abandon_all, begin_anew

# A connection takes a socket and paramiko's pipe or two; a local one three pipes.
_DESCRIPTORS_PER_HOST = 8
# How long a thread may keep the others waiting: a handshake has dozens of turns, and behind this
# thread, which judges meanwhile, each would wait for Python's 5 ms.
_SWITCH_SECONDS = 0.0005
# Columns of a terminal on which there is room for more than a bar and its numbers.
_WIDE = 60

_THREADS = "nethygiene"


def is_collecting() -> bool:
    """Whether threads are still at work: after a second Ctrl-C nobody waited for them."""
    return any(thread.name.startswith(f"{_THREADS}_") for thread in threading.enumerate())


def collect(
    audit: Audit,
    probes: Mapping[str, Collection[str]],
    keep_open: Collection[str] = (),
    judge: Callable[[str], None] = lambda _host: None,
) -> None:
    """Collect hosts and hand their transcripts to the audit; keep evidence if asked to.

    Args:
        audit: the run.
        probes: hosts that selected rules judge, with the names of the probes that these need;
            with `--evidence` all are sent.
        keep_open: names of the hosts whose connection checks will use.
        judge: called with the name of each host that has answered: while the others are waited
            for, this thread has nothing else to do.

    After Ctrl-C it returns with what there is, and the audit is marked as interrupted.

    Raises:
        EvidenceError: the evidence file cannot be written.
    """
    options = audit.options
    everything = all_probes() if options.evidence is not None else {}
    jobs = [
        Job(
            target,
            options.connect,
            names,
            commands_for(names, planned.policy),
            options.window,
            # What is counted since an earlier run needs no longer window.
            longest=LONGEST_WINDOW if options.since is None else options.window,
            keep_open=name in keep_open,
        )
        for name, planned in audit.hosts.items()
        if name in probes
        and (target := planned.target) is not None
        and (names := tuple(sorted(everything or probes[name])))
    ]
    workers = max(1, min(options.forks, len(jobs)))
    _allow_descriptors(workers + len(keep_open))
    with contextlib.ExitStack() as stack:
        keep = _keeper(audit, len(jobs), stack)
        begin_anew()
        executor = ThreadPoolExecutor(workers, thread_name_prefix=_THREADS)
        stack.callback(executor.shutdown, cancel_futures=True)
        stack.callback(sys.setswitchinterval, sys.getswitchinterval())
        sys.setswitchinterval(_SWITCH_SECONDS)
        try:
            for transcript in _with_progress(collect_fleet(jobs, executor), len(jobs)):
                audit.add_transcript(transcript)
                keep(transcript)
                judge(transcript.host)
        except KeyboardInterrupt:
            # What has been collected is judged; a second Ctrl-C ends that as well.
            audit.interrupted = True
            abandon_all()
        except EvidenceError:
            # Without this the hosts under way would be waited for.
            abandon_all()
            raise


def _keeper(audit: Audit, hosts: int, stack: contextlib.ExitStack) -> Callable[[Transcript], None]:
    """What keeps a transcript as evidence, until the stack is unwound; so many hosts will be."""
    path = audit.options.evidence
    if path is None:
        return lambda _transcript: None
    header = audit.evidence_header(hosts)
    if not audit.options.redact:
        writer = stack.enter_context(EvidenceWriter(path, header))
        return lambda transcript: writer.add(audit.evidence_line(transcript))
    # Pseudonyms depend on all hosts: none is written before the last has answered, and what was
    # not redacted never touches the disk. The file is opened at once, so that it can be.
    unnamed = stack.enter_context(EvidenceWriter(path, header.unnamed()))
    lines: list[EvidenceHost] = []

    def write() -> None:
        for line in redact(lambda: iter(lines)):
            unnamed.add(line)

    stack.callback(write)
    return lambda transcript: lines.append(audit.evidence_line(transcript))


def _with_progress(transcripts: Iterator[Transcript], total: int) -> Iterator[Transcript]:
    console = Console(stderr=True)
    if not console.is_terminal or not sys.stdout.isatty():
        yield from transcripts
        return
    # Room for the ^C that a terminal echoes: on the next line it would stay.
    console.width -= 3
    # The bar takes what the numbers leave; on a narrow terminal these alone are worth the room.
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
    told = f"[red]{failed:,} failed[/red]" if failed else "0 failed"
    return f"{done:,} done, {told}, {remaining:,} remaining"


def _allow_descriptors(connections: int) -> None:
    """Raise the soft limit of open files as far as needed and allowed."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 256 + connections * _DESCRIPTORS_PER_HOST
    ceiling = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < ceiling:
        resource.setrlimit(resource.RLIMIT_NOFILE, (ceiling, hard))

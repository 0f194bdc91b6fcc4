"""Collects the answers of the fleet; each host is judged as it answers."""

from __future__ import annotations

import contextlib
import resource
import sys
import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor

from nethygiene.collect.command import LONGEST_WINDOW
from nethygiene.collect.fleet import collect_fleet
from nethygiene.collect.host import Job
from nethygiene.engine.audit import Audit
from nethygiene.engine.catalogue import all_probes, commands_for, versions
from nethygiene.errors import EvidenceError
from nethygiene.transcript import Transcript
from nethygiene.transport import abandon_all, restore_deadlines

# A connection takes a socket and paramiko's pipe or two; a local one three pipes.
_DESCRIPTORS_PER_HOST = 8
# A thread may keep the others waiting this long. A handshake takes dozens of turns, and this thread
# judges meanwhile: with Python's own 5 ms each turn would wait so long for it.
_SWITCH_SECONDS = 0.0005

_THREADS = "nethygiene"

Watch = Callable[[Iterator[Transcript], int], Iterator[Transcript]]
"""Passes answers on as they come, and shows the progress towards their total."""


Keeper = Callable[[Audit, int], contextlib.AbstractContextManager[Callable[[Transcript], None]]]
"""A context that keeps the answers of so many hosts as evidence."""


def is_collecting() -> bool:
    """Whether threads are still at work: after a second Ctrl-C nobody waits for them."""
    return any(thread.name.startswith(f"{_THREADS}_") for thread in threading.enumerate())


def judge_answers(audit: Audit) -> None:
    """Judge the hosts of an evidence file, one by one; Ctrl-C ends it.

    Raises:
        EvidenceError: the file has changed since the audit began.
    """
    try:
        for transcript in audit.answers():
            audit.take(transcript)
        audit.judge_rest()
    except KeyboardInterrupt:
        audit.interrupted = True


def collect(
    audit: Audit,
    probes: Mapping[str, Collection[str]],
    take: Callable[[Transcript], None],
    watch: Watch,
    keeper: Keeper,
    keep_open: Collection[str] = (),
) -> None:
    """Collect hosts; keep evidence if the settings ask for it.

    Args:
        audit: the run.
        probes: hosts that selected rules judge, with the names of the probes that these need;
            with `--evidence` all are sent.
        take: called with each answer, in this thread, while the other hosts are waited for.
        watch: shows the progress.
        keeper: keeps the answers as evidence.
        keep_open: names of the hosts whose connections checks use later.

    After Ctrl-C it returns with the answers so far, and marks the audit as interrupted.

    Raises:
        EvidenceError: the evidence file cannot be written.
    """
    settings = audit.settings
    everything = all_probes() if settings.evidence is not None else {}
    jobs = [
        Job(
            host.target,
            settings.connect,
            versions(names),
            commands_for(names, host.policy),
            settings.window,
            # Counters since an earlier run need no longer window.
            longest=LONGEST_WINDOW if settings.since is None else settings.window,
            keep_open=host.name in keep_open,
        )
        for host in audit.plan.in_asking_order()
        if host.name in probes and (names := tuple(sorted(everything or probes[host.name])))
    ]
    workers = max(1, min(settings.forks, len(jobs)))
    _allow_descriptors(workers + len(keep_open))
    with contextlib.ExitStack() as stack:
        keep = stack.enter_context(keeper(audit, len(jobs)))
        restore_deadlines()
        executor = ThreadPoolExecutor(workers, thread_name_prefix=_THREADS)
        stack.callback(executor.shutdown, cancel_futures=True)
        stack.callback(sys.setswitchinterval, sys.getswitchinterval())
        sys.setswitchinterval(_SWITCH_SECONDS)
        try:
            for transcript in watch(collect_fleet(jobs, executor), len(jobs)):
                keep(transcript)
                take(transcript)
            audit.judge_rest()
        except KeyboardInterrupt:
            # The answers so far are judged; a second Ctrl-C ends that as well.
            audit.interrupted = True
            abandon_all()
        except EvidenceError:
            # Otherwise it would wait for the hosts that have not answered yet.
            abandon_all()
            raise


def _allow_descriptors(connections: int) -> None:
    """Raise the soft limit of open files as far as needed and allowed."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = 256 + connections * _DESCRIPTORS_PER_HOST
    ceiling = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
    if soft != resource.RLIM_INFINITY and soft < ceiling:
        resource.setrlimit(resource.RLIMIT_NOFILE, (ceiling, hard))

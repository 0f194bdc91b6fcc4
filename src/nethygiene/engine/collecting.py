"""Collecting the answers of the fleet: each host is judged as it answers."""

from __future__ import annotations

import contextlib
import resource
import sys
import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor

from nethygiene import __version__
from nethygiene.collect import Job, collect_fleet
from nethygiene.engine.audit import Audit
from nethygiene.errors import EvidenceError
from nethygiene.evidence import EvidenceHeader, EvidenceHost, EvidenceWriter
from nethygiene.probes import LONGEST_WINDOW, all_probes, commands_for
from nethygiene.probes.machine import Machine
from nethygiene.redaction import redact
from nethygiene.rules.subject import Subject
from nethygiene.transcript import Transcript
from nethygiene.transport import abandon_all, begin_anew

# A connection takes a socket and paramiko's pipe or two; a local one three pipes.
_DESCRIPTORS_PER_HOST = 8
# How long a thread may keep the others waiting: a handshake has dozens of turns, and behind this
# thread, which judges meanwhile, each would wait for Python's 5 ms.
_SWITCH_SECONDS = 0.0005

_THREADS = "nethygiene"

Watch = Callable[[Iterator[Transcript], int], Iterator[Transcript]]
"""Passes answers on as they come, and shows people how many of how many have."""


def is_collecting() -> bool:
    """Whether threads are still at work: after a second Ctrl-C nobody waited for them."""
    return any(thread.name.startswith(f"{_THREADS}_") for thread in threading.enumerate())


def judge_answers(audit: Audit, watch: Watch) -> None:
    """Judge the hosts of an evidence file, one by one; Ctrl-C ends it.

    Raises:
        EvidenceError: the file has changed since the audit began.
    """
    try:
        for transcript in watch(audit.answers(), len(audit.hosts)):
            audit.take(transcript)
        audit.judge_groups()
    except KeyboardInterrupt:
        audit.interrupted = True


def collect(
    audit: Audit,
    probes: Mapping[str, Collection[str]],
    take: Callable[[Transcript], None],
    watch: Watch,
    keep_open: Collection[str] = (),
) -> None:
    """Collect hosts; keep evidence if the settings ask for it.

    Args:
        audit: the run.
        probes: hosts that selected rules judge, with the names of the probes that these need;
            with `--evidence` all are sent.
        take: called with each answer: while the others are waited for, this thread has nothing
            else to do.
        watch: what shows the progress.
        keep_open: names of the hosts whose connection checks will use.

    After Ctrl-C it returns with what there is, and the audit is marked as interrupted.

    Raises:
        EvidenceError: the evidence file cannot be written.
    """
    settings = audit.settings
    everything = all_probes() if settings.evidence is not None else {}
    jobs = [
        Job(
            host.target,
            settings.connect,
            names,
            commands_for(names, host.policy),
            settings.window,
            # What is counted since an earlier run needs no longer window.
            longest=LONGEST_WINDOW if settings.since is None else settings.window,
            keep_open=name in keep_open,
        )
        for name, host in audit.hosts.items()
        if name in probes and (names := tuple(sorted(everything or probes[name])))
    ]
    workers = max(1, min(settings.forks, len(jobs)))
    _allow_descriptors(workers + len(keep_open))
    with contextlib.ExitStack() as stack:
        keep = _keeper(audit, len(jobs), stack)
        begin_anew()
        executor = ThreadPoolExecutor(workers, thread_name_prefix=_THREADS)
        stack.callback(executor.shutdown, cancel_futures=True)
        stack.callback(sys.setswitchinterval, sys.getswitchinterval())
        sys.setswitchinterval(_SWITCH_SECONDS)
        try:
            for transcript in watch(collect_fleet(jobs, executor), len(jobs)):
                keep(transcript)
                take(transcript)
            audit.judge_groups()
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
    path = audit.settings.evidence
    if path is None:
        return lambda _transcript: None
    header = _evidence_header(audit, hosts)
    if not audit.settings.redact:
        writer = stack.enter_context(EvidenceWriter(path, header))
        return lambda transcript: writer.add(_evidence_line(audit, transcript))
    # Pseudonyms depend on all hosts: none is written before the last has answered, and what was
    # not redacted never touches the disk. The file is opened at once, so that it can be.
    unnamed = stack.enter_context(EvidenceWriter(path, header.unnamed()))
    lines: list[EvidenceHost] = []

    def write() -> None:
        for line in redact(lambda: iter(lines)):
            unnamed.add(line)

    stack.callback(write)
    return lambda transcript: lines.append(_evidence_line(audit, transcript))


def _evidence_header(audit: Audit, hosts: int) -> EvidenceHeader:
    """The header of this run's evidence, in which so many hosts are to follow."""
    return EvidenceHeader(
        tool=f"nethygiene {__version__}",
        run_id=audit.run_id,
        window=audit.settings.window,
        inventory_sha256=audit.plan.sha256,
        hosts=hosts,
    )


def _evidence_line(audit: Audit, transcript: Transcript) -> EvidenceHost:
    """The evidence of a host that has answered."""
    host = audit.hosts[transcript.host]
    machine = Subject(host.name, host.policy, transcript).fact("machine")
    known = machine if isinstance(machine, Machine) else None
    return EvidenceHost.of(
        transcript,
        groups=host.groups,
        policy=host.policy.plain(),
        boot_id=known.boot_id if known else "",
        uptime=known.uptime if known else None,
    )


def _allow_descriptors(connections: int) -> None:
    """Raise the soft limit of open files as far as needed and allowed."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 256 + connections * _DESCRIPTORS_PER_HOST
    ceiling = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < ceiling:
        resource.setrlimit(resource.RLIMIT_NOFILE, (ceiling, hard))

"""All hosts at once: an executor gets the jobs, and transcripts come as hosts finish."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, as_completed

from nethygiene.collect.host import Job, collect_host
from nethygiene.transcript import HostFailure, Transcript


def collect_fleet(
    jobs: Sequence[Job],
    executor: Executor,
    work: Callable[[Job], Transcript] = collect_host,
) -> Iterator[Transcript]:
    """Yield the transcript of each host as it finishes; a slow host delays nobody else.

    Args:
        jobs: one a host.
        executor: a thread pool, or any other that can carry a Job there and a Transcript back.
        work: what is run for each job.

    When the caller stops early (Ctrl-C), jobs that have not begun are cancelled.
    """
    futures: dict[Future[Transcript], Job] = {executor.submit(work, job): job for job in jobs}
    try:
        for future in as_completed(futures):
            yield _result(future, futures.pop(future))
    finally:
        for future in futures:
            future.cancel()


def _result(future: Future[Transcript], job: Job) -> Transcript:
    try:
        return future.result()
    except Exception as error:  # noqa: BLE001 - a bug with one host must not end the fleet's run
        failure = HostFailure(
            "internal-error",
            f"nethygiene itself failed on this host: {type(error).__name__}: {error}",
            "please report this as a bug",
        )
        return Transcript(job.target.name, job.target.address, "", 0.0, job.window, failure=failure)

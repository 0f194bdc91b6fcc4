"""The end of a run: results gathered, exit status decided, files written, summary printed."""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from nethygiene.plugin.annotations import are_wanted, github_annotations
from nethygiene.plugin.distributed import is_worker
from nethygiene.plugin.junit import tell_unknown
from nethygiene.plugin.keys import audit_of, has_audit
from nethygiene.plugin.outcome import RULE_ITEM, judged_by
from nethygiene.report.console import summary_lines
from nethygiene.report.results_file import write_results
from nethygiene.report.summary_markdown import summary_markdown
from nethygiene.report.whole_file import write_whole
from nethygiene.results import Run
from nethygiene.verdict import CRASHED, FAILURES, exit_status

if TYPE_CHECKING:
    from _pytest.terminal import TerminalReporter

RUN = pytest.StashKey[Run]()

_INTERRUPTED = 2
# These say more than any verdict: interrupted, internal error, usage error, nothing collected,
# and 6, too many warnings.
_PYTESTS_OWN = frozenset({2, 3, 4, 5, 6})


class Gatherer:
    """Takes the results from reports as they come, and ends the run.

    Under xdist the controller gathers what its workers judged.
    """

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._stranger_failed = False

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> Generator[None]:
        """Take a report's results; one without any is of a test that is none of ours."""
        self._take(report)
        yield
        tell_unknown(self._config, report)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Decide the exit status and write the results file."""
        if not has_audit(self._config) or is_worker(self._config):
            return
        audit = audit_of(self._config)
        status = _INTERRUPTED if audit.interrupted else int(exitstatus)
        if status not in _PYTESTS_OWN:
            status = exit_status(audit.results, audit.options.fail_on)
            # A failing test that is none of ours keeps pytest's status, unless ours says more.
            if self._stranger_failed and status != CRASHED:
                status = FAILURES
        session.exitstatus = status
        self._config.stash[RUN] = run = audit.run(status)
        if (path := audit.options.results) is not None:
            with _told("--results", path):
                write_results(run, path)
        if (path := audit.options.summary_md) is not None:
            with _told("--summary-md", path):
                write_whole(summary_markdown(run, audit.options.fail_on, audit.remarks()), path)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_terminal_summary(self, terminalreporter: TerminalReporter) -> Generator[None]:
        """Print what was found, grouped by rule, in place of pytest's page for each failure."""
        run = self._config.stash.get(RUN, None)
        nothing_ran = self._config.option.collectonly or not (run and run.results)
        if run is None or (nothing_ran and run.exit_status != _INTERRUPTED):
            return (yield)
        stats = terminalreporter.stats
        failed = stats.get("failed", [])
        # Of a user's plain check, pytest's own picture of the assertion is the better one.
        stats["failed"] = [one for one in failed if not getattr(one, RULE_ITEM, False)]
        try:
            self._print(terminalreporter, run)
            return (yield)
        finally:
            stats["failed"] = failed
            if not failed:
                del stats["failed"]

    def _take(self, report: pytest.TestReport) -> None:
        judged = judged_by(report)
        if judged is None:
            self._stranger_failed |= report.failed
        elif not is_worker(self._config):
            audit = audit_of(self._config)
            audit.results += judged.results
            audit.rules.setdefault(judged.rule.id, judged.rule)

    def _print(self, terminalreporter: TerminalReporter, run: Run) -> None:
        audit = audit_of(self._config)
        terminalreporter.section("network hygiene", sep="=")
        lines = summary_lines(
            run,
            audit.options.fail_on,
            audit.remarks(),
            width=min(max(self._config.get_terminal_writer().fullwidth, 40), 100),
            verbose=self._config.get_verbosity() > 0,
        )
        for line in lines:
            terminalreporter.write_line(line.text, **line.markup)
        if are_wanted(audit.options.annotations):
            for command in github_annotations(run, audit.options.fail_on, audit.hosts):
                terminalreporter.write_line(command)


@contextlib.contextmanager
def _told(option: str, path: Path) -> Iterator[None]:
    """End the run, with a line that says so, where its file cannot be written."""
    try:
        yield
    except OSError as error:
        message = f"{option}={path}: {error.strerror}"
        pytest.exit(message, returncode=pytest.ExitCode.INTERNAL_ERROR)

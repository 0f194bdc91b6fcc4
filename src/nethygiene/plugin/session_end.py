"""The end of a run: gathers results, decides the exit status, writes files, prints the summary."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING

import pytest

from nethygiene.engine.exit_status import ExitStatus, exit_status
from nethygiene.masking import masked
from nethygiene.own_command import where_it_is
from nethygiene.plugin.audit_of_run import audit_of, has_audit
from nethygiene.plugin.distributed import is_worker
from nethygiene.plugin.junit import write_cut_short, write_judged
from nethygiene.plugin.outcome import RULE_ITEM, judged_by
from nethygiene.plugin.report_files import ReportFile, write_reports, written_whole
from nethygiene.plugin.signals import Signals
from nethygiene.report.console import summary_lines, wrapped
from nethygiene.report.run_report import RunReport
from nethygiene.report.text import log_line, printable
from nethygiene.report.writers import annotator_for

if TYPE_CHECKING:
    from _pytest.terminal import TerminalReporter

REPORT = pytest.StashKey[RunReport]()
GATHERER = "nethygiene.plugin.session_end"

# These take precedence over our exit status: interrupted, internal error, usage error, nothing
# collected, too many warnings.
_PYTESTS_OWN = frozenset(pytest.ExitCode) - {pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED}


class Gatherer:
    """Takes the results from reports as they come, and ends the run.

    Under xdist the controller gathers the results of its workers.
    """

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._other_test_failed = False
        self._finished = 0
        self._interruption = ""
        self._not_written: list[str] = []
        self.signals = Signals()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> Generator[None]:
        """Take a report's results; a report without any is of a test that is not ours."""
        self._take(report)
        yield
        write_judged(self._config, report)

    def pytest_runtest_logfinish(self) -> None:
        """Count the finished tests: an unfinished one was not judged."""
        self._finished += 1

    @pytest.hookimpl(tryfirst=True)
    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Hold signals, which would interrupt the writing of reports."""
        # pytest's own interruptions have words, as "1 error during collection"; Ctrl-C has none.
        self._interruption = str(excinfo.value)
        if has_audit(self._config):
            self.signals.hold()

    # This is the innermost wrapper, so that the terminal's summary comes even if a file fails.
    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> Generator[None]:
        """Decide the exit status and write the files, other plugins' reports among them."""
        idle = self._config.option.collectonly or is_worker(self._config)
        if idle or not has_audit(self._config):
            return (yield)
        self.signals.hold()
        self._settle(session, int(exitstatus))
        others: list[ReportFile] = []
        try:
            with written_whole(self._config) as others:
                yield
        except (OSError, pytest.exit.Exception) as error:
            self._cannot_write(others, error)
        if self._not_written and session.exitstatus != ExitStatus.CUT_SHORT:
            session.exitstatus = ExitStatus.CUT_SHORT if self.signals.obeyed else ExitStatus.CRASHED

    def _settle(self, session: pytest.Session, status: int) -> None:
        """Decide the exit status, and write our own files."""
        audit = audit_of(self._config)
        if audit.interrupted:
            status = ExitStatus.CUT_SHORT
        cut_short = self._why_cut_short(session, status)
        if status not in _PYTESTS_OWN:
            status = exit_status(audit.results, audit.settings.fail_on)
            # A failing test that is not ours keeps pytest's status, except when a rule crashed.
            if self._other_test_failed and status != ExitStatus.CRASHED:
                status = ExitStatus.FAILURES
            # A unit that was not judged may fail: the run is neither clean nor merely unknown.
            if cut_short is not None and status not in {ExitStatus.CRASHED, ExitStatus.FAILURES}:
                status = ExitStatus.CUT_SHORT
        session.exitstatus = status
        report = RunReport(
            audit.run(status, cut_short), audit.settings.fail_on, tuple(audit.remarks())
        )
        self._config.stash[REPORT] = report
        if cut_short is not None:
            write_cut_short(self._config, cut_short)
        for file, error in write_reports(self._config, report):
            self._cannot_write([file], error)

    def _why_cut_short(self, session: pytest.Session, status: int) -> str | None:
        """Why not all selected tests were judged; None if all were."""
        audit = audit_of(self._config)
        left = max(0, session.testscollected - self._finished)
        if audit.interrupted:
            why = f"interrupted by {self.signals.received} while hosts were read"
        elif status == ExitStatus.CUT_SHORT:
            why = self._interruption or f"interrupted by {self.signals.received}"
        elif left and status in {ExitStatus.CLEAN, ExitStatus.FAILURES}:
            why = str(session.shouldfail or session.shouldstop or "ended early")
        elif audit.plan.cut_short is not None:
            why = audit.plan.cut_short
        else:
            return None
        return f"{why}; {left} of {session.testscollected} tests not judged" if left else why

    def _cannot_write(self, files: Sequence[ReportFile], error: Exception) -> None:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        self._not_written.append(f"{' and '.join(map(str, files))}: not written: {reason}")

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_terminal_summary(self, terminalreporter: TerminalReporter) -> Generator[None]:
        """Print the findings by rule, in place of pytest's page for each failure."""
        report = self._config.stash.get(REPORT, None)
        nothing_ran = self._config.option.collectonly or not (report and report.run.results)
        if report is None or (nothing_ran and report.run.exit_status != ExitStatus.CUT_SHORT):
            self._print_not_written(terminalreporter)
            return (yield)
        stats = terminalreporter.stats
        failed = stats.get("failed", [])
        # pytest's page of a plain check's failed assertion stays: it shows more than our line.
        stats["failed"] = [each for each in failed if not getattr(each, RULE_ITEM, False)]
        try:
            self._print(terminalreporter, report)
            return (yield)
        finally:
            stats["failed"] = failed
            if not failed:
                del stats["failed"]

    def _take(self, report: pytest.TestReport) -> None:
        judged = judged_by(report)
        if judged is None:
            self._other_test_failed |= report.failed
        elif not is_worker(self._config):
            audit_of(self._config).report(judged.rule, judged.results)

    def _print(self, terminalreporter: TerminalReporter, report: RunReport) -> None:
        audit = audit_of(self._config)
        terminalreporter.section("network hygiene", sep="=")
        width = min(max(self._config.get_terminal_writer().fullwidth, 40), 100)
        verbose = self._config.get_verbosity() > 0
        lines = list(summary_lines(report, width=width, verbose=verbose))
        if note := where_it_is("\n".join(line.text for line in lines)):
            lines += wrapped(note, width)
        for line in lines:
            terminalreporter.write_line(line.text, **line.markup)
        for rule, trace in audit.crashes.items():
            # For the author of the rule: a trace of the rule's own lines, once for all hosts.
            terminalreporter.section(f"{rule} crashed", sep="-")
            for text in printable(masked(trace)).splitlines():
                terminalreporter.write_line(log_line(text))
        annotator = annotator_for(self._config.getoption("--annotations"))
        if annotator is not None:
            for command in annotator.render(report):
                terminalreporter.write_line(command)
        self._print_not_written(terminalreporter)

    def _print_not_written(self, terminalreporter: TerminalReporter) -> None:
        for line in self._not_written:
            terminalreporter.write_line(f"NOT WRITTEN: {line}", red=True, bold=True)
        self._not_written.clear()


def gatherer_of(config: pytest.Config) -> Gatherer:
    """The run's gatherer."""
    gatherer = config.pluginmanager.get_plugin(GATHERER)
    assert isinstance(gatherer, Gatherer)
    return gatherer

"""The pytest plugin: hooks, which call the modules beside this one.

It is registered as the entry point ``nethygiene.plugin``, or by the clone's conftest.py under
the same name. It does nothing in a test suite that neither gives an option of ours nor holds a
rule.
"""

from __future__ import annotations

import gc
from collections.abc import Generator
from typing import Any, Protocol

import pytest

from nethygiene.collect.kept import close_kept
from nethygiene.engine.collecting import is_collecting
from nethygiene.engine.outcomes import Kind, Severity
from nethygiene.engine.records import rule_record
from nethygiene.engine.rule import rule_of
from nethygiene.errors import UsageError
from nethygiene.plugin import distributed, header, html, plain_checks
from nethygiene.plugin.audit_of_run import audit_of, begin_audit, has_audit
from nethygiene.plugin.checks_required import require_checks, require_hosts
from nethygiene.plugin.items import RuleItem, reachability_item, rule_items
from nethygiene.plugin.options import add_options, asks_for_audit
from nethygiene.plugin.other_tests import show_other_tests_alone
from nethygiene.plugin.outcome import RULE_ITEM, pack, settle_report, status_of, unpack
from nethygiene.plugin.protocol import judge_quickly, show_items
from nethygiene.plugin.reachability import reachability_rule
from nethygiene.plugin.report_files import check_report_files
from nethygiene.plugin.selection import hosts_of, is_reachability, judge_selected, select
from nethygiene.plugin.session_end import GATHERER, Gatherer, gatherer_of
from nethygiene.shipped import names_shipped_checks
from nethygiene.transport import abandon_all, close_shared_connections, kill_all, restore_deadlines

Serialized = dict[str, Any] | None
Status = tuple[str, str, tuple[str, dict[str, bool]]]


class WorkerNode(Protocol):
    """xdist's controller of one worker; only the parts that we use."""

    config: pytest.Config
    workerinput: dict[str, Any]


INCIDENTS = ("S0", "S1", "S2", "S3", "S4", *(f"S1.{case}" for case in range(1, 9)))


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    add_options(parser)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Register the markers and the gatherer, and check the options of an audit."""
    config.pluginmanager.register(Gatherer(config), GATHERER)
    if _is_asked(config) and not distributed.is_worker(config):
        try:
            require_checks(config)
            # This comes before pytest-html makes its folder, which may fail with a traceback.
            check_report_files(config)
        except UsageError as error:
            raise pytest.UsageError(str(error)) from None
    for severity in Severity:
        config.addinivalue_line("markers", f"{severity}: a failure of this severity")
    for kind in Kind:
        config.addinivalue_line("markers", f"{kind}: a rule that looks at a {kind}")
    for code in INCIDENTS:
        config.addinivalue_line("markers", f"{code}: born from incident {code}")


def _is_asked(config: pytest.Config) -> bool:
    """Whether the command line asks for an audit, rather than for someone else's tests."""
    return asks_for_audit(config) or any(
        names_shipped_checks(str(argument), config.invocation_params.dir)
        for argument in config.args
    )


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Begin the audit if the command line asks for one; a usage error exits with status 4."""
    config = session.config
    distributed.take_evidence(config)
    if _is_asked(config):
        try:
            begin_audit(config)
        except UsageError as error:
            raise pytest.UsageError(str(error)) from None
        gatherer_of(config).signals.install()
        if config.pluginmanager.hasplugin("html"):
            # Only for audits, and only with pytest-html: otherwise its hook specs do not exist.
            config.pluginmanager.register(html, "nethygiene.plugin.html")
            show_other_tests_alone(config)


def pytest_report_header(config: pytest.Config) -> str | None:
    """Say which inventory and which hosts are audited."""
    return header.header_line(config)


@pytest.hookimpl(tryfirst=True)
def pytest_collection(session: pytest.Session) -> None:
    """Register our fixtures after those of other plugins, so that `host` is ours."""
    header.print_hosts(session.config)
    if has_audit(session.config):
        plain_checks.register_fixtures(session)


def pytest_pycollect_makeitem(
    collector: pytest.Module | pytest.Class, obj: object
) -> list[RuleItem] | None:
    """Make our own items from a rule."""
    rule = rule_of(obj)
    return None if rule is None else rule_items(collector, rule)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make a test for each host from a user's plain check."""
    plain_checks.parametrize(metafunc)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(
    session: pytest.Session, config: pytest.Config, items: list[pytest.Item]
) -> Generator[None]:
    """Keep host-reachable for each host that a selected item judges."""
    require_hosts(session, items)
    before = {item.unit.hosts[0]: item for item in items if is_reachability(item)}
    yield
    if has_audit(config):
        present = {item.unit.hosts[0] for item in items if is_reachability(item)}
        rule = reachability_rule()
        items[:0] = [
            before.get(host) or reachability_item(session, rule, host)
            for host in hosts_of(items)
            if host not in present
        ]


@pytest.hookimpl(trylast=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Print the hosts if the first rule began the audit."""
    header.print_hosts(session.config)


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool | None:
    """Collect and judge the hosts, then show the results."""
    config = session.config
    idle = ("collectonly", "setupplan", "setuponly")
    broken = session.testsfailed and not config.option.continue_on_collection_errors
    if not has_audit(config) or distributed.has_workers(config):
        return None
    # Modules, items and results live as long as the run. Frozen, they are not walked repeatedly
    # by the garbage collector: that is a quarter of the CPU of judging 1,000 hosts (Python 3.11).
    gc.freeze()
    if distributed.is_worker(config):
        # The controller sends the items to judge, one after another.
        select(audit_of(config), session.items)
        return None
    if broken or any(getattr(config.option, name) for name in idle):
        return None
    try:
        judge_selected(audit_of(config), session.items)
    except UsageError as error:
        pytest.exit(str(error), returncode=pytest.ExitCode.USAGE_ERROR)
    gc.freeze()
    return show_items(session)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn results into pytest's outcomes.

    Only the last item of a module and items that raise come here: the others are reported by
    :func:`judge_quickly`.
    """
    if not has_audit(item.config):
        plain_checks.explain_missing_fixture(call)
    report = yield
    if isinstance(item, RuleItem):
        if call.when == "call" and call.excinfo is None:
            settle_report(report, item, item.results, rule_record(item.unit.rule))
        setattr(report, RULE_ITEM, True)
    else:
        plain_checks.settle(report, item, call)
    return report


@pytest.hookimpl(tryfirst=True)
def pytest_report_teststatus(report: object) -> Status | None:
    """Name unknown, waived and not-applicable in the terminal."""
    return status_of(report)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    """Judge without pytest's set-up and capture, which rules do not need."""
    return judge_quickly(item, nextitem) if isinstance(item, RuleItem) else None


@pytest.hookimpl(wrapper=True)
def pytest_report_to_serializable() -> Generator[None, Serialized, Serialized]:
    """Let xdist carry the results of a report."""
    data = yield
    pack(data)
    return data


@pytest.hookimpl(tryfirst=True)
def pytest_report_from_serializable(data: dict[str, Any]) -> None:
    """Restore the results that xdist carried; pytest makes the report."""
    unpack(data)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Close all connections."""
    if has_audit(session.config) and session.exitstatus == pytest.ExitCode.INTERRUPTED:
        # After a second Ctrl-C connections may still open or be in use; nobody waits for them.
        abandon_all()
        kill_all()
    close_kept()
    close_shared_connections()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes(config: pytest.Config) -> None:
    """Collect once on the controller; workers judge from evidence."""
    if has_audit(config) and not config.option.collectonly:
        distributed.collect_on_controller(config, audit_of(config))


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: WorkerNode) -> None:
    """Pass the path of the evidence to a worker."""
    if has_audit(node.config):
        distributed.give_evidence(node.workerinput, audit_of(node.config))


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove the workers' evidence, and restore the signal handlers."""
    if has_audit(config) and not is_collecting():
        # All abandoned work is over: a later audit in this process may connect.
        restore_deadlines()
    distributed.remove_evidence(config)
    gatherer_of(config).signals.restore()

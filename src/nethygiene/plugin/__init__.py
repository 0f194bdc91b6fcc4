"""The pytest plugin: hooks alone; what they do stands in the modules beside this one.

It is registered as the entry point ``nethygiene.plugin``, or by the clone's conftest.py under
the same name. In a test suite that neither gives an option of ours nor holds a rule, it does
nothing.
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
from nethygiene.plugin import distributed, header, html, plain
from nethygiene.plugin.ending import GATHERER, Gatherer, gatherer_of
from nethygiene.plugin.items import RuleItem, reachability_item, rule_items
from nethygiene.plugin.keys import audit_of, begin_audit, has_audit
from nethygiene.plugin.named import require_checks, require_hosts
from nethygiene.plugin.options import add_options, asks_for_audit
from nethygiene.plugin.outcome import RULE_ITEM, pack, settle_report, status_of, unpack
from nethygiene.plugin.protocol import judge_quickly, show_items
from nethygiene.plugin.reachability import reachability_rule
from nethygiene.plugin.report_files import check_report_files
from nethygiene.plugin.selection import hosts_of, is_reachability, judge_selected, select
from nethygiene.shipped import names_shipped_checks
from nethygiene.transport import abandon_all, begin_anew, close_shared_connections, kill_all

Serialized = dict[str, Any] | None
Status = tuple[str, str, tuple[str, dict[str, bool]]]


class WorkerNode(Protocol):
    """xdist's controller of one worker, as far as we use it."""

    config: pytest.Config
    workerinput: dict[str, Any]


INCIDENTS = ("S0", "S1", "S2", "S3", "S4", *(f"S1.{case}" for case in range(1, 9)))


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    add_options(parser)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Register the markers, and what ends a run."""
    config.pluginmanager.register(Gatherer(config), GATHERER)
    if _is_asked(config) and not distributed.is_worker(config):
        try:
            require_checks(config)
            # Before pytest-html makes its folder, and ends with a traceback where it cannot.
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
        names_shipped_checks(str(one), config.invocation_params.dir) for one in config.args
    )


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Begin the audit where the command line asks for one; what is wrong exits with status 4."""
    config = session.config
    distributed.take_evidence(config)
    if _is_asked(config):
        try:
            begin_audit(config)
        except UsageError as error:
            raise pytest.UsageError(str(error)) from None
        gatherer_of(config).signals.install()
        if config.pluginmanager.hasplugin("html"):
            # Not for anybody else's reports, and its hooks exist only with pytest-html.
            config.pluginmanager.register(html, "nethygiene.plugin.html")
            html.tell_of_other_tests_alone(config)


def pytest_report_header(config: pytest.Config) -> str | None:
    """Say which inventory and which hosts are audited."""
    return header.header_line(config)


@pytest.hookimpl(tryfirst=True)
def pytest_collection(session: pytest.Session) -> None:
    """Register our fixtures: after those of other plugins, so that `host` is ours."""
    header.tell_hosts(session.config)
    if has_audit(session.config):
        plain.register_fixtures(session)


def pytest_pycollect_makeitem(
    collector: pytest.Module | pytest.Class, obj: object
) -> list[RuleItem] | None:
    """Make items of our own of a rule."""
    rule = rule_of(obj)
    return None if rule is None else rule_items(collector, rule)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make one test a host of a user's plain check."""
    plain.parametrize(metafunc)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(
    session: pytest.Session, config: pytest.Config, items: list[pytest.Item]
) -> Generator[None]:
    """Keep host-reachable for each host that something selected judges."""
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
    """Say which hosts are audited where it was the first rule that began the audit."""
    header.tell_hosts(session.config)


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool | None:
    """Collect what the selected rules need and judge by them; then show what they came to."""
    config = session.config
    idle = ("collectonly", "setupplan", "setuponly")
    broken = session.testsfailed and not config.option.continue_on_collection_errors
    if not has_audit(config) or distributed.has_workers(config):
        return None
    # Modules, items and results live as long as the run: without this the garbage collector walks
    # them again and again, a quarter of the CPU of judging 1,000 hosts (Python 3.11).
    gc.freeze()
    if distributed.is_worker(config):
        # The controller says which items it is to judge, one after another.
        select(audit_of(config), session.items)
        return None
    if broken or any(getattr(config.option, one) for one in idle):
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
    """Turn results into pytest's outcomes."""
    if not has_audit(item.config):
        plain.explain_missing_fixture(call)
    report = yield
    if isinstance(item, RuleItem):
        if call.when == "call" and call.excinfo is None:
            settle_report(report, item, item.results, rule_record(item.unit.rule))
        setattr(report, RULE_ITEM, True)
    else:
        plain.settle(report, item, call)
    return report


@pytest.hookimpl(tryfirst=True)
def pytest_report_teststatus(report: object) -> Status | None:
    """Name unknown, waived and not-applicable in the terminal."""
    return status_of(report)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    """Judge without pytest's set-up and capture, which rules have no use for."""
    return judge_quickly(item, nextitem) if isinstance(item, RuleItem) else None


@pytest.hookimpl(wrapper=True)
def pytest_report_to_serializable() -> Generator[None, Serialized, Serialized]:
    """Let xdist carry what hangs on a report."""
    data = yield
    pack(data)
    return data


@pytest.hookimpl(tryfirst=True)
def pytest_report_from_serializable(data: dict[str, Any]) -> None:
    """Take up what xdist carried; pytest makes the report of it."""
    unpack(data)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Close all connections."""
    if has_audit(session.config) and session.exitstatus == pytest.ExitCode.INTERRUPTED:
        # After a second Ctrl-C some may still be made, or under way; nobody waits for them.
        abandon_all()
        kill_all()
    close_kept()
    close_shared_connections()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes(config: pytest.Config) -> None:
    """Collect once, on the controller: workers judge from evidence."""
    if has_audit(config) and not config.option.collectonly:
        distributed.collect_on_controller(config, audit_of(config))


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: WorkerNode) -> None:
    """Tell a worker where the evidence is."""
    if has_audit(node.config):
        distributed.give_evidence(node.workerinput, audit_of(node.config))


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove the evidence that workers judged from, and put the signals back."""
    if has_audit(config) and not is_collecting():
        # What was given up is over: whoever connects next in this process may.
        begin_anew()
    distributed.remove_evidence(config)
    gatherer_of(config).signals.restore()

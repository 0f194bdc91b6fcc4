"""Users' plain checks: ordinary test functions that take `host` or facts, and assert.

The names that rules take as arguments are fixtures here. They are registered when an audit
runs, over Testinfra's own `host`, which would silently test this machine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import testinfra.host

from nethygiene.collect.kept import keep, kept_connection
from nethygiene.engine.audit import Audit
from nethygiene.engine.catalogue import all_probes
from nethygiene.engine.decision import Verdict, decide
from nethygiene.engine.expect import Expect, NotApplicableError
from nethygiene.engine.fact import UnreadableFact
from nethygiene.engine.items import DECLARED, Named
from nethygiene.engine.ledger import Ledger, UnreadableFactError
from nethygiene.engine.outcomes import Kind, Outcome, Reason, Severity, Unreadable
from nethygiene.engine.results import RuleRecord
from nethygiene.errors import ConnectError
from nethygiene.plugin.audit_of_run import audit_of, has_audit
from nethygiene.plugin.items import hosts_for
from nethygiene.plugin.outcome import settle_report, severities
from nethygiene.transport import CommandCutError, open_connection, testinfra_host

SUBJECT = "_nethygiene_subject"


@dataclass(frozen=True, slots=True)
class Reading:
    """The input of one plain check on one host.

    Attributes:
        audit: the run.
        host: the host's name.
        item: the declared item, None if the check takes none.
        missing_kind: the kind of item that the check takes, if the host declares none.
        ledger: records the check's reads.
    """

    audit: Audit
    host: str
    item: Named | None = None
    missing_kind: str | None = None
    ledger: Ledger = field(default_factory=Ledger)


READING = pytest.StashKey[Reading]()


def register_fixtures(session: pytest.Session) -> None:
    """Register the fixtures of an audit: `host`, `expect`, `policy`, each fact and item."""
    for name, maker in _makers().items():
        pytest.register_fixture(name=name, func=maker, node=session)


def _makers() -> dict[str, Callable[..., object]]:
    return {
        SUBJECT: _subject,
        "host": _host,
        "expect": _expect,
        "policy": _policy,
        **{name: _fact(name) for name in (*all_probes(), "connection")},
        **dict.fromkeys(DECLARED, _item),
    }


def explain_missing_fixture(call: pytest.CallInfo[None]) -> None:
    """Say how to run an audit, if a check without one asks for an audit's fixture."""
    error = call.excinfo.value if call.excinfo is not None else None
    if isinstance(error, pytest.FixtureLookupError) and error.argname in _makers():
        error.msg = (
            f"fixture '{error.argname}' not found: nethygiene has it where hosts are audited\n"
            "name the hosts: give --inventory=FILE"
        )


def parametrize(metafunc: pytest.Metafunc) -> None:
    """Make a test for each host, and for each declared item if the check takes them."""
    if SUBJECT not in metafunc.fixturenames or not has_audit(metafunc.config):
        return
    kind = next((name for name in metafunc.fixturenames if name in DECLARED), None)
    readings: list[tuple[str, Named | None, str | None]] = []
    for host in hosts_for(audit_of(metafunc.config), metafunc.module):
        items = [] if kind is None else list(DECLARED[kind](host.policy))
        readings += [(host.name, item, None) for item in items]
        if not items:
            readings.append((host.name, None, kind))
    ids = [f"{host}:{item.name}" if item else host for host, item, _ in readings]
    metafunc.parametrize(SUBJECT, readings, ids=ids, indirect=True)


def needs_connection(item: pytest.Item) -> bool:
    """Whether a plain check uses Testinfra's `host`."""
    return "host" in getattr(item, "fixturenames", ()) and host_of(item) is not None


def host_of(item: pytest.Item) -> str | None:
    """The host of a plain check, None for other tests."""
    callspec = getattr(item, "callspec", None)
    parameters = getattr(callspec, "params", {})
    return parameters[SUBJECT][0] if SUBJECT in parameters else None


def probes_of(item: pytest.Item) -> set[str]:
    """The probes that a plain check names as fixtures."""
    return set(getattr(item, "fixturenames", ())) & set(all_probes())


def _subject(request: pytest.FixtureRequest) -> Reading:
    host, item, missing = request.param
    reading = Reading(audit_of(request.config), host, item, missing)
    request.node.stash[READING] = reading
    return reading


def _host(_nethygiene_subject: Reading) -> Iterator[testinfra.host.Host]:
    reading = _nethygiene_subject
    audit, name = reading.audit, reading.host
    target = audit.hosts[name].target
    if not audit.is_live:
        detail = "evidence has no connection: run this check against the live host"
        reading.ledger.cannot_read(Unreadable(Reason.FROM_EVIDENCE, "host", detail))
    failure = audit.subject(name).transcript.failure
    if failure is not None:
        detail = "the host could not be reached: see host-reachable"
        reading.ledger.cannot_read(Unreadable(Reason.UNREACHABLE, "host", detail))
    connection = kept_connection(name)
    if connection is None:
        try:
            connection = open_connection(target, audit.settings.connect)
        except ConnectError as error:
            reading.ledger.cannot_read(Unreadable(Reason.UNREACHABLE, "host", str(error)))
        keep(name, connection)
    yield testinfra_host(connection, target)


def _expect(_nethygiene_subject: Reading) -> Expect:
    return Expect(_nethygiene_subject.ledger)


def _policy(_nethygiene_subject: Reading) -> object:
    return _nethygiene_subject.audit.hosts[_nethygiene_subject.host].policy


def _item(_nethygiene_subject: Reading) -> object:
    reading = _nethygiene_subject
    if reading.item is None:
        why = f"the host's policy declares no {reading.missing_kind}"
        raise NotApplicableError(why, Reason.NOT_DECLARED)
    return reading.item


def _fact(name: str) -> Callable[..., object]:
    def fact(_nethygiene_subject: Reading) -> object:
        reading = _nethygiene_subject
        value = reading.audit.subject(reading.host).fact(name)
        if isinstance(value, Unreadable):
            return UnreadableFact(value, reading.ledger)
        return value.bound_to(reading.ledger)

    return fact


def verdict_of(reading: Reading, call: pytest.CallInfo[None]) -> Verdict:
    """The verdict of a plain check: a failed assertion fails it; an unreadable fact is unknown."""
    ledger = reading.ledger
    error = call.excinfo.value if call.excinfo is not None else None
    crash: BaseException | None = None
    inapplicable: NotApplicableError | None = None
    match error:
        case None:
            pass
        case UnreadableFactError():
            ledger.note_unreadable(error.unreadable)
        case CommandCutError():
            ledger.note_unreadable(Unreadable(Reason.CUT_OFF, "host", str(error)))
        case NotApplicableError():
            inapplicable = error
        case pytest.skip.Exception():
            inapplicable = NotApplicableError(error.msg or "skipped", Reason.NOT_THIS_HOST)
        case AssertionError() | pytest.fail.Exception():
            ledger.fail(str(error).split("\n", 1)[0] or type(error).__name__)
        case _:
            crash = error
    item = reading.item.name if reading.item is not None else None
    return decide(ledger, item, crash=crash, inapplicable=inapplicable)


def settle(report: pytest.TestReport, item: pytest.Item, call: pytest.CallInfo[None]) -> None:
    """Give the report of a plain check its outcome, after its run or a set-up that raised."""
    reading = item.stash.get(READING, None)
    settled = call.when == "call" or (call.when == "setup" and call.excinfo is not None)
    if reading is None or not settled:
        return
    record = record_of(item)
    shown = report.longrepr
    result = reading.audit.settle(
        record.id, record.severity, reading.host, verdict_of(reading, call)
    )
    settle_report(report, item, [result], record)
    # pytest's own page of a failed assertion shows more than our line.
    if result.outcome is Outcome.FAILED and shown is not None:
        report.longrepr = shown


def record_of(item: pytest.Item) -> RuleRecord:
    """A plain check as a rule in the results, with its docstring as the title."""
    function: Any = getattr(item, "function", None)
    documentation = (getattr(function, "__doc__", None) or "").strip()
    marks = {mark.name for mark in item.iter_markers()}
    name = getattr(item, "originalname", None) or item.name
    kind = next((kind for kind in Kind if kind.value in marks), Kind.STATE)
    return RuleRecord(
        id=name.removeprefix("test_").replace("_", "-"),
        version=1,
        title=documentation.split("\n", 1)[0].removesuffix("."),
        severity=severities(marks) or Severity.MEDIUM,
        kind=kind,
        incidents=(),
        why="",
        remedy="",
        references=(),
    )

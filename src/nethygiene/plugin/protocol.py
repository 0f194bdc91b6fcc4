"""Runs the items of rules without pytest's own protocol, which costs more than a verdict.

pytest's own protocol sets up fixtures, logging and capture three times an item: 0.36 ms, where
judging takes 0.1 ms (pytest 9.2). Rules have no fixtures and print nothing. The last item of a
module and items that raise go through pytest's own protocol.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from itertools import zip_longest
from types import MappingProxyType
from typing import Any, Literal

import pytest

from nethygiene.engine.records import rule_record
from nethygiene.plugin.items import RuleItem
from nethygiene.plugin.other_tests import OtherTests
from nethygiene.plugin.outcome import RULE_ITEM, settle_report


def show_items(session: pytest.Session) -> bool:
    """Run all items as pytest's own loop does, but rules without a protocol.

    pytest's loop calls a hook for each item, around which plugins for test functions catch
    warnings and set up assertions: a quarter of the CPU of a large fleet's run.

    Raises:
        Session.Failed: -x or --maxfail ends the run.
        Session.Interrupted: another plugin ends it.
    """
    items = session.items
    for item, nextitem in zip_longest(items, items[1:]):
        if not (isinstance(item, RuleItem) and judge_quickly(item, nextitem)):
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=nextitem)
        if session.shouldfail:
            raise session.Failed(session.shouldfail)
        if session.shouldstop:
            raise session.Interrupted(session.shouldstop)
    return True


def judge_quickly(item: RuleItem, nextitem: pytest.Item | None) -> bool | None:
    """Judge an item and report it.

    Returns:
        True, or None for an item that is left to pytest's own protocol: the last of a module
        (whose set-up may have to be torn down), an item that raises (a bug of ours, which pytest
        shows well), and all items under a debugger or --setup-show.
    """
    config = item.config
    last = nextitem is None or nextitem.parent is not item.parent
    if last or config.getvalue("usepdb") or config.getvalue("setupshow"):
        return None
    start = time.time()
    try:
        item.runtest()
    except Exception:  # noqa: BLE001 - pytest runs it again, and shows the traceback
        return None
    stop = time.time()
    hook = item.ihook
    hook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    is_heard = _is_awaited(config)
    call = _report(item, "call", start, stop, is_heard=is_heard)
    settle_report(call, item, item.results, rule_record(item.unit.rule), is_heard=is_heard)
    hook.pytest_runtest_logreport(report=call)
    if is_heard:
        hook.pytest_runtest_logreport(report=_report(item, "teardown", stop, stop, is_heard=True))
    hook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True


# These plugins do not need the report of a tear-down that passed. JUnit's and other plugins finish
# a test with it. The terminal would keep it: that is half of all reports of a large fleet.
_INDIFFERENT = frozenset(
    {"lfplugin", "logging-plugin", "nethygiene.plugin.session_end", "session", "terminalreporter"}
)
_AWAITED = pytest.StashKey[bool]()


def _is_awaited(config: pytest.Config) -> bool:
    """Whether a plugin may wait for the report of a tear-down."""
    if _AWAITED not in config.stash:
        implementations = config.hook.pytest_runtest_logreport.get_hookimpls()
        config.stash[_AWAITED] = not _INDIFFERENT.issuperset(
            hook.plugin_name for hook in implementations if not isinstance(hook.plugin, OtherTests)
        )
    return config.stash[_AWAITED]


_NO_KEYWORDS: Mapping[str, Literal[1]] = MappingProxyType({})
_NOTHING: list[Any] = []  # reports that only the terminal hears of share it


def _report(
    item: RuleItem, when: str, start: float, stop: float, *, is_heard: bool
) -> pytest.TestReport:
    made = pytest.TestReport(
        nodeid=item.id,
        location=item.location,
        keywords={} if is_heard else _NO_KEYWORDS,
        outcome="passed",
        longrepr=None,
        when=when,  # type: ignore[arg-type]
        duration=stop - start,
        start=start,
        stop=stop,
        user_properties=item.user_properties,
    )
    if not is_heard:
        made.sections = made.user_properties = _NOTHING
    setattr(made, RULE_ITEM, True)
    return made

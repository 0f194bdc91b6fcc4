"""Fixtures that all tests share."""

from __future__ import annotations

import signal

import pytest

# Python ignores these by itself, and subprocess gives them back to children.
_IGNORED_BY_PYTHON = {signal.SIGPIPE, signal.SIGXFSZ}


def pytest_configure(config: pytest.Config) -> None:
    """Bring pytest's own plugin for testing plugins: here, since an audit has no use for it."""
    if not config.pluginmanager.hasplugin("pytester"):
        config.pluginmanager.import_plugin("pytester")
    runs_tests_itself = hasattr(config, "workerinput") or not config.getoption("tx", None)
    if runs_tests_itself:
        _keep_ignored_signals_to_ourselves()


def _keep_ignored_signals_to_ourselves() -> None:
    """Start children with the signals of a process in a terminal.

    `nohup` and the background jobs of a script start this run with SIGHUP or SIGINT ignored, and
    whatever is ignored stays so across exec: audits, hosts of the lab and their servers would not
    hear the signals that tests send to them. A handler that does nothing ignores as well, for this
    process alone.
    """
    for number in signal.valid_signals() - _IGNORED_BY_PYTHON:
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, lambda _number, _frame: None)

"""Checks that there are checks to run: an audit without any would look at nothing."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from nethygiene.errors import UsageError
from nethygiene.plugin.audit_of_run import has_audit
from nethygiene.plugin.selection import hosts_of
from nethygiene.shipped import shipped_folder

_ADD = "`pytest checks …` in the clone, `pytest --pyargs nethygiene.checks …` elsewhere"


def require_checks(config: pytest.Config) -> None:
    """Check that an audit in the clone does not run the tests of nethygiene itself.

    Raises:
        UsageError: it would run them.
    """
    by_default = config.args_source is pytest.Config.ArgsSource.TESTPATHS
    if by_default and config.rootpath == shipped_folder():
        raise UsageError(
            f"no checks are named, and nethygiene's own tests are none: add them: {_ADD}"
        )


def require_hosts(session: pytest.Session, items: Iterable[pytest.Item]) -> None:
    """Check that the tests that pytest finds by itself have checks of hosts among them.

    Raises:
        pytest.UsageError: there are none.
    """
    config = session.config
    named = config.args_source is pytest.Config.ArgsSource.ARGS
    if has_audit(config) and not named and not session.testsfailed and not hosts_of(items):
        raise pytest.UsageError(
            f"no checks are named, and {config.invocation_params.dir} holds none: add them: {_ADD}"
        )

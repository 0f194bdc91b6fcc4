"""Where the run's state hangs on pytest's objects."""

from __future__ import annotations

import pytest

from nethygiene.errors import UsageError
from nethygiene.plugin.audit import Audit
from nethygiene.plugin.options import read_options

AUDIT = pytest.StashKey[Audit]()


def has_audit(config: pytest.Config) -> bool:
    """Whether this pytest run audits hosts."""
    return AUDIT in config.stash


def audit_of(config: pytest.Config) -> Audit:
    """The run's audit; begun now where a rule is met without `--inventory`.

    Without that option nothing is known before the first rule is collected: in someone else's
    test suite there is none, and the plugin stays out of the way.
    """
    if not has_audit(config):
        try:
            begin_audit(config)
        except UsageError as error:
            pytest.exit(f"ERROR: {error}", returncode=pytest.ExitCode.USAGE_ERROR)
    return config.stash[AUDIT]


def begin_audit(config: pytest.Config) -> None:
    """Read the options, the inventory and the evidence.

    Raises:
        UsageError: one of them is wrong.
    """
    config.stash[AUDIT] = Audit(read_options(config))

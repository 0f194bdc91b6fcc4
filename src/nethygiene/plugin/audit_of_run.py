"""The audit of a pytest run, kept in its config."""

from __future__ import annotations

import pytest

from nethygiene.engine.audit import Audit
from nethygiene.errors import UsageError
from nethygiene.plugin.distributed import is_worker
from nethygiene.plugin.options import read_options
from nethygiene.plugin.report_files import check_report_files, remove_older

AUDIT = pytest.StashKey[Audit]()


def has_audit(config: pytest.Config) -> bool:
    """Whether this pytest run audits hosts."""
    return AUDIT in config.stash


def audit_of(config: pytest.Config) -> Audit:
    """The run's audit, which begins now if there is none yet.

    Without an option of ours the audit begins with the first rule that pytest collects: a test
    suite without rules has no audit.
    """
    if not has_audit(config):
        try:
            begin_audit(config)
        except UsageError as error:
            pytest.exit(f"ERROR: {error}", returncode=pytest.ExitCode.USAGE_ERROR)
    return config.stash[AUDIT]


def begin_audit(config: pytest.Config) -> None:
    """Read the options, the inventory and the evidence, and check that reports can be written.

    Raises:
        UsageError: one of them is wrong.
    """
    audit = Audit(read_options(config))
    if not is_worker(config):
        check_report_files(config)
        if not config.option.collectonly:
            remove_older(config)
    config.stash[AUDIT] = audit

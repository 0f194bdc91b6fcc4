"""The first line of a run, which names the inventory and the audited hosts.

Without it, a run on the wrong hosts looks like a run without findings.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from nethygiene.engine.audit import Audit
from nethygiene.plugin.audit_of_run import audit_of, has_audit
from nethygiene.plugin.distributed import is_worker
from nethygiene.report.text import printable

if TYPE_CHECKING:
    from _pytest.terminal import TerminalReporter

_NAMED = 5
_PRINTED = pytest.StashKey[bool]()


def header_line(config: pytest.Config) -> str | None:
    """The line, once; None if no audit has begun, or after the first call."""
    if not has_audit(config) or config.stash.get(_PRINTED, False):
        return None
    config.stash[_PRINTED] = True
    return hosts_line(audit_of(config))


def hosts_line(audit: Audit) -> str:
    """``inventory: /x/hosts.yaml, 3 hosts: web-1, web-2, web-3``."""
    settings = audit.settings
    source = audit.plan.path
    if settings.from_evidence is not None and settings.inventory is None:
        parts = [f"evidence: {source}"]
    else:
        parts = [
            f"inventory: {source}"
            + (" (default: this machine)" if settings.inventory is None else "")
        ]
        if settings.from_evidence is not None:
            parts.append(f"evidence: {settings.from_evidence}")
    if settings.limit is not None:
        parts.append(f"limited to {settings.limit}")
    names = list(audit.hosts)
    more = ", …" if len(names) > _NAMED else ""
    count = f"{len(names):,} host{'' if len(names) == 1 else 's'}"
    parts.append(f"{count}: {', '.join(names[:_NAMED])}{more}")
    return printable(", ".join(parts))


def print_hosts(config: pytest.Config) -> None:
    """Print the line if no header did: with -q, and if the audit began with a rule."""
    is_list = config.option.collectonly and config.get_verbosity() < 0
    if is_worker(config) or is_list:
        return
    reporter: TerminalReporter | None = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None and (line := header_line(config)) is not None:
        reporter.ensure_newline()
        reporter.write_line(line)

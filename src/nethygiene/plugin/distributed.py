"""Support of pytest-xdist: the controller collects once, and workers judge from its evidence."""

from __future__ import annotations

import dataclasses
import tempfile
from pathlib import Path
from typing import Any

import pytest

from nethygiene.engine.audit import Audit
from nethygiene.engine.catalogue import all_probes
from nethygiene.engine.collecting import collect
from nethygiene.errors import UsageError
from nethygiene.plugin.progress import with_progress
from nethygiene.redaction.keeping import keep_evidence

_WORKER_KEY = "nethygiene_evidence"
_FOLDER = pytest.StashKey[tempfile.TemporaryDirectory[str]]()


def is_worker(config: pytest.Config) -> bool:
    """Whether this process is a worker of xdist."""
    return hasattr(config, "workerinput")


def has_workers(config: pytest.Config) -> bool:
    """Whether this process is the controller of workers."""
    return config.pluginmanager.hasplugin("dsession")


def take_evidence(config: pytest.Config) -> None:
    """Let a worker judge from the controller's evidence, and write no files."""
    if is_worker(config):
        handed: dict[str, Any] = getattr(config, "workerinput")  # noqa: B009 - xdist's own
        if _WORKER_KEY in handed:
            config.option.from_evidence = handed[_WORKER_KEY]
            config.option.evidence = None
            config.option.results = None


def collect_on_controller(config: pytest.Config, audit: Audit) -> None:
    """Collect all hosts into an evidence file for the workers.

    All probes are sent: the controller does not know which items the workers select.
    """
    if not audit.is_live:
        return
    path = audit.settings.evidence
    if path is None:
        folder = tempfile.TemporaryDirectory(prefix="nethygiene-")
        config.stash[_FOLDER] = folder
        path = Path(folder.name) / "evidence.jsonl"
        audit.settings = dataclasses.replace(audit.settings, evidence=path)
    probes = dict.fromkeys(audit.hosts, all_probes())
    collect(audit, probes, audit.note, with_progress, keep_evidence)


def give_evidence(workerinput: dict[str, Any], audit: Audit) -> None:
    """Pass the path of the evidence to a worker."""
    settings = audit.settings
    path = settings.evidence if audit.is_live else settings.from_evidence
    if path is None:
        raise UsageError("xdist: workers were started before the hosts were collected")
    workerinput[_WORKER_KEY] = str(path)


def remove_evidence(config: pytest.Config) -> None:
    """Remove evidence that only workers needed."""
    folder = config.stash.get(_FOLDER, None)
    if folder is not None:
        folder.cleanup()

"""Fixtures that all tests share."""

from __future__ import annotations

import pytest


def pytest_configure(config: pytest.Config) -> None:
    """Bring pytest's own plugin for testing plugins: here, since an audit has no use for it."""
    if not config.pluginmanager.hasplugin("pytester"):
        config.pluginmanager.import_plugin("pytester")

"""One real run, whose results file the tests look at."""

from __future__ import annotations

import pytest

from tests.unit.engine.results.run import Ran, run_suite


@pytest.fixture(scope="session")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """One run for all tests of its results file."""
    return run_suite(tmp_path_factory.mktemp("results"))

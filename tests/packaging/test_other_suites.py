"""Installed beside someone else's test suite, the plugin stays out of the way."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.packaging.installing import Environment

# The names that an audit registers as fixtures, here with another meaning.
CONFTEST = """
import pytest

@pytest.fixture
def host():
    return "their host"

@pytest.fixture(params=["a", "b"])
def service(request):
    return request.param

@pytest.fixture
def policy(host):
    return [host]
"""
PASSING = """
def test_theirs(host, service, policy):
    assert (host, policy) == ("their host", ["their host"]) and service in "ab"
"""
FAILING = """
import pytest

def test_fails(service):
    assert service == "a", "their message"

@pytest.mark.skip(reason="their reason")
def test_skipped():
    pass

@pytest.mark.xfail(strict=True)
def test_xfailed():
    assert False

def test_errs(no_such_fixture):
    pass
"""


@pytest.mark.parametrize(
    ("source", "status"), [(PASSING, 0), (FAILING, 1), ("", 5), ("import nothing_there", 2)]
)
def test_output_and_exit_status_are_the_same(
    bare: Environment, installed: Environment, tmp_path: Path, source: str, status: int
) -> None:
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "test_theirs.py").write_text(source)
    without = bare.pytest("-ra", cwd=tmp_path)
    beside = installed.pytest("-ra", cwd=tmp_path)
    assert "nethygiene" in beside.stdout
    assert _comparable(beside.stdout) == _comparable(without.stdout)
    assert (beside.returncode, without.returncode) == (status, status)


def _comparable(output: str) -> list[str]:
    """Without what differs from run to run, and the list of plugins."""
    timeless = re.sub(r"=* ?(.*) in \d+\.\d+s ?=*", r"\1", output)
    return [line for line in timeless.splitlines() if not line.startswith("plugins:")]

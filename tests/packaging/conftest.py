"""nethygiene as its users have it: a wheel, an editable install, a clone."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.packaging.installing import Environment, build_wheel, copy_sources, fresh_environment


@pytest.fixture(scope="session")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the clone."""
    return copy_sources(tmp_path_factory.mktemp("clone"))


@pytest.fixture(scope="session")
def wheel(clone: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the source distribution."""
    return build_wheel(clone, tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="session")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """An environment with the dependencies alone."""
    return fresh_environment(tmp_path_factory.mktemp("bare"))


@pytest.fixture(scope="session")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """An environment with the wheel."""
    environment = fresh_environment(tmp_path_factory.mktemp("installed"))
    environment.install(str(wheel))
    return environment


@pytest.fixture(scope="session")
def editable(clone: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """An environment with the clone installed editable."""
    environment = fresh_environment(tmp_path_factory.mktemp("editable"))
    environment.install("--editable", str(clone))
    return environment

"""What `make` installs is locked, by hash, and is what pyproject.toml asks for."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement

from tests.packaging.installing import ROOT

PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
EXTRAS = PROJECT["project"]["optional-dependencies"]
GROUPS = PROJECT["dependency-groups"]
RUN = [*PROJECT["project"]["dependencies"], *GROUPS["build"]]
FILES = {
    "run.txt": RUN,
    "dev.txt": [*RUN, *EXTRAS["dev"]],
    "fuzz.txt": EXTRAS["fuzz"],
    "uv.txt": GROUPS["lock"],
}
_PIN = re.compile(r"^(\S[^\n]*?)((?: \\\n +--hash=sha256:[0-9a-f]{64})*)$", re.MULTILINE)


def pins(name: str) -> list[tuple[Requirement, bool]]:
    """Each requirement of a lock, and whether it has a hash."""
    text = (ROOT / "requirements" / name).read_text(encoding="utf-8")
    lines = re.sub(r"^ *#.*\n", "", text, flags=re.MULTILINE)
    return [(Requirement(pin), bool(hashes)) for pin, hashes in _PIN.findall(lines)]


def canonical(name: str) -> str:
    """A package's name as the locks spell it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def versions(name: str, python: str) -> dict[str, str]:
    """The version of each package that a Python installs from a lock."""
    versions = {"python_version": python, "python_full_version": f"{python}.0"}
    environment = {key: str(value) for key, value in default_environment().items()} | versions
    return {
        canonical(pin.name): next(iter(pin.specifier)).version
        for pin, _ in pins(name)
        if pin.marker is None or pin.marker.evaluate(environment)
    }


@pytest.mark.parametrize("name", FILES)
def test_every_package_is_one_version_with_hashes(name: str) -> None:
    assert pins(name)
    for pin, has_hash in pins(name):
        assert has_hash, f"{name}: {pin} has no hash"
        assert [one.operator for one in pin.specifier] == ["=="], f"{name}: {pin}"


@pytest.mark.parametrize("python", ["3.11", "3.14"])
@pytest.mark.parametrize("name", FILES)
def test_what_is_asked_for_is_locked(name: str, python: str) -> None:
    found = versions(name, python)
    for text in FILES[name]:
        asked = Requirement(text)
        if asked.marker is None or asked.marker.evaluate({"python_version": python}):
            version = found.get(canonical(asked.name))
            assert version is not None, f"{asked} is not in requirements/{name}: run make lock"
            assert asked.specifier.contains(version), f"{asked}, not {version}: run make lock"


def test_an_audit_runs_with_the_versions_that_were_tested() -> None:
    dev = versions("dev.txt", "3.11")
    for name in ("run.txt", "fuzz.txt"):
        ours = versions(name, "3.11")
        assert {one: dev[one] for one in ours if one in dev} == {
            one: version for one, version in ours.items() if one in dev
        }
    assert set(versions("run.txt", "3.11")) <= set(dev)


def test_the_clone_is_installed_by_the_backend_that_it_asks_for() -> None:
    assert PROJECT["build-system"]["requires"] == GROUPS["build"]


def test_make_installs_nothing_that_is_not_locked() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    installs = [line for line in makefile.splitlines() if re.search(r"\binstall\b.*--quiet", line)]
    assert len(installs) == 2, "pip once, and uv for the environments of newest and oldest"
    uses = [line for line in makefile.splitlines() if "$(PIP_INSTALL)" in line]
    assert all("--require-hashes" in one or "--no-deps --no-index" in one for one in uses)
    assert len(uses) == 2


def test_versions_are_declared_from_below() -> None:
    """`make test-oldest` tests them: what has no bound there is tested with something ancient."""
    for text in (*RUN, *EXTRAS["dev"]):
        asked = Requirement(text)
        assert any(one.operator in {">=", "~="} for one in asked.specifier), text


def test_the_folder_holds_nothing_else() -> None:
    assert {one.name for one in Path(ROOT / "requirements").iterdir()} == {*FILES, "README.md"}

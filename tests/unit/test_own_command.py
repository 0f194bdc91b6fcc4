"""The form of the command that works where a message is read."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from nethygiene.own_command import own_command, where_it_is

NOT_FOUND = "install what `nethygiene\n    sudoers --user LOGIN` prints"


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An environment whose Python runs this test, with a console script in it."""
    folder = tmp_path / "an environment" / "bin"
    folder.mkdir(parents=True)
    script = folder / "nethygiene"
    script.write_text("#!/bin/sh\necho ran\n")
    script.chmod(0o755)
    (folder / "python").symlink_to(sys.executable)
    monkeypatch.setattr(sys, "executable", str(folder / "python"))
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    return folder


def runs(command: str) -> bool:
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
    return done.stdout == "ran\n"


def test_on_the_path_the_name_is_enough(installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{installed}:/usr/bin:/bin")
    assert own_command() == "nethygiene"
    assert runs(own_command())
    assert where_it_is(NOT_FOUND) is None


def test_a_link_on_the_path_is_the_same(
    installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / "nethygiene").symlink_to(installed / "nethygiene")
    monkeypatch.setenv("PATH", f"{tmp_path / 'links'}:/usr/bin:/bin")
    assert own_command() == "nethygiene"


def test_another_installation_on_the_path_is_not_this_one(
    installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "nethygiene"
    other.write_text("#!/bin/sh\necho another\n")
    other.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert own_command() == f"'{installed}/nethygiene'"
    assert runs(own_command())


def test_elsewhere_it_is_a_path(installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert own_command() == f"'{installed}/nethygiene'"
    assert runs(own_command())
    monkeypatch.chdir(installed.parents[1])
    assert own_command() == "'an environment/bin/nethygiene'"
    assert runs(own_command())
    monkeypatch.chdir(installed)
    assert own_command() == "./nethygiene"
    assert runs(own_command())
    told = where_it_is(NOT_FOUND)
    assert told is not None
    assert own_command() in told
    assert where_it_is("nothing of `nethygiene`, which is a name") is None


def test_without_a_script_it_is_a_module(installed: Path) -> None:
    (installed / "nethygiene").unlink()
    assert own_command() == f"'{installed}/python' -m nethygiene"

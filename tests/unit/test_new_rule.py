"""`make rule`: what it writes, and that nothing of it stays unwritten."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
import yaml

from tests.cases.case import CASES, CaseFile
from tests.new_rule import begin

ROOT = Path(__file__).parents[2]


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    (tmp_path / "checks").mkdir()
    (tmp_path / "tests" / "cases").mkdir(parents=True)
    (tmp_path / "CHANGELOG.md").write_text(
        "# Changelog\n\n## Unreleased\n\n### Rules\n\n- One.\n\n### Reports\n\n- Two.\n\n## 0.1.0\n"
    )
    return tmp_path


def test_it_writes_a_module_three_cases_and_a_line_for_users(clone: Path) -> None:
    begin(clone, "tcp-sack-enabled", "net.ipv4.tcp_sack", 1, 0)
    module = (clone / "checks" / "test_tcp_sack_enabled.py").read_text()
    ast.parse(module)
    assert "def test_tcp_sack_enabled(sysctl: Sysctls, expect: Expect)" in module
    assert "`sysctl -w net.ipv4.tcp_sack=1`" in module
    cases = sorted((clone / "tests" / "cases" / "tcp-sack-enabled").iterdir())
    assert [path.stem for path in cases] == ["not-readable.unknown", "not-set.failed", "set.passed"]
    for path in cases:
        # As the recorder reads it, before there are sections.
        CaseFile.model_validate({**yaml.safe_load(path.read_text()), "sections": {}})
    changed = (clone / "CHANGELOG.md").read_text()
    assert "- One.\n- `tcp-sack-enabled`: TODO" in changed
    assert changed.endswith("\n\n### Reports\n\n- Two.\n\n## 0.1.0\n")


@pytest.mark.parametrize(
    ("name", "sysctl", "good", "says"),
    [
        ("tcp_sack", "net.ipv4.tcp_sack", 1, "NAME=tcp_sack"),
        ("../../etc", "net.ipv4.tcp_sack", 1, "NAME=../../etc"),
        ("tcp-sack-enabled", "tcp_sack'", 1, "SYSCTL=tcp_sack'"),
        ("tcp-sack-enabled", "net.ipv4.tcp_sack", 0, "the same"),
        ("there-already", "net.ipv4.tcp_sack", 1, "choose another NAME"),
    ],
)
def test_what_it_cannot_take_it_refuses_and_leaves_nothing(
    clone: Path, name: str, sysctl: str, good: int, says: str
) -> None:
    (clone / "checks" / "test_there_already.py").touch()
    before = sorted(clone.rglob("*"))
    with pytest.raises(ValueError, match=says):
        begin(clone, name, sysctl, good, 0)
    assert sorted(clone.rglob("*")) == before


def test_nothing_is_left_to_be_written() -> None:
    files = [*(ROOT / "checks").glob("*.py"), *CASES.glob("*/*.yaml"), ROOT / "CHANGELOG.md"]
    assert [path for path in files if "TODO" in path.read_text("utf-8")] == []

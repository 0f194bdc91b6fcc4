"""`make release`: what was unreleased becomes a version, and nothing else changes."""

from __future__ import annotations

import datetime
import re
from pathlib import Path

import pytest

import nethygiene
from tests.release import declared, released

ROOT = Path(__file__).parents[2]
DAY = datetime.date(2026, 3, 1)
BEFORE = "# Changelog\n\n## Unreleased\n\n### Rules\n\n- New.\n\n## 0.1.0 - 2026-01-01\n\n- Old.\n"


def test_what_was_unreleased_is_the_versions() -> None:
    after = released(BEFORE, "0.2.0", DAY)
    assert after == BEFORE.replace("Unreleased\n", "Unreleased\n\n## 0.2.0 - 2026-03-01\n")
    with pytest.raises(ValueError, match="so nothing is new"):
        released(after, "0.3.0", DAY)


@pytest.mark.parametrize("version", ["0.2", "v0.2.0", "0.2.0rc1", "0.02.0", "", "0.1.0", "0.0.9"])
def test_a_version_that_cannot_be_the_next_is_refused(version: str) -> None:
    with pytest.raises(ValueError, match=f"VERSION={version}"):
        released(BEFORE, version, DAY)


def test_a_line_that_is_not_written_yet_is_refused() -> None:
    with pytest.raises(ValueError, match="TODO"):
        released(BEFORE.replace("New", "TODO"), "0.2.0", DAY)


def test_the_changelog_as_it_is_can_be_released() -> None:
    text = (ROOT / "CHANGELOG.md").read_text("utf-8")
    # Right after a release nothing is new.
    text = text.replace("## Unreleased\n", "## Unreleased\n\n- New.\n", 1)
    assert "\n## 999.0.0 - 2026-03-01\n\n- New.\n" in released(text, "999.0.0", DAY)


def test_the_version_stands_in_one_place() -> None:
    source = (ROOT / "src" / "nethygiene" / "__init__.py").read_text("utf-8")
    namespace: dict[str, str] = {}
    exec(declared(source, "999.0.0"), namespace)
    assert namespace["__version__"] == "999.0.0"
    with pytest.raises(ValueError, match="choose a later one"):
        declared(source, "0.0.1")
    project = (ROOT / "pyproject.toml").read_text("utf-8")
    assert re.search(r'^version = \{ attr = "nethygiene.__version__" \}$', project, re.MULTILINE)
    assert nethygiene.__version__ not in project

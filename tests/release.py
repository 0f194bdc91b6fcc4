"""Gives what is unreleased a version: in the changelog, and in the package.

::

    make release VERSION=0.2.0

It commits, tags and uploads nothing: RELEASING.md says what comes before and after.
"""

from __future__ import annotations

import argparse
import datetime
import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]

_VERSION = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)", re.ASCII)
_DECLARED = re.compile(r'^__version__ = "(.*)"$', re.MULTILINE)
_RELEASED = re.compile(r"^## \[?(\d\S*?)\]?(?: |$)", re.MULTILINE)
_UNRELEASED = re.compile(r"^## Unreleased\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)


def released(changelog: str, version: str, day: datetime.date) -> str:
    """The changelog in which all that was unreleased is this version's.

    Raises:
        ValueError: the version is none, or is there already, or nothing is unreleased.
    """
    if not _VERSION.fullmatch(version):
        raise ValueError(f"VERSION={version}: three numbers with dots, such as 0.2.0")
    before = _RELEASED.findall(changelog)
    if before and _numbers(before[0]) >= _numbers(version):
        raise ValueError(
            f"VERSION={version}: CHANGELOG.md has {before[0]} already, choose a later one"
        )
    unreleased = _UNRELEASED.search(changelog)
    if unreleased is None or not unreleased[1].strip():
        raise ValueError("CHANGELOG.md: nothing stands under `## Unreleased`, so nothing is new")
    if "TODO" in unreleased[1]:
        raise ValueError("CHANGELOG.md: a line under `## Unreleased` is still TODO")
    heading = f"## Unreleased\n\n## {version} - {day.isoformat()}\n"
    return changelog[: unreleased.start()] + heading + changelog[unreleased.start(1) :]


def declared(source: str, version: str) -> str:
    """The package's source with this version in it.

    Raises:
        ValueError: it declares none, or a later one.
    """
    found = _DECLARED.search(source)
    if found is None:
        raise ValueError("src/nethygiene/__init__.py has no line `__version__ = ...`")
    if _numbers(found[1]) > _numbers(version):
        raise ValueError(f"VERSION={version}: the package is {found[1]}, choose a later one")
    return source[: found.start(1)] + version + source[found.end(1) :]


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version))


def main() -> int:
    """Read the command line."""
    parser = argparse.ArgumentParser("python -m tests.release", description=__doc__)
    parser.add_argument("version")
    version = parser.parse_args().version
    changelog, package = ROOT / "CHANGELOG.md", ROOT / "src" / "nethygiene" / "__init__.py"
    today = datetime.datetime.now(datetime.UTC).date()
    try:
        changed = released(changelog.read_text("utf-8"), version, today)
        source = declared(package.read_text("utf-8"), version)
    except ValueError as error:
        sys.stderr.write(f"{error}\n")
        return 4
    changelog.write_text(changed, "utf-8")
    package.write_text(source, "utf-8")
    sys.stdout.write(
        f"CHANGELOG.md and nethygiene.__version__ say {version}. RELEASING.md goes on.\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())

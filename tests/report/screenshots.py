"""Pictures of the report, for the README and for looking at: ``make screenshots``."""

from __future__ import annotations

import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, Page

from tests.lab import requirements
from tests.report.browser import browser, chromium
from tests.report.showcase import Showcase, make_showcase

FOLDER = Path(__file__).parents[2] / "docs" / "screenshots"


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture.

    Attributes:
        name: of the file.
        report: the file that a run wrote.
        fragment: the address that is opened.
        scheme: light or dark.
        width: pixels.
    """

    name: str
    report: Path
    fragment: str = ""
    scheme: str = "light"
    width: int = 1280


def pictures(made: Showcase) -> list[Picture]:
    """All of them."""
    finding = "#rule=accept-queue-not-overflowing"
    cell = "#cell=db-2/accept-queue-not-overflowing"
    return [
        Picture("healthy", made.healthy),
        Picture("broken", made.broken),
        Picture("broken-finding-dark", made.broken, finding, scheme="dark"),
        Picture("broken-phone", made.broken, finding, width=390),
        Picture("broken-cell", made.broken, cell, scheme="dark"),
        Picture("fleet", made.fleet),
        Picture("fleet-group", made.fleet, "#rule=somaxconn-covers-backlog"),
        Picture("fleet-matrix", made.fleet, "#matrix"),
    ]


def take(started: Browser, picture: Picture, folder: Path) -> Path:
    """Take one picture; returns its file."""
    page: Page = started.new_page(
        color_scheme="dark" if picture.scheme == "dark" else "light",
        viewport={"width": picture.width, "height": 900},
    )
    page.goto(picture.report.as_uri() + picture.fragment)
    page.locator("#nh-rows td").first.wait_for()
    page.wait_for_timeout(200)
    made = folder / f"{picture.name}.png"
    page.screenshot(path=made)
    page.close()
    return made


def main() -> int:
    """Take all pictures into docs/screenshots/, and print what the terminal said."""
    missing = requirements.missing()
    if missing is None and chromium() is None:
        missing = "chromium is not installed: apt-get install chromium"
    if missing is not None:
        print(missing, file=sys.stderr)  # noqa: T201
        return 1
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch, browser() as started:
        made = make_showcase(Path(scratch))
        for picture in pictures(made):
            print(take(started, picture, FOLDER))  # noqa: T201
        terminal = FOLDER / "broken.txt"
        # Above it pytest tells of this machine: its Python, plugins and folders.
        told = made.terminal[made.terminal.index("collected ") :]
        terminal.write_text(told, encoding="utf-8")
        print(terminal)  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())

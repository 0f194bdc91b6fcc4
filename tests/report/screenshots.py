"""Pictures of the report, for the README and for looking at: ``make screenshots``."""

from __future__ import annotations

import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, Page

from nethygiene.results import Run
from tests.report import runs
from tests.report.browser import browser, chromium
from tests.report.document import document

FOLDER = Path(__file__).parents[2] / "docs" / "screenshots"


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture.

    Attributes:
        name: of the file.
        run: what the report is of.
        fragment: the address that is opened.
        scheme: light or dark.
        width: pixels.
        is_whole: the whole page, not only what is seen at first.
    """

    name: str
    run: Run
    fragment: str = ""
    scheme: str = "light"
    width: int = 1280
    is_whole: bool = False


def pictures() -> list[Picture]:
    """All of them."""
    fleet = runs.fleet(1000)
    cell = "#cell=web-1/accept-queue-not-overflowing"
    return [
        Picture("healthy", runs.healthy(), is_whole=True),
        Picture("broken", runs.mixed()),
        Picture("broken-whole-dark", runs.mixed(), scheme="dark", is_whole=True),
        Picture("broken-phone", runs.mixed(), width=390, is_whole=True),
        Picture("broken-cell", runs.mixed(), cell, scheme="dark"),
        Picture("fleet", fleet),
        Picture("fleet-matrix", fleet, "#matrix"),
    ]


def take(started: Browser, picture: Picture, folder: Path, scratch: Path) -> Path:
    """Take one picture; returns its file."""
    path = scratch / f"{picture.name}.html"
    path.write_text(document(picture.run), encoding="utf-8")
    page: Page = started.new_page(
        color_scheme="dark" if picture.scheme == "dark" else "light",
        viewport={"width": picture.width, "height": 900},
    )
    page.goto(path.as_uri() + picture.fragment)
    page.locator("#nh-rows td").first.wait_for()
    page.wait_for_timeout(200)
    made = folder / f"{picture.name}.png"
    page.screenshot(path=made, full_page=picture.is_whole)
    page.close()
    return made


def main() -> int:
    """Take all pictures into docs/screenshots/."""
    if chromium() is None:
        print("chromium is not installed: apt-get install chromium", file=sys.stderr)  # noqa: T201
        return 1
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch, browser() as started:
        for picture in pictures():
            print(take(started, picture, FOLDER, Path(scratch)))  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())

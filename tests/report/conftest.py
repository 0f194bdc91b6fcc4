"""Reports opened in Debian's chromium."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from nethygiene.engine.results import Run
from tests.report.browser import browser, chromium
from tests.report.document import document


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whatever opens a browser is slow; marked before `-m` chooses."""
    for item in items:
        if "started_browser" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="module")
def started_browser() -> Iterator[Browser]:
    """One browser for the tests of a module; skipped where there is none, but never in CI."""
    if chromium() is None:
        why = "chromium is not installed: apt-get install chromium"
        assert os.environ.get("CI") != "true", why
        pytest.skip(why)
    with browser() as started:
        yield started


@dataclass
class Opened:
    """An opened report, and what it should not have done."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def text(self, selector: str) -> str:
        """What is seen there, on one line; on a busy machine it may be drawn a moment later."""
        place = self.page.locator(selector).first
        place.wait_for(state="visible")
        return " ".join(place.inner_text().split())

    def go(self, fragment: str) -> None:
        """Follow a link to a fragment."""
        self.page.evaluate("hash => { location.hash = hash }", fragment)
        self.page.wait_for_timeout(50)

    def print(self) -> None:
        """Have the page as it goes to paper."""
        self.page.emulate_media(media="print", color_scheme="light")
        self.page.evaluate("dispatchEvent(new Event('beforeprint'))")


OpenReport = Callable[..., Opened]


@pytest.fixture
def opened(started_browser: Browser, tmp_path: Path) -> Iterator[OpenReport]:
    """Opens the report of a run, or a file, from disk."""
    contexts = []

    def open_it(
        what: Run | Path,
        fragment: str = "",
        *,
        remarks: tuple[str, ...] = (),
        **options: Any,  # noqa: ANN401 - Playwright's own, passed on
    ) -> Opened:
        path = what if isinstance(what, Path) else tmp_path / "report.html"
        if isinstance(what, Run):
            path.write_text(document(what, remarks), encoding="utf-8")
        context = started_browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        shown = Opened(page)
        page.on("console", lambda message: shown.complaints.append(message.text))
        page.on("pageerror", lambda error: shown.complaints.append(str(error)))
        page.on("request", lambda request: shown.requests.append(request.url))
        page.goto(path.as_uri() + fragment)
        return shown

    yield open_it
    for context in contexts:
        context.close()

"""The page on paper."""

from __future__ import annotations

from tests.report import runs
from tests.report.conftest import OpenReport


def test_printing_opens_what_is_folded(opened: OpenReport) -> None:
    shown = opened(runs.fleet(300, 12, failing=0.2))
    page = shown.page
    folded = page.locator(".nh-findings details:not([open])")
    before = folded.count()
    assert before > 0
    shown.print()
    assert folded.count() == 0
    assert not page.locator("#nh-filters").is_visible()
    # Of a fleet the printout says where the matrix is.
    assert not page.locator("#nh-grid").is_visible()
    assert "The matrix of 300 hosts is not printed" in shown.text("#nh-unprinted")
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    page.emulate_media(media="screen")
    assert folded.count() == before
    assert page.locator("#nh-grid").is_visible()
    assert not page.locator("#nh-unprinted").is_visible()


def test_a_matrix_that_fits_is_printed_whole(opened: OpenReport) -> None:
    shown = opened(runs.fleet(60, 43), viewport={"width": 1280, "height": 500})
    assert shown.page.locator("#nh-rows tr").count() < 60
    shown.print()
    assert shown.page.locator("#nh-rows tr").count() == 60
    assert shown.page.locator("#nh-rows tr").last.is_visible()
    # A4 on its side, less the margins, at 96 pixels an inch.
    box = shown.page.locator("#nh-grid").bounding_box()
    assert box is not None
    assert box["width"] <= 297 / 25.4 * 96 - 2 * 12 / 25.4 * 96

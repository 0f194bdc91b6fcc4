"""The page's addresses: odd names in them, the way back, and where the focus goes."""

from __future__ import annotations

from playwright.sync_api import expect

from nethygiene.engine.outcomes import Outcome
from tests.report import runs
from tests.report.conftest import OpenReport
from tests.report.runs import SOMAXCONN, host, result, somaxconn

PANEL = "#nh-panel"


ODD_NAMES = ("a/b", "50%", "100%25", "two words", "Zürich-東京", "q?x#y&z=1", "rule=x", "#")


def test_addresses_hold_for_odd_names(opened: OpenReport) -> None:
    # Beside each host one whose name ends as the address of the other's cell does.
    names = [*ODD_NAMES, *(f"{name}/{SOMAXCONN.id}" for name in ODD_NAMES)]
    results = [
        result(SOMAXCONN, name, Outcome.FAILED, seen=[somaxconn(77 + number)])
        for number, name in enumerate(names)
    ]
    shown = opened(runs.run(map(host, names), [SOMAXCONN], results, 1))
    page = shown.page
    title = page.locator(f"{PANEL} h2")
    report = page.url
    for name in ODD_NAMES:
        for place, expected in (
            (".nh-hosts a", f"{name} × {SOMAXCONN.id}"),
            ("#nh-rows th a", name),
        ):
            page.locator(place).get_by_text(name, exact=True).click()
            expect(title).to_have_text(expected)
            address = page.url
            page.keyboard.press("Escape")
            # From elsewhere, as one that was sent in a message.
            page.evaluate("address => { location.href = address }", address)
            page.wait_for_function(
                "expected => document.querySelector('#nh-panel h2').innerText === expected",
                arg=expected,
            )
            page.keyboard.press("Escape")
    page.goto("about:blank")
    page.goto(address)
    expect(title).to_have_text(ODD_NAMES[-1])
    assert page.url.startswith(report)


def test_back_and_forward_go_through_what_was_opened(opened: OpenReport) -> None:
    shown = opened(runs.mixed())
    page = shown.page
    title = page.locator(f"{PANEL} h2")
    page.get_by_label("web-1, accept-queue-not-overflowing: failed").click()
    title.get_by_role("link", name="web-1").click()
    expect(title).to_have_text("web-1")
    page.go_back()
    expect(title).to_have_text("web-1 × accept-queue-not-overflowing")
    page.go_forward()
    expect(title).to_have_text("web-1")
    page.go_back()
    page.go_back()
    expect(page.locator(PANEL)).to_be_hidden()


def test_focus_returns_to_the_link_that_opened_a_panel(opened: OpenReport) -> None:
    shown = opened(runs.mixed())
    link = shown.page.locator(".nh-failed .nh-hosts a").last
    link.focus()
    shown.page.keyboard.press("Enter")
    expect(shown.page.locator(PANEL)).to_be_visible()
    shown.page.keyboard.press("Escape")
    assert link.evaluate("one => one === document.activeElement")

"""The HTML report in a real browser."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from nethygiene.engine.outcomes import Outcome
from nethygiene.engine.results import Run
from tests.report import runs
from tests.report.conftest import Opened, OpenReport
from tests.report.runs import SOMAXCONN, host, result, somaxconn

CELLS = "#nh-rows td"
PANEL = "#nh-panel"


def test_it_tells_verdict_counts_coverage_and_unreached_hosts(opened: OpenReport) -> None:
    shown = opened(runs.mixed())
    assert shown.text(".nh-verdict") == "Findings 3 rules at or above medium failed on 3 hosts."
    assert "F 4 failed U 6 unknown W 1 waived P 14 passed" in shown.text(".nh-tiles")
    assert "critical 1 0 0 high 3 2 0 medium 0 4 1" in shown.text(".nh-severities")
    assert "76 % of what should be judged was: 19 of 25 results" in shown.text(".nh-coverage")
    lost = shown.text(".nh-unreached")
    assert "1 host could not be reached" in lost
    assert "web-4: web-4.example.net:22 refused the connection: start sshd there" in lost
    assert shown.page.title() == "Findings - nethygiene"
    # Nothing of pytest-html's own is left to see.
    assert not shown.page.locator("#results-table").is_visible()
    assert not shown.page.locator("#environment-header").is_visible()


def test_findings_are_grouped_by_rule_worst_first(opened: OpenReport) -> None:
    shown = opened(runs.mixed())
    heads = shown.page.locator(".nh-failed h3 a").all_inner_texts()
    assert heads == ["host-reachable", "accept-queue-not-overflowing", "somaxconn-covers-backlog"]
    group = shown.text('[id="rule=somaxconn-covers-backlog"]')
    assert "high somaxconn-covers-backlog on 2 hosts" in group.replace("HIGH", "high")
    assert "Why it matters: The kernel silently cuts" in group
    assert "Incident: S3, the accept queue" in group
    story = "web-1 [shop], web-2 [shop] net.core.somaxconn at least 16384 4096"
    assert f"{story} /proc/sys/net/core/somaxconn" in group
    assert "sysctl -w net.core.somaxconn=16384 echo 'net.core.somaxconn" in group
    rate = shown.text('[id="rule=accept-queue-not-overflowing"]')
    assert "+17 in 2.00 s (total 4242 since boot, 12 d 4 h ago)" in rate


def test_unknown_and_waived_say_what_to_do(opened: OpenReport) -> None:
    shown = opened(runs.mixed(), remarks=("web-1: waiver x of y expired",))
    unknown = shown.text(".nh-unknown")
    assert "web-2, web-3 ss -lntp: sudo: a password is required" in unknown
    assert "set ansible_become: true and install the sudoers file" in unknown
    assert "4 results of 4 rules are unknown on 1 host" in unknown
    waived = shown.text(".nh-waived")
    assert "until 2027-03-31 by netops: replaced in Q1, NET-412" in waived
    assert "waiver x of y expired" in shown.text(".nh-remarks")


def test_cells_carry_letters_and_open_their_observations(opened: OpenReport) -> None:
    shown = opened(runs.mixed())
    assert set(shown.page.locator(CELLS).all_inner_texts()) >= {"P", "F", "U", "W", "–", "P2"}
    shown.page.get_by_label("web-1, accept-queue-not-overflowing: failed").click()
    panel = shown.text(PANEL)
    assert "F failed" in panel
    assert "no rise +17 in 2.00 s (total 4242 since boot, 12 d 4 h ago) /proc/net/netstat" in panel
    assert shown.page.url.endswith("#cell=web-1/accept-queue-not-overflowing")
    shown.page.keyboard.press("Escape")
    expect(shown.page.locator(PANEL)).to_be_hidden()


@pytest.mark.parametrize(
    ("fragment", "expected"),
    [
        ("#cell=web-2/listeners-have-owners", "U unknown ss -lntp: sudo: a password is required"),
        ("#host=web-4", "refused the connection: start sshd there"),
        ("#host=db-1", "uptime 12 d 4 h"),
        ("#host=nobody", "Not in this report"),
    ],
)
def test_an_address_opens_a_host_or_a_cell(
    opened: OpenReport, fragment: str, expected: str
) -> None:
    shown = opened(runs.mixed(), fragment)
    assert expected in shown.text(PANEL)


def test_an_address_opens_a_rule_where_its_findings_are(opened: OpenReport) -> None:
    shown = opened(runs.mixed(), "#rule=somaxconn-covers-backlog")
    group = shown.page.locator('[id="rule=somaxconn-covers-backlog"]')
    assert group.evaluate("one => one === document.activeElement")
    # One without findings has its documentation told.
    healthy = opened(runs.healthy(), "#rule=somaxconn-covers-backlog")
    assert "1 passed" in healthy.text(PANEL)
    assert "Why it matters" in healthy.text(PANEL)


def test_an_address_opens_what_was_filtered_away(opened: OpenReport) -> None:
    shown = opened(runs.mixed())
    shown.page.fill("#nh-host", "db")
    shown.go("#cell=web-1/somaxconn-covers-backlog")
    assert "4096" in shown.text(PANEL)
    assert shown.page.get_by_label("web-1, somaxconn-covers-backlog: failed (1").count() == 0
    assert shown.page.get_by_label("web-1, somaxconn-covers-backlog: failed").is_visible()


def hosts(shown: Opened) -> list[str]:
    return sorted(shown.page.locator("#nh-rows th").all_inner_texts())


def test_filters_leave_what_matches(opened: OpenReport) -> None:
    shown = opened(runs.mixed())
    page = shown.page
    assert hosts(shown) == ["db-1", "web-1", "web-2", "web-3", "web-4"]
    page.fill("#nh-host", "web-*")
    assert hosts(shown) == ["web-1", "web-2", "web-3", "web-4"]
    page.fill("#nh-text", "password required")
    assert hosts(shown) == ["web-2", "web-3"]
    assert "2 of 5 hosts, 1 of 5 rules, 2 of 26 results" in shown.text("#nh-status")
    page.click("text=Clear")
    page.select_option("#nh-group", "database")
    assert hosts(shown) == ["db-1"]
    page.click("text=Clear")
    page.select_option("#nh-rule", "somaxconn-covers-backlog")
    page.click('[data-letter="F"]')
    assert hosts(shown) == ["web-1", "web-2"]
    assert page.locator("#nh-grid thead th a").all_inner_texts() == ["somaxconn-covers-backlog"]
    page.fill("#nh-text", "no such thing")
    assert shown.text("#nh-status") == "Nothing matches these filters."


def test_the_matrix_is_walked_by_keys(opened: OpenReport) -> None:
    shown = opened(runs.fleet(300, 12))
    page = shown.page
    page.locator("#nh-grid [tabindex='0']").focus()
    for key in ("ArrowRight", "ArrowRight", "PageDown", "ArrowDown", "Control+End"):
        page.keyboard.press(key)
    focused = page.evaluate("document.activeElement.getAttribute('aria-label')")
    assert focused
    row = page.evaluate("document.activeElement.closest('tr').getAttribute('aria-rowindex')")
    assert row == "301"
    page.keyboard.press("Enter")
    expect(page.locator(PANEL)).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator(PANEL)).to_be_hidden()
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == focused
    assert page.locator("#nh-grid").get_attribute("aria-rowcount") == "301"
    assert page.locator("#nh-rows tr").count() < 100, "rows that nobody sees are drawn"


def test_what_hosts_say_does_no_harm(opened: OpenReport) -> None:
    run = runs.hostile()
    shown = opened(run)
    page = shown.page
    for cell in page.locator(CELLS).all():
        cell.click()
        page.keyboard.press("Escape")
    for name in (one.name for one in run.hosts):
        page.locator("#nh-rows th a", has_text=name[:4]).click()
        page.keyboard.press("Escape")
    page.fill("#nh-text", "<script>")
    assert page.evaluate("window.harmed") is None
    assert page.locator("#nethygiene img, #nethygiene script").count() == 0
    seen = page.locator("#nethygiene").inner_text()
    assert r"\u202egpj.exe" in seen
    assert r"\x1b]0;owned" in seen
    assert not {"\x1b", "\u202e", "\u2028"} & set(seen)
    assert shown.complaints == []


@pytest.mark.parametrize(
    "run", [runs.mixed(), runs.healthy(), runs.fleet(60)], ids=["mixed", "healthy", "fleet"]
)
def test_no_request_and_no_complaint(opened: OpenReport, run: Run) -> None:
    shown = opened(run, "#host=web-1")
    shown.page.wait_for_timeout(100)
    assert [one for one in shown.requests if not one.startswith(("file:", "data:"))] == []
    assert len([one for one in shown.requests if one.startswith("file:")]) == 1
    assert shown.complaints == []


def test_the_page_may_not_ask_for_anything(opened: OpenReport) -> None:
    shown = opened(runs.healthy())
    refused = shown.page.evaluate(
        "fetch('http://127.0.0.1:1/').then(() => 'sent', error => String(error))"
    )
    assert "TypeError" in refused
    assert any("Content Security Policy" in one for one in shown.complaints)


def violations(shown: Opened) -> str:
    found = Axe().run(shown.page)
    return found.generate_report() if found.violations_count else ""


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
def test_axe_finds_nothing(opened: OpenReport, scheme: str, width: int) -> None:
    viewport = {"width": width, "height": 900}
    shown = opened(runs.mixed(), color_scheme=scheme, viewport=viewport)
    for fragment in ("", "#cell=web-1/somaxconn-covers-backlog"):
        shown.go(fragment)
        assert violations(shown) == ""
    shown.page.keyboard.press("Escape")
    shown.page.fill("#nh-text", "no such thing")
    assert violations(shown) == "", "where no result matches"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("run", [runs.healthy(), runs.fleet(300, 12)], ids=["healthy", "fleet"])
def test_axe_finds_nothing_in_a_healthy_host_nor_a_fleet(
    opened: OpenReport, run: Run, scheme: str
) -> None:
    assert violations(opened(run, color_scheme=scheme)) == ""


def test_axe_finds_nothing_in_print(opened: OpenReport) -> None:
    shown = opened(runs.mixed(), color_scheme="dark")
    shown.print()
    assert violations(shown) == ""


@pytest.mark.parametrize(
    "run", [runs.mixed(), runs.hostile(), runs.fleet(40)], ids=["mixed", "hostile", "fleet"]
)
def test_nothing_is_wider_than_a_phone(opened: OpenReport, run: Run) -> None:
    shown = opened(run, viewport={"width": 390, "height": 844}, is_mobile=True)
    assert shown.page.evaluate("document.documentElement.scrollWidth") <= 390
    shown.page.locator(CELLS).first.click()
    assert shown.page.evaluate("document.documentElement.scrollWidth") <= 390


def test_without_javascript_verdict_and_findings_read(opened: OpenReport) -> None:
    shown = opened(runs.mixed(), java_script_enabled=False)
    page = shown.page
    assert page.locator(".nh-verdict h1").is_visible()
    assert page.locator('[id="rule=somaxconn-covers-backlog"]').is_visible()
    assert page.locator(".nh-copy pre").first.is_visible()
    assert not page.locator("#nh-matrix").is_visible()
    assert not page.locator("#results-table").is_visible()
    assert "needs JavaScript" in page.locator("#matrix").inner_text()


def test_commands_are_copied(opened: OpenReport) -> None:
    shown = opened(runs.mixed(), permissions=["clipboard-read", "clipboard-write"])
    group = shown.page.locator('[id="rule=somaxconn-covers-backlog"]')
    group.get_by_role("button", name="Copy").click()
    copied = shown.page.evaluate("navigator.clipboard.readText()")
    assert copied.splitlines()[0] == "sysctl -w net.core.somaxconn=16384"
    assert len(copied.splitlines()) == 2


@pytest.mark.parametrize(("scheme", "page"), [("light", 246), ("dark", 17)])
def test_it_is_light_or_dark_as_the_reader_has_it(
    opened: OpenReport, scheme: str, page: int
) -> None:
    shown = opened(runs.healthy(), color_scheme=scheme)
    colour = shown.page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert colour.startswith(f"rgb({page}, ")


def test_counts_stay_on_one_line(opened: OpenReport) -> None:
    for width in (390, 1280):
        shown = opened(runs.fleet(300, 12), viewport={"width": width, "height": 900})
        heights = shown.page.locator(".nh-tile").evaluate_all("all => all.map(e => e.offsetHeight)")
        assert max(heights) < 60


def test_four_hundred_hosts_are_one_group_of_a_screen(opened: OpenReport) -> None:
    machines = [host(f"web-{number:03}.example.net") for number in range(400)]
    failed = [
        result(SOMAXCONN, one.name, Outcome.FAILED, item="shop", seen=[somaxconn(128)])
        for one in machines
    ]
    shown = opened(runs.run(machines, [SOMAXCONN], failed, 1))
    group = shown.page.locator(".nh-group")
    assert group.count() == 1
    assert "on 400 hosts" in shown.text(".nh-group h3")
    folded = group.evaluate("one => one.offsetHeight")
    assert folded < 900
    group.get_by_text("and 394 more").click()
    # Names run over the whole width: a column of its own would be as long as they are many.
    assert group.evaluate("one => one.offsetHeight") < folded + 400 * 22 / 3

"""Waivers: dated, owned, and of failures alone."""

from __future__ import annotations

from datetime import date

import pytest

from nethygiene.engine.outcomes import Outcome, Severity
from nethygiene.engine.results import Result
from nethygiene.engine.waivers import WaivedHost, cover_of, waiver_remarks
from nethygiene.inventory.policy import Waiver, policy_from_plain

TODAY = date(2026, 7, 1)
RULE = "icmp-redirects-match-policy"


def waivers(**changes: object) -> list[Waiver]:
    plain = {
        "rule": RULE,
        "item": "*",
        "until": "2026-07-01",
        "owner": "netops",
        "reason": "replaced in Q3",
    } | changes
    return list(policy_from_plain({"waivers": {"old": plain}}).waivers.values())


def covers(rule: str = RULE, **changes: object) -> bool:
    return cover_of(waivers(**changes), rule, None, TODAY).waiver is not None


def test_the_last_day_is_inclusive() -> None:
    assert covers(until="2026-07-02")
    assert covers(until="2026-07-01")
    assert not covers(until="2026-06-30")


def test_an_expired_one_is_named() -> None:
    cover = cover_of(waivers(until="2026-06-30"), RULE, None, TODAY)
    assert cover.waiver is None
    assert [one.name for one in cover.expired] == ["old"]


def test_of_two_the_current_one_covers() -> None:
    both = [*waivers(until="2026-06-30"), *waivers(until="2026-12-31")]
    cover = cover_of(both, RULE, None, TODAY)
    assert cover.waiver is both[1]
    assert cover.expired == (both[0],)


@pytest.mark.parametrize(
    ("pattern", "item", "covered"),
    [
        ("*", None, True),
        ("*", "eth0/ipv4", True),
        ("eth0/*", "eth0/ipv4", True),
        ("eth0/*", "eth1/ipv4", False),
        ("eth0/*", None, False),
        ("eth0/ipv4", "eth0/ipv4", True),
        ("ETH0/ipv4", "eth0/ipv4", False),
        ("eth[01]/ipv?", "eth1/ipv6", True),
    ],
)
def test_items_by_glob(pattern: str, item: str | None, covered: bool) -> None:
    assert (cover_of(waivers(item=pattern), RULE, item, TODAY).waiver is not None) is covered


def test_another_rule_is_not_covered() -> None:
    assert not covers(rule="tcp-syncookies-enabled")


def result(outcome: Outcome, item: str | None = None, rule: str = RULE) -> Result:
    return Result(
        rule=rule,
        host="web-1",
        item=item,
        fingerprint="x",
        outcome=outcome,
        severity=Severity.HIGH,
        message="",
    )


def remarks(results: list[Result], **changes: object) -> list[str]:
    return remarks_on({"web-1": results}, waivers(**changes))


def remarks_on(
    results: dict[str, list[Result]], shared: list[Waiver], *, limited: bool = False
) -> list[str]:
    hosts = [WaivedHost(name, tuple(shared), tuple(of)) for name, of in results.items()]
    return waiver_remarks(hosts, TODAY, limited=limited)


def test_one_that_covers_a_failure_is_not_remarked_upon() -> None:
    assert remarks([result(Outcome.FAILED)]) == []
    assert remarks([result(Outcome.WAIVED), result(Outcome.PASSED, "eth0/ipv4")]) == []


def test_one_that_covers_nothing_that_fails_is_said_aloud() -> None:
    (remark,) = remarks([result(Outcome.PASSED)])
    assert remark == (
        "web-1: waiver old of icmp-redirects-match-policy (owner netops) covers nothing that "
        "fails: remove it"
    )
    assert remarks([result(Outcome.FAILED, "eth0/ipv4")], item="eth1/*")


def test_an_expired_one_is_said_aloud_whatever_came_of_it() -> None:
    for outcome in (Outcome.PASSED, Outcome.FAILED, Outcome.UNKNOWN):
        (remark,) = remarks([result(outcome)], until="2026-06-30")
        assert "expired on 2026-06-30" in remark
        idle = outcome is Outcome.PASSED
        assert remark.endswith("fails: remove it" if idle else ": fix the failure, or renew it")


def test_of_what_was_not_judged_or_is_unknown_nothing_is_said() -> None:
    assert remarks([]) == []
    assert remarks([result(Outcome.PASSED, rule="tcp-syncookies-enabled")]) == []
    assert remarks([result(Outcome.UNKNOWN)]) == []


def test_what_a_group_hands_down_is_remarked_upon_once_and_only_if_no_host_needs_it() -> None:
    idle = {f"web-{number}": [result(Outcome.PASSED)] for number in range(1, 6)}
    (remark,) = remarks_on(idle, waivers())
    assert remark.startswith("web-1, web-2, web-3 and 2 more: waiver old of ")
    assert remarks_on(idle | {"nat": [result(Outcome.WAIVED)]}, waivers()) == []
    assert remarks_on(idle | {"gone": [result(Outcome.UNKNOWN)]}, waivers()) == []
    (remark,) = remarks_on(idle, waivers(until="2026-06-30"))
    assert remark.startswith("web-1, web-2, web-3 and 2 more: waiver old of ")


def test_under_a_limit_others_may_need_it() -> None:
    (remark,) = remarks_on({"web-1": [result(Outcome.PASSED)]}, waivers(), limited=True)
    assert remark.endswith("fails: remove it, if no host outside of --limit needs it")


def test_one_of_a_misspelt_rule_is_told() -> None:
    failed = [result(Outcome.FAILED)]
    (remark,) = remarks(failed, rule="icmp-redirect-match-policy")
    assert remark.endswith(f"covers nothing: did you mean the rule {RULE}?")
    assert remarks(failed, rule="icmp-redirects-not-ignored") == []

"""One verdict of one evaluation: the table of decisions, and what a verdict carries."""

from __future__ import annotations

import pytest

from nethygiene.engine.decision import decide
from nethygiene.engine.expect import Expect, NotApplicableError
from nethygiene.engine.ledger import Ledger
from nethygiene.engine.outcomes import Observation, Outcome, Reason, Unreadable
from nethygiene.engine.subject import WHOLE, ReachedBy
from nethygiene.rules import Policy, Service, at_least, equal_to, not_applicable
from nethygiene.subjects.kernel.sysctl import Sysctls
from nethygiene.transcript import Section
from tests.unit.engine.writing_rules import FAILURE, SECTIONS, declare, host, verdict, verdicts

DENIED = Unreadable(Reason.PERMISSION, "cat /x", "denied")
LATE = Unreadable(Reason.TIMEOUT, "cat /y", "late")
NOT_HERE = NotApplicableError("not here", Reason.NOT_THIS_HOST)


@pytest.mark.parametrize("judged_nothing", [None, "judged nothing"])
@pytest.mark.parametrize("inapplicable", [None, NOT_HERE])
@pytest.mark.parametrize("unreadable", [[], [DENIED], [LATE, DENIED]])
@pytest.mark.parametrize("crash", [None, ValueError("oh")])
@pytest.mark.parametrize("failures", [[], ["x is 1"], ["x is 1", "y is 2"]])
def test_the_table_of_decisions(
    failures: list[str],
    crash: Exception | None,
    unreadable: list[Unreadable],
    inapplicable: NotApplicableError | None,
    judged_nothing: str | None,
) -> None:
    ledger = Ledger()
    ledger.failures += failures
    ledger.unreadable += unreadable
    found = decide(
        ledger, "item", crash=crash, inapplicable=inapplicable, judged_nothing=judged_nothing
    )
    assert found.item == "item"
    assert (found.traceback is not None) is (crash is not None)
    match bool(failures), crash, bool(unreadable), inapplicable, judged_nothing:
        case True, _, _, _, _:
            assert (found.outcome, found.reason) == (Outcome.FAILED, None)
            assert found.message.startswith("; ".join(failures))
            assert ("also unknown" in found.message) is bool(unreadable)
        case _, Exception(), _, _, _:
            assert (found.outcome, found.reason) == (Outcome.UNKNOWN, Reason.RULE_CRASHED)
            assert "ValueError: oh" in found.message
        case _, _, True, _, _:
            assert (found.outcome, found.reason) == (Outcome.UNKNOWN, unreadable[0].reason)
            assert all(str(one) in found.message for one in unreadable)
        case _, _, _, NotApplicableError(), _:
            assert (found.outcome, found.reason) == (Outcome.NOT_APPLICABLE, Reason.NOT_THIS_HOST)
        case _, _, _, _, str():
            assert (found.outcome, found.reason) == (Outcome.UNKNOWN, Reason.NOTHING_CHECKED)
        case _:
            assert (found.outcome, found.reason, found.message) == (Outcome.PASSED, None, "")


def somaxconn(sysctl: Sysctls, service: Service, expect: Expect) -> None:
    expect("net.core.somaxconn", sysctl["net.core.somaxconn"], at_least(service.backlog or 0))


def test_each_declared_item_has_a_verdict() -> None:
    policy = {
        "services": {"small": {"port": 1, "backlog": 5}, "large": {"port": 2, "backlog": 511}}
    }
    found = {one.item: one.outcome for one in verdicts(somaxconn, host(policy))}
    assert found == {"small": Outcome.PASSED, "large": Outcome.FAILED}


def test_without_a_declared_item_the_rule_does_not_apply() -> None:
    found = verdict(somaxconn)
    assert (found.item, found.outcome) == (None, Outcome.NOT_APPLICABLE)
    assert (found.reason, found.message) == (
        Reason.NOT_DECLARED,
        "the host's policy declares no service",
    )


def test_the_policy_is_the_hosts() -> None:
    def minimum(policy: Policy, expect: Expect) -> None:
        expect("min_somaxconn", policy.min_somaxconn or 0, equal_to(77))

    assert verdict(minimum, host({"min_somaxconn": 77})).outcome is Outcome.PASSED
    assert verdict(minimum).outcome is Outcome.FAILED


def test_a_pass_carries_what_was_looked_at_and_where() -> None:
    found = verdict(somaxconn, host({"services": {"shop": {"port": 1, "backlog": 5}}}))
    (judged,) = found.observations
    assert judged == Observation(
        "net.core.somaxconn", "/proc/sys/net/core/somaxconn", "at least 5", "128"
    )


def test_reads_that_were_not_judged_are_told_too() -> None:
    def reads_more(sysctl: Sysctls, expect: Expect) -> None:
        sysctl.find("net.ipv4.no_such")
        expect("net.core.somaxconn", sysctl["net.core.somaxconn"], at_least(1))
        sysctl.text("net.ipv4.tcp_syncookies")

    assert [(one.what, one.expected) for one in verdict(reads_more).observations] == [
        ("net.ipv4.no_such", None),
        ("net.core.somaxconn", "at least 1"),
        ("net.ipv4.tcp_syncookies", None),
    ]


def test_an_unknown_carries_what_was_seen_before_it() -> None:
    def reads_one(sysctl: Sysctls, expect: Expect) -> None:
        expect("net.core.somaxconn", sysctl["net.core.somaxconn"], at_least(1))
        sysctl.find("net.ipv4.tcp_tw_recycle")

    found = verdict(reads_one)
    assert found.outcome is Outcome.UNKNOWN
    assert [one.what for one in found.observations] == ["net.core.somaxconn"]


def test_another_system_is_none_of_our_business() -> None:
    def anything(sysctl: Sysctls, expect: Expect) -> None:
        expect("x", sysctl["net.core.somaxconn"], at_least(1))

    freebsd = {**SECTIONS, "kernel": Section(b"FreeBSD 14.1-RELEASE\n")}
    found = verdict(anything, host(sections=freebsd))
    assert (found.outcome, found.message) == (
        Outcome.NOT_APPLICABLE,
        "the host runs FreeBSD, not Linux",
    )


def test_a_kernel_that_could_not_be_read_is_no_other_system() -> None:
    def anything(sysctl: Sysctls, expect: Expect) -> None:
        expect("x", sysctl["net.core.somaxconn"], at_least(1))

    unread = {name: one for name, one in SECTIONS.items() if name != "kernel"}
    assert verdict(anything, host(sections=unread)).outcome is Outcome.PASSED


def test_a_rule_about_the_connection_is_judged_on_a_lost_host() -> None:
    def reachable(connection: ReachedBy, expect: Expect) -> None:
        expect("this host", connection.state, equal_to(WHOLE), connection.cause)

    assert declare(reachable).judges_reachability
    assert verdict(reachable).outcome is Outcome.PASSED
    found = verdict(reachable, host(failure=FAILURE))
    assert found.outcome is Outcome.FAILED
    assert "not read to its end (closed), expected read to its end: the connection ended" in (
        found.message
    )


def test_facts_are_parsed_once_and_shared() -> None:
    subject = host()
    assert subject.fact("sysctl") is subject.fact("sysctl")


def test_evaluations_do_not_see_each_others_reads() -> None:
    def one(sysctl: Sysctls, expect: Expect) -> None:
        sysctl.find("net.ipv4.tcp_tw_recycle")
        expect("x", 1, equal_to(1))

    def two(sysctl: Sysctls, expect: Expect) -> None:
        expect("x", sysctl["net.core.somaxconn"], at_least(1))

    subject = host()
    assert verdict(one, subject).outcome is Outcome.UNKNOWN
    assert verdict(two, subject).outcome is Outcome.PASSED


def test_not_applicable_has_its_reason() -> None:
    def never(expect: Expect) -> None:  # noqa: ARG001 - a rule has to ask for it
        not_applicable("any", Reason.POLICY_ANY)

    found = verdict(never)
    assert (found.outcome, found.reason, found.message) == (
        Outcome.NOT_APPLICABLE,
        Reason.POLICY_ANY,
        "any",
    )


def test_a_message_ends_somewhere_whatever_a_host_lists() -> None:
    ledger = Ledger()
    for number in range(5_000):
        ledger.read("x" * 20_000, "cat /x", number)
        ledger.expect(f"socket {number}", "closed", "y" * 20_000, f"{number} " + "z" * 20_000)
    found = decide(ledger, None)
    assert found.outcome is Outcome.FAILED
    assert found.message.endswith(" more")
    assert len(found.message) < 11_000
    assert found.observations[-1] == Observation(
        "further observations", "", None, "9,000, left out here"
    )
    assert sum(len(one.what) + len(one.actual) for one in found.observations) < 12_000_000


def test_a_verdict_has_the_remedies_of_its_failures() -> None:
    def judged(*remedies: str) -> str:
        def failing(expect: Expect) -> None:
            for number, remedy in enumerate(remedies):
                expect(f"x{number}", 2, equal_to(1), remedy=remedy)

        return verdict(failing).remedy

    assert judged("") == ""
    assert judged("A:\n`a`", "`b`", "A:\n`a`") == "A:\n`a`\n\n`b`"
    # Equal words are said once.
    assert judged("A:\n`a`", "A:\n`b`") == "A:\n\n`a`\n`b`"
    # The rule's own stands in where a failure beside it has none.
    assert judged("`a`", "") == "`a`\n\nmend it."
    many = judged(*(f"See {number}." for number in range(25)))
    assert "See 19." in many
    assert "See 20." not in many
    assert many.endswith("\n\nThe 5 further failures have similar remedies.")


def test_the_failure_of_an_assertion_is_mended_by_the_rules_own_remedy() -> None:
    def failing(expect: Expect) -> None:
        expect("x", 2, equal_to(1), remedy="`a`")
        raise AssertionError("oh")

    assert verdict(failing).remedy == "`a`\n\nmend it."

"""A tool that a host lacks makes rules unknown, never passed."""

from __future__ import annotations

import shutil
from functools import cache

import pytest

from nethygiene.engine.outcomes import Outcome, Reason
from tests.unit.collect.hosts import INCIDENTS, NEEDS_NAMESPACES, host, without
from tests.unit.collect.shells import every_command, run
from tests.unit.judging import Verdicts, judge_all, transcript_of

pytestmark = NEEDS_NAMESPACES

# What each of these rules cannot do without; the others of them keep their verdict.
NEEDS = {
    "grep": {
        "accept-queue-not-overflowing", "icmp-redirects-match-policy",
        "somaxconn-covers-backlog", "somaxconn-meets-policy", "tcp-abort-on-overflow-disabled",
        "tcp-max-syn-backlog-covers-backlog", "tcp-syncookies-enabled", "tcp-timestamps-enabled",
        "tcp-tw-recycle-disabled", "tcp-tw-reuse-matches-policy", "icmp-redirects-not-ignored",
        "connection-failures-bounded", "resets-sent-bounded", "retransmissions-bounded",
        "half-open-connections-bounded",
    },
    "ss": {
        "accept-queue-not-overflowing", "listener-backlog-in-effect",
        "half-open-connections-bounded", "connection-failures-bounded",
    },
    "ip": {"icmp-redirects-match-policy", "icmp-redirects-not-ignored"},
    "uname": {"tcp-tw-recycle-disabled", "tcp-max-syn-backlog-covers-backlog"},
    "sleep": {
        "accept-queue-not-overflowing", "icmp-redirects-not-ignored",
        "connection-failures-bounded", "resets-sent-bounded", "retransmissions-bounded",
        "half-open-connections-bounded",
    },
    # Output under a cap goes through it; a small command's does not.
    "head": {
        "accept-queue-not-overflowing", "listener-backlog-in-effect",
        "half-open-connections-bounded", "connection-failures-bounded",
    },
    "timeout": set(),
    "id": set(),
    "readlink": set(),
}  # fmt: skip


# Rules that are not named above are held to this much: no verdict changes but to unknown.
TRIED = {rule for rules in NEEDS.values() for rule in rules}


@cache
def _verdicts(setup: str) -> Verdicts:
    answer = run(every_command(), host(INCIDENTS + setup), window=0.05)
    assert answer.framed.complete, answer.stderr.decode()
    return judge_all(transcript_of(answer.framed))


def test_with_all_tools_none_of_these_rules_is_unknown() -> None:
    outcomes = {one.outcome for one in _verdicts("").values()}
    assert outcomes >= {Outcome.PASSED, Outcome.FAILED, Outcome.NOT_APPLICABLE}
    unknown = {rule for (rule, _), one in _verdicts("").items() if one.outcome is Outcome.UNKNOWN}
    assert not unknown & TRIED


@pytest.mark.parametrize("tool", NEEDS)
def test_rules_that_need_the_tool_are_unknown_and_others_keep_their_verdict(tool: str) -> None:
    assert shutil.which(tool), "a tool that is not here at all cannot be taken away"
    complete, lacking = _verdicts(""), _verdicts(without(tool))
    unknown = {rule for (rule, _), one in lacking.items() if one.outcome is Outcome.UNKNOWN}
    assert unknown & TRIED == NEEDS[tool]
    for (rule, item), verdict in lacking.items():
        if rule not in unknown:
            assert verdict.outcome is complete[rule, item].outcome, (rule, item)


def test_without_any_tool_nothing_but_the_connection_is_known() -> None:
    verdicts = _verdicts(without("*"))
    # What the policy alone says, it says of a host that told nothing as well.
    by_policy = {Reason.NOT_DECLARED, Reason.POLICY_ANY}
    known = {
        rule
        for (rule, _), one in verdicts.items()
        if one.outcome is not Outcome.UNKNOWN and one.reason not in by_policy
    }
    assert known == {"host-reachable"}

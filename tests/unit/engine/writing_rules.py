"""Rules written in a test, and a host to judge by them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import cast

from nethygiene.engine.decision import Verdict
from nethygiene.engine.evaluate import evaluate
from nethygiene.engine.items import DECLARED
from nethygiene.engine.rule import Rule, rule_of
from nethygiene.engine.subject import Subject
from nethygiene.inventory.policy import policy_from_plain
from nethygiene.rules import Expect, equal_to, rule
from nethygiene.transcript import Cut, HostFailure, Section, Transcript

DOCSTRING = """A title.

Why: it matters.
Remedy: mend it.
References: a manual
"""

SECTIONS: Mapping[str, Section] = {
    "kernel": Section(b"Linux 6.1.0\n"),
    "sysctl": Section(
        b"/proc/sys/net/core/somaxconn:128\n/proc/sys/net/ipv4/tcp_syncookies:1\n"
        b"/proc/sys/net/ipv4/conf/eth0/forwarding:0\n",
        b"grep: /proc/sys/net/ipv4/tcp_tw_recycle: Permission denied\n",
        2,
    ),
    "links": Section(b"1: lo: <LOOPBACK,UP> x\n2: eth0: <UP> x\n"),
    "addresses": Section(b"2: eth0    inet 192.0.2.1/24 scope global eth0\n"),
    "counters@last": Section(b"", b"", None, Cut.CLOSED),
}
"""A host that is readable in part: tcp_tw_recycle, listeners and counters are not."""

FAILURE = HostFailure("closed", "the connection ended", "see its log")


def declare(function: Callable[..., object]) -> Rule:
    """The function as a rule; its name begins with test_, its docstring is made up."""
    if not function.__name__.startswith("test_"):
        function.__name__ = "test_" + function.__name__
    function.__doc__ = function.__doc__ or DOCSTRING
    declare_it = rule(severity="high", kind="setting", incidents=["S1"])
    declared = rule_of(declare_it(cast("Callable[..., None]", function)))
    assert declared is not None
    return declared


def host(
    policy: Mapping[str, object] | None = None,
    sections: Mapping[str, Section] = SECTIONS,
    failure: HostFailure | None = None,
) -> Subject:
    transcript = Transcript("host", "address", "", 0.0, 1.0, sections=sections, failure=failure)
    return Subject("host", policy_from_plain(dict(policy or {})), transcript)


def verdicts(
    function: Callable[..., object] | Rule, subject: Subject | None = None
) -> list[Verdict]:
    declared = function if isinstance(function, Rule) else declare(function)
    subject = subject or host()
    if declared.declared is None:
        return evaluate(declared, subject)
    items = list(DECLARED[declared.declared](subject.policy))
    if not items:
        return evaluate(declared, subject)
    return [verdict for item in items for verdict in evaluate(declared, subject, item)]


def verdict(function: Callable[..., object] | Rule, subject: Subject | None = None) -> Verdict:
    (only,) = verdicts(function, subject)
    return only


def good(expect: Expect) -> None:
    expect("something else", 1, equal_to(1))

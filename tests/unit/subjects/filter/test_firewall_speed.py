"""The bar: a host with 5,000 rules and 200 declared services is judged in 2 s of CPU."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

from nethygiene.engine.evaluate import evaluate
from nethygiene.engine.subject import Subject
from nethygiene.inventory.policy import policy_from_plain
from nethygiene.transcript import Section, Transcript
from tests.cases.case import rules
from tests.cpu import within_cpu_seconds
from tests.unit.subjects.filter.hosts import (
    ACCEPT,
    DPORT,
    DROP,
    SADDR,
    answers,
    listing,
    match,
    rule,
)

pytestmark = pytest.mark.slow  # measures seconds

SERVICES = 200
RULES = 5000
SECONDS = 2.0


def _address(number: int) -> str:
    return f"{11 + number % 200}.{number // 200 % 250}.{number * 7 % 250}.{number * 13 % 250}"


def _mixed(number: int) -> dict[str, object]:
    """A blocklist, with a service's own rule here and there."""
    if number % 25 == 24:
        return rule(match(DPORT, 1000 + number // 25), ACCEPT)
    return rule(match(SADDR, _address(number)), DROP)


def _by_port(number: int) -> dict[str, object]:
    """Who may reach which service, one by one."""
    port = match(DPORT, 1000 + number % SERVICES)
    return rule(match(SADDR, _address(number)), port, ACCEPT)


@pytest.mark.parametrize("made", [_mixed, _by_port])
def test_many_rules_and_services(made: Callable[[int], dict[str, object]]) -> None:
    nft = listing(*(made(number) for number in range(RULES)), policy="drop")
    texts = {name: text or "" for name, text in answers(nft=nft).texts.items()}
    rows = (f"LISTEN 0 511 *:{1000 + n} *:* \t skmem:(r0)\n" for n in range(SERVICES))
    texts |= {"listeners": "State Recv-Q\n" + "".join(rows), "kernel": "Linux 6.1.0\n"}
    sections = {name: Section(text.encode()) for name, text in texts.items()}
    services = {
        f"s{n}": {"port": 1000 + n, "allow_from": ["any"], "deny_from": ["0.0.0.0/1"] * (n % 2)}
        for n in range(SERVICES)
    }
    transcript = Transcript("host", "", "", 0.0, 0.0, sections=sections)
    judging = rules()["firewall-allows-service"]

    def judge() -> Counter[str]:
        subject = Subject("host", policy_from_plain({"services": services}), transcript)
        return Counter(
            verdict.outcome
            for service in subject.policy.services.values()
            for verdict in evaluate(judging, subject, service)
        )

    found = within_cpu_seconds(SECONDS, judge)
    assert sum(found.values()) == SERVICES
    assert set(found) <= {"passed", "failed"}

"""A service whose port is taken away is judged by no rule about the sockets of this host."""

from __future__ import annotations

import pytest

from nethygiene.engine.outcomes import Outcome, Reason
from nethygiene.transcript import Transcript
from tests.cases.case import judge, rules
from tests.unit.sections import section

PROXY = 'State\nLISTEN 0 5 0.0.0.0:443 0.0.0.0:* users:(("docker-proxy",pid=9,fd=4))\n'
# A rule that reads the packet filter follows NAT by itself.
SERVICE_RULES = sorted(
    rule.id
    for rule in rules().values()
    if rule.declared == "service" and "packet_filter" not in rule.arguments
)
POLICY = {"services": {"shop": {"port": 443, "backlog": 5, "legacy_ports": [80]}}}


@pytest.mark.parametrize("rule_id", SERVICE_RULES)
def test_what_a_containers_proxy_serves_is_not_judged_here(rule_id: str) -> None:
    sections = {
        "kernel": section("Linux 6.1.0\n"),
        "listener_owners": section(PROXY),
        "sysctl": section("/proc/sys/net/core/somaxconn:1\n"),
    }
    transcript = Transcript("host", "address", "", 0.0, 1.0, sections=sections)
    (verdict,) = judge(rules()[rule_id], transcript, POLICY)
    if verdict.reason is Reason.NOT_DECLARED:
        return
    assert verdict.outcome is Outcome.NOT_APPLICABLE
    assert "handed to a container by docker-proxy" in verdict.message


def test_what_nobody_declared_is_left_out_wherever_it_lives() -> None:
    sections = {"kernel": section("Linux 6.1.0\n"), "listener_owners": section(PROXY)}
    transcript = Transcript("host", "address", "", 0.0, 1.0, sections=sections)
    rule = rules()["service-connections-use-keepalive"]
    (verdict,) = judge(rule, transcript, POLICY)
    assert verdict.outcome is Outcome.NOT_APPLICABLE

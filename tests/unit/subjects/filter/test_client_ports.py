"""Filters that tell a client's ports apart: clients use 32768 to 65535."""

from __future__ import annotations

import pytest

from tests.unit.subjects.filter.test_firewall_paths import SERVICE, said

LOST = (
    "dropped for everybody, for instance 192.0.2.11 from source port {} (clients use 32768-65535)"
)


def filtered(*rules: str, policy: str = "ACCEPT", chain: str = "INPUT") -> dict[str, str]:
    lines = "\n".join(f"-A {chain} {rule}" for rule in rules)
    return {"iptables_legacy": f"*filter\n:{chain} {policy} [0:0]\n{lines}\nCOMMIT\n"}


@pytest.mark.parametrize(
    ("texts", "lost"),
    [
        (filtered("-p tcp -m tcp ! --sport 61000:65535 -j ACCEPT", policy="DROP"), "61000-65535"),
        (filtered("-p tcp -m tcp --sport 1024:60999 -j ACCEPT", policy="DROP"), "61000-65535"),
        (filtered("-p tcp -m tcp --sport 40000 -j DROP"), "40000"),
        (
            filtered("-p tcp -m tcp --dport 61000:65535 -j DROP", chain="OUTPUT"),
            "61000-65535",
        ),
        # Of several that one range lost is enough.
        (
            filtered(
                "-p tcp -m tcp --sport 50000:50999 -j ACCEPT",
                "-p tcp -m tcp --sport 50000:65535 -j DROP",
            ),
            "51000-65535",
        ),
    ],
)
def test_clients_that_are_lost_for_their_port(texts: dict[str, str], lost: str) -> None:
    outcome, why = said("firewall-allows-service", SERVICE, "0.0.0.0:22", **texts)
    assert outcome == "failed"
    verb = "lost" if "OUTPUT" in texts["iptables_legacy"] else "dropped"
    assert LOST.format(lost).replace("dropped", verb, 1) in why


@pytest.mark.parametrize(
    "texts",
    [
        filtered("-p tcp -m tcp --sport 1024:65535 -j ACCEPT", policy="DROP"),
        filtered("-p tcp -m tcp --sport 0:32767 -j DROP"),
        # Every port gets in, though by two rules.
        filtered(
            "-p tcp -m tcp --sport 50000:65535 -j ACCEPT",
            "-p tcp -m tcp ! --sport 50000:65535 -j ACCEPT",
            policy="DROP",
        ),
    ],
)
def test_clients_that_get_in_from_all_of_their_ports(texts: dict[str, str]) -> None:
    assert said("firewall-allows-service", SERVICE, "0.0.0.0:22", **texts) == ("passed", "")


def test_what_else_is_unknown_of_some_ports_stays_so() -> None:
    texts = filtered(
        "-p tcp -m tcp --sport 50000:65535 -m bpf --bytecode x -j DROP",
    )
    outcome, why = said("firewall-allows-service", SERVICE, "0.0.0.0:22", **texts)
    assert outcome == "unknown"
    assert "-m bpf" in why


def test_a_former_port_is_judged_for_all_ports_of_clients_too() -> None:
    policy = {"services": {"shop": {"port": 22, "legacy_ports": [2222]}}}
    rule = "-A PREROUTING -p tcp -m tcp --dport 2222 -j REDIRECT --to-ports 22"
    redirect = f"*nat\n:PREROUTING ACCEPT [0:0]\n{rule}\nCOMMIT\n"
    texts = filtered("-p tcp -m tcp ! --sport 61000:65535 -j ACCEPT", policy="DROP")
    texts["iptables_legacy"] += redirect
    outcome, why = said("legacy-port-still-served", policy, "0.0.0.0:22", **texts)
    assert outcome == "failed"
    assert "from source port 61000-65535" in why

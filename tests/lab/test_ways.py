"""Two-ended results of a whole audit: over SSH, in every report, from evidence, by workers."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from tests.lab.audit import AuditRun, audit, environment
from tests.lab.host import LabHost
from tests.lab.lab import REPOSITORY, Lab

PORT = 7433
RULE = "upstream-reachable"
CLIENT, ROUTER, GOOD, BAD = "dialler", "gateway-1", "db-one", "db-two"
FAR = {GOOD: "10.82.0.2", BAD: "10.82.0.3"}
ITEMS = {GOOD: f"database → {GOOD}", BAD: f"database → {BAD}"}
AS_EXPECTED = {ITEMS[GOOD]: "passed", ITEMS[BAD]: "failed", "shared": "passed"}


@dataclass(frozen=True)
class Fleet:
    """A client, a router, and two servers of which the second drops the client."""

    lab: Lab
    hosts: list[LabHost]
    inventory: Path

    def audited(self, *arguments: str) -> AuditRun:
        """An audit by this rule and the packet filter's."""
        given = ("--window=0", "-k", "upstream_reachable or firewall_allows", *arguments)
        return audit(self.lab, self.hosts, *given, inventory=self.inventory)


@pytest.fixture(scope="module")
def fleet(lab: Lab) -> Iterator[Fleet]:
    """The fleet, whose servers are reached through the router alone."""
    hosts = lab.hosts(CLIENT, ROUTER, GOOD, BAD)
    client, router, *servers = hosts
    client.attach("ways-near", "10.81.0.2/24")
    router.attach("ways-near", "10.81.0.1/24")
    router.attach("ways-far", "10.82.0.1/24")
    router.sysctl("net.ipv4.ip_forward", 1)
    client.shell("ip route add 10.82.0.0/24 via 10.81.0.1")
    entries: dict[str, dict[str, object]] = {
        host.name: {"ansible_host": host.address, "ansible_user": "root"} for host in hosts
    }
    with ExitStack() as stack:
        for server in servers:
            server.attach("ways-far", f"{FAR[server.name]}/24")
            server.shell("ip route add 10.81.0.0/24 via 10.82.0.1")
            stack.enter_context(server.listen(PORT, accept=True))
            service = {"port": PORT, "address": FAR[server.name], "allow_from": [CLIENT]}
            entries[server.name]["nethygiene"] = {"services": {"pg": service}}
        servers[1].shell(
            "nft add table inet t; nft 'add chain inet t i { type filter hook input priority 0; }';"
            f" nft add rule inet t i tcp dport {PORT} drop"
        )
        upstreams = {"database": {"to": "db/pg"}, "shared": {"to": "shared@db/pg"}}
        entries[CLIENT]["nethygiene"] = {"upstreams": upstreams}
        servers[0].shell("ip addr add 10.82.0.100/32 dev eth1")
        path = lab.directory / "ways.yaml"
        shared = {"virtual_addresses": {"shared": {"address": "10.82.0.100"}}}
        group = {
            "hosts": {server.name: entries.pop(server.name) for server in servers},
            "vars": {"nethygiene": shared},
        }
        everywhere = {"ansible_ssh_private_key_file": str(lab.identity), "ansible_port": 22}
        document = {"all": {"vars": everywhere, "hosts": entries, "children": {"db": group}}}
        path.write_text(yaml.safe_dump(document))
        yield Fleet(lab, hosts, path)
    for host in hosts:
        lab.remove(host)


def outcomes(run: AuditRun) -> dict[str | None, str]:
    return {found.item: found.outcome for found in run.of(CLIENT, RULE)}


def test_every_report_shows_the_way(fleet: Fleet, tmp_path: Path) -> None:
    page, summary = tmp_path / "report.html", tmp_path / "summary.md"
    run = fleet.audited(f"--html={page}", "--self-contained-html", f"--summary-md={summary}")
    assert outcomes(run) == AS_EXPECTED, run
    found = run.one(CLIENT, RULE, ITEMS[BAD])
    assert found.message.startswith(f"{BAD}: the SYN at the input filter is dropped by nft inet t")
    assert f"On {BAD}, open it before the rule that refuses." in found.remedy
    way = f"{CLIENT} → {ROUTER} → {BAD} ✗"
    assert f"way: {way}" in " ".join(run.stdout.split())
    assert "3 ways between hosts" in run.stdout
    assert f"(way: {way})" in summary.read_text()
    assert "3 ways between hosts" in summary.read_text()
    text = page.read_text()
    assert f'<span class="nh-hop nh-hop-refuses">{BAD} ✗</span>' in text
    assert "with 3 ways between hosts" in text


def test_named_clients_are_the_addresses_that_they_have(fleet: Fleet) -> None:
    run = fleet.audited()
    assert run.one(GOOD, "firewall-allows-service").outcome == "passed"
    refused = run.one(BAD, "firewall-allows-service")
    assert refused.outcome == "failed"
    assert "10.81.0.2" in refused.message


def test_a_limit_makes_it_unknown(fleet: Fleet) -> None:
    run = fleet.audited(f"--limit={CLIENT},{ROUTER},{BAD}")
    found = run.one(CLIENT, RULE, ITEMS[GOOD])
    assert found.outcome == "unknown"
    assert f"{FAR[GOOD]} on the way from {ROUTER}" in found.message
    assert run.one(CLIENT, RULE, ITEMS[BAD]).outcome == "failed"
    without = fleet.audited(f"--limit={CLIENT},db")
    assert set(outcomes(without).values()) == {"unknown"}
    assert f"{GOOD} is outside --limit" in run.one(CLIENT, RULE, "shared").message
    assert "the gateway 10.81.0.1" in without.one(CLIENT, RULE, ITEMS[BAD]).message


def test_a_selection_reads_every_host_that_may_lie_between(fleet: Fleet) -> None:
    run = fleet.audited("-k", f"upstream_reachable and {CLIENT}")
    assert outcomes(run) == AS_EXPECTED, run


def test_workers_judge_it_alike(fleet: Fleet) -> None:
    assert outcomes(fleet.audited("-n2")) == AS_EXPECTED


@pytest.mark.parametrize("redact", [(), ("--redact",)], ids=["plain", "redacted"])
def test_evidence_is_judged_alike(fleet: Fleet, tmp_path: Path, redact: tuple[str, ...]) -> None:
    evidence, results = tmp_path / "evidence.jsonl", tmp_path / "results.json"
    fleet.audited(f"--evidence={evidence}", *redact)
    told = evidence.read_text()
    assert (f'"{BAD}"' in told) is not bool(redact)
    for workers in ((), ("-n2",)):
        subprocess.run(
            [
                *(sys.executable, "-m", "pytest", "checks", "-p", "no:cacheprovider", "-q"),
                *(f"--from-evidence={evidence}", f"--results={results}"),
                *("-k", "upstream_reach or firewall_allows"),
                *workers,
            ],
            cwd=REPOSITORY,
            env=environment(),
            capture_output=True,
            check=False,
        )
        document = json.loads(results.read_text())
        found = [one for one in document["results"] if one["rule"] == RULE and one["item"]]
        assert sorted(one["outcome"] for one in found) == ["failed", "passed", "passed"], found
        assert sum(" → " in one["item"] for one in found) == 2
        # The servers name the client, whose addresses have pseudonyms too.
        allowed = [one for one in document["results"] if one["rule"] == "firewall-allows-service"]
        judged = sorted(one["outcome"] for one in allowed if one["item"])
        assert judged == ["failed", "passed"], allowed

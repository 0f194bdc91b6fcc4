"""Names of hosts and groups in a policy: they stand for the addresses that these hosts have."""

from __future__ import annotations

from pathlib import Path

import pytest

from nethygiene.collect.evidence import EvidenceWriter
from nethygiene.collect.evidence_lines import EvidenceHeader, EvidenceHost
from nethygiene.engine.outcomes import Outcome, Reason
from nethygiene.transcript import HostFailure, Section, Transcript
from tests.plugin.conftest import Runner, Suite

RULE = """
from nethygiene.rules import *
from nethygiene.subjects.filter.client_ways import ask_names

@rule(severity="high", kind="setting", incidents=["S4"])
def test_clients_known(service, expect):
    '''Every client is one of those that are wanted.

    Why: a name stands for addresses.
    Remedy: name others.
    References: none
    '''
    ask_names(service)
    shown = " ".join(str(source) for source in service.clients)
    expect("clients", shown, equal_to(WANTED))
"""
FOREVER = "\\       valid_lft forever preferred_lft forever"
ADDRESSES = f"""\
1: lo    inet 127.0.0.1/8 scope host lo{FOREVER}
2: eth0    inet {{0}}/24 scope global eth0{FOREVER}
2: eth0    inet6 {{1}}/64 scope global {FOREVER}
2: eth0    inet6 fe80::1/64 scope link {FOREVER}
3: docker0    inet 172.17.0.1/16 scope global docker0{FOREVER}
"""
LINK = "qdisc noqueue state UP mode DEFAULT group default qlen 1000\\    link/"
MAC = "brd ff:ff:ff:ff:ff:ff promiscuity 0"
LINKS = f"""\
1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 {LINK}loopback 00:00:00:00:00:00 {MAC}
2: eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 {LINK}ether 02:00:00:00:00:01 {MAC}
3: docker0: <BROADCAST,MULTICAST,UP> mtu 1500 {LINK}ether 02:00:00:00:00:02 {MAC} \\    bridge x 1
"""
INVENTORY = """
all:
  children:
    web:
      hosts: {web-1: {ansible_host: 10.0.1.1}, web-2: {ansible_host: 10.0.1.2}}
    db:
      hosts: {db-1: {ansible_host: 10.0.3.1}}
      vars: {nethygiene: {services: {pg: {port: 5432, allow_from: [web, 10.9.0.0/16]}}}}
"""
WEB_1 = "10.0.1.1/32 2001:db8:1::1/128"
WEB_2 = "10.0.1.2/32 2001:db8:1::2/128"
PG = {"services": {"pg": {"port": 5432, "allow_from": ["web", "10.9.0.0/16"]}}}


def line(host: str, group: str, address: str, *, read: bool = True, size: int = 0) -> EvidenceHost:
    """A host's line of evidence; `size` is how many members its group has."""
    six = f"2001:db8:{address.split('.')[2]}::{address.split('.')[3]}"
    sections = {
        "kernel": Section(b"Linux 6.1.0\n"),
        "links": Section(LINKS.encode()),
        "addresses": Section(ADDRESSES.format(address, six).encode()),
    }
    probes = {"kernel": 1, "interfaces": 1}
    failure = None if read else HostFailure("refused", "it refused", "start sshd")
    made = Transcript(
        host, address, "2026-01-01T00:00:00Z", 0.1, 0.0, probes=probes if read else {},
        sections=sections if read else {}, failure=failure,
    )  # fmt: skip
    policy = PG if group == "db" else {}
    sizes = {group: size} if size else {}
    return EvidenceHost.of(
        made, groups=(group,), group_sizes=sizes, policy=policy, boot_id="", uptime=None
    )


def evidence(path: Path, *lines: EvidenceHost) -> Path:
    header = EvidenceHeader(tool="t", run_id="r", window=0.0, inventory_sha256="", hosts=len(lines))
    with EvidenceWriter(path, header) as writer:
        for host in lines:
            writer.add(host)
    return path


def check(runner: Runner, lines: list[EvidenceHost], *arguments: str, wanted: str) -> Suite:
    path = evidence(runner.folder / "evidence.jsonl", *lines)
    source = RULE.replace("WANTED", repr(wanted))
    return runner.check(source, f"--from-evidence={path}", *arguments)


def both(*, read: bool = True, size: int = 2) -> list[EvidenceHost]:
    return [
        line("db-1", "db", "10.0.3.1", size=1),
        line("web-1", "web", "10.0.1.1", size=size),
        line("web-2", "web", "10.0.1.2", read=read, size=size),
    ]


@pytest.mark.parametrize("with_inventory", [False, True], ids=["evidence-alone", "inventory"])
@pytest.mark.parametrize("order", [1, -1], ids=["named-last", "named-first"])
def test_a_group_stands_for_all_addresses_of_its_hosts(
    runner: Runner, with_inventory: bool, order: int
) -> None:
    given = [f"--inventory={runner.inventory(INVENTORY)}"] if with_inventory else []
    suite = check(runner, both()[::order], *given, wanted=f"{WEB_1} {WEB_2} 10.9.0.0/16")
    assert suite.outcomes("clients-known")["db-1:pg"] == "passed", suite.output


@pytest.mark.slow
def test_workers_know_them_too(runner: Runner) -> None:
    suite = check(runner, both(), "-n2", wanted=f"{WEB_1} {WEB_2} 10.9.0.0/16")
    assert suite.outcomes("clients-known")["db-1:pg"] == "passed", suite.output


def test_an_unread_host_stands_for_where_it_is_reached_and_nothing_passes(runner: Runner) -> None:
    suite = check(runner, both(read=False), wanted=f"{WEB_1} 10.0.1.2/32 10.9.0.0/16")
    (result,) = [one for one in suite.results("clients-known") if one.host == "db-1"]
    assert (result.outcome, result.reason) == (Outcome.UNKNOWN, Reason.NOT_COLLECTED)
    assert result.message == "web-2 was not read (refused), so its addresses are not all known"


def test_a_failure_that_is_certain_stands(runner: Runner) -> None:
    suite = check(runner, both(read=False), wanted="others")
    (result,) = [one for one in suite.results("clients-known") if one.host == "db-1"]
    assert result.outcome is Outcome.FAILED
    assert "also unknown: web-2 was not read" in result.message


def test_a_host_outside_the_limit_is_unknown(runner: Runner) -> None:
    inventory = f"--inventory={runner.inventory(INVENTORY)}"
    wanted = f"{WEB_1} 10.0.1.2/32 10.9.0.0/16"
    suite = check(runner, both(), inventory, "--limit=db-1,web-1", wanted=wanted)
    (result,) = [one for one in suite.results("clients-known") if one.host == "db-1"]
    assert result.outcome is Outcome.UNKNOWN
    assert result.message == "web-2 is outside --limit, so its addresses are not all known"


def test_a_member_that_the_evidence_lacks_is_unknown(runner: Runner) -> None:
    suite = check(runner, both()[:2], wanted=f"{WEB_1} 10.9.0.0/16")
    (result,) = [one for one in suite.results("clients-known") if one.host == "db-1"]
    assert result.outcome is Outcome.UNKNOWN
    assert result.message == "of group web, the evidence holds 1 of 2 members"


def test_a_selection_reads_the_named_hosts_as_well(runner: Runner) -> None:
    suite = check(runner, both(), "-k", "db-1", wanted=f"{WEB_1} {WEB_2} 10.9.0.0/16")
    assert suite.outcomes("clients-known") == {"db-1:pg": "passed"}

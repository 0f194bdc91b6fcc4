"""What this kernel does with a redirect, beside what the suite says that it would do (S1.8)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import pytest

from tests.lab.audit import AuditRun, audit
from tests.lab.gateway import Gateway, send
from tests.lab.host import Family, LabHost
from tests.lab.lab import Lab

MATCH = "icmp-redirects-match-policy"
IGNORED = "icmp-redirects-not-ignored"
ACCEPT = {"icmp_redirects": "accept"}
REFUSE = {"icmp_redirects": "refuse"}


@dataclass(frozen=True)
class Setting:
    """One row of the matrix: conf.all, the interface, and whether it forwards."""

    everywhere: int
    own: int
    forwarding: int

    def __str__(self) -> str:
        return f"all-{self.everywhere}-own-{self.own}-forwarding-{self.forwarding}"

    def apply(self, host: LabHost) -> None:
        # First, since it resets conf.all.accept_redirects.
        host.sysctl("net.ipv4.ip_forward", self.forwarding)
        host.sysctl("net.ipv6.conf.all.forwarding", self.forwarding)
        for family in ("ipv4", "ipv6"):
            host.sysctl(f"net.{family}.conf.all.accept_redirects", self.everywhere)
            host.sysctl(f"net.{family}.conf.eth0.accept_redirects", self.own)


SETTINGS = [Setting(*values) for values in product((0, 1), (0, 1), (0, 1))]


@pytest.fixture(scope="module")
def gateway(lab: Lab) -> Iterator[Gateway]:
    built = Gateway.build(lab)
    yield built
    lab.remove(built.router)
    lab.remove(built.neighbour)


@dataclass(frozen=True)
class Matrix:
    """Every setting's host, whether its kernel obeyed a real redirect, and what the audit said."""

    hosts: dict[Setting, LabHost]
    obeyed: dict[tuple[Setting, Family], bool]
    run: AuditRun


@pytest.fixture(scope="module")
def matrix(lab: Lab, gateway: Gateway) -> Iterator[Matrix]:
    hosts = dict(zip(SETTINGS, lab.hosts(*(f"matrix-{s}" for s in SETTINGS)), strict=True))
    obeyed: dict[tuple[Setting, Family], bool] = {}
    families: tuple[Family, ...] = ("ipv4", "ipv6")
    for number, (setting, host) in enumerate(hosts.items(), start=1):
        setting.apply(host)
        for family in families:
            gateway.becomes_the_way(host, family)
            gateway.redirects(host, family, number)
            obeyed[setting, family] = gateway.is_obeyed(host, family, number)
    yield Matrix(hosts, obeyed, audit(lab, list(hosts.values()), "-k", "redirects", policy=ACCEPT))
    for host in hosts.values():
        lab.remove(host)


@pytest.mark.parametrize("family", ["ipv4", "ipv6"])
@pytest.mark.parametrize("setting", SETTINGS, ids=str)
def test_the_verdict_is_what_the_kernel_does(
    matrix: Matrix, setting: Setting, family: Family
) -> None:
    found = matrix.run.one(matrix.hosts[setting], MATCH, f"eth0/{family}")
    assert found.outcome == ("passed" if matrix.obeyed[setting, family] else "failed")


def test_the_kernel_obeys_some_redirects_and_not_others(matrix: Matrix) -> None:
    # Otherwise the comparison above would compare nothing.
    four = {s for s in SETTINGS if matrix.obeyed[s, "ipv4"]}
    six = {s for s in SETTINGS if matrix.obeyed[s, "ipv6"]}
    assert four == {s for s in SETTINGS if s.everywhere + s.own > s.forwarding}
    assert six == {s for s in SETTINGS if s.own and not s.forwarding}


def test_redirects_are_ignored_where_they_are_refused(matrix: Matrix) -> None:
    for setting in SETTINGS:
        found = matrix.run.one(matrix.hosts[setting], IGNORED)
        refuses = not setting.forwarding and not (
            matrix.obeyed[setting, "ipv4"] and matrix.obeyed[setting, "ipv6"]
        )
        assert found.outcome == ("failed" if refuses else "not-applicable"), setting


def test_ignored_redirects_are_seen_until_the_static_route_is_there(
    lab: Lab, gateway: Gateway, host: LabHost
) -> None:
    host.sysctl("net.ipv4.conf.all.accept_redirects", 0)
    host.sysctl("net.ipv4.conf.eth0.accept_redirects", 0)
    host.sysctl("net.ipv6.conf.eth0.accept_redirects", 0)
    gateway.becomes_the_way(host, "ipv4")
    evidence = lab.directory / "mended.evidence"

    def judge(*options: str) -> AuditRun:
        return audit(lab, [host], "-k", "redirects", *options, policy=REFUSE)

    assert judge("--window=0.2").one(host, IGNORED).outcome == "passed"
    gateway.redirects(host, "ipv4", 200)
    broken = judge("--window=0.2").one(host, IGNORED)
    assert broken.outcome == "failed"
    assert "static route" in broken.text

    gateway.gives_way(host, "ipv4")
    since_boot = judge("--window=0.2", f"--evidence={evidence}").one(host, IGNORED)
    assert since_boot.outcome == "failed"
    send(host, "ipv4", 201)
    mended = judge("--window=0", f"--since={evidence}").one(host, IGNORED)
    assert mended.outcome == "passed", mended
    host.run("ip", "route", "flush", "cache")
    gateway.becomes_the_way(host, "ipv4")
    gateway.redirects(host, "ipv4", 202)
    again = judge("--window=0", f"--since={evidence}").one(host, IGNORED)
    assert again.outcome == "failed"

"""Hosts whose login shell lies: it sees the script, boundary and all, and answers as it likes.

Who is root on a host can always say that it is healthy, and no test
could find out. But it speaks for its own host alone, garbled answers are no good news, and whatever
it says the run goes on and ends in a verdict.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.lab.audit import AuditRun, audit, environment
from tests.lab.lab import REPOSITORY, Lab
from tests.lab.lying import lie

REACHABLE = "host-reachable"
RATES = {"accept-queue-not-overflowing", "connection-failures-bounded", "resets-sent-bounded"}
SETTINGS = {"tcp-syncookies-enabled", "somaxconn-meets-policy", "tcp-timestamps-enabled"}

# What is left of the truth is not enough to pass any of these; None: any rule but host-reachable.
NOT_PASSED: dict[str, set[str] | None] = {
    "replayed": None,
    "guessed": None,
    "garbage": None,
    "exponents": None,
    "negative": None,
    "deep": None,
    "deep-in-good-form": None,
    "statuses": None,
    "promises": None,
    "repeated": None,
    "swapped-streams": None,
    "many-sections": None,
    "enormous-names": None,
    "no-ends": None,
    "controls": {"tcp-syncookies-enabled", *RATES},
    "digits": {"accept-queue-not-overflowing", "listener-backlog-in-effect"},
    "longest-line": SETTINGS,
    "crowd": {"listener-backlog-in-effect"},
    "backwards": RATES,
    "other-way-round": set(),
    "healthy": set(),
}
UNREACHED = {"replayed", "guessed", "many-sections", "enormous-names"}
POLICY = {
    "min_somaxconn": 1,
    "tunnels": {"to-cloud": {"user": "audit", "destination": "cloud.example"}},
    "services": {"ssh": {"port": 22, "backlog": 1, "allow_from": ["any"]}},
    "routes": {"own": {"destination": "198.18.0.0/16", "interface": "eth0"}},
    "blocked_ports": {9: {}},
}


@dataclass(frozen=True)
class Audited:
    """One audit of all of them beside an honest host."""

    run: AuditRun
    evidence: Path


@pytest.fixture(scope="module")
def audited(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Audited]:
    folder = tmp_path_factory.mktemp("lying")
    hosts = lab.hosts("honest", *NOT_PASSED)
    for host in hosts[1:]:
        lie(host, host.name)
    written = (
        f"--evidence={folder / 'evidence'}",
        f"--html={folder / 'report.html'}",
        "--self-contained-html",
        f"--junit-xml={folder / 'junit.xml'}",
    )
    yield Audited(audit(lab, hosts, "--window=0.2", *written, policy=POLICY), folder / "evidence")
    for host in hosts:
        lab.remove(host)


def passed(run: AuditRun, host: str) -> set[str]:
    return {one.rule for one in run.of(host) if one.outcome == "passed"} - {REACHABLE}


def test_the_run_ends_in_a_verdict(audited: Audited) -> None:
    run = audited.run
    assert run.status == 1, run
    assert "Traceback" not in run.stdout + run.stderr
    assert "please report" not in json.dumps(run.document)
    assert not [one for one in run.findings if one.reason == "rule-crashed"]
    assert len(run.stdout) < 100_000, "a screen that nobody can read"
    assert "\x1b]" not in run.stdout


def test_an_honest_host_beside_them_is_judged_as_ever(audited: Audited) -> None:
    outcomes = {one.outcome for one in audited.run.of("honest")}
    assert outcomes <= {"passed", "failed", "not-applicable"}
    assert passed(audited.run, "honest") >= SETTINGS | RATES


@pytest.mark.parametrize("how", NOT_PASSED)
def test_a_garbled_answer_is_not_passed(audited: Audited, how: str) -> None:
    refused = NOT_PASSED[how]
    found = passed(audited.run, how)
    assert not (found if refused is None else found & refused)
    reached = audited.run.one(how, REACHABLE)
    assert reached.outcome == ("failed" if how in UNREACHED else "passed"), reached


@pytest.mark.parametrize("how", ["other-way-round", "healthy"])
def test_root_may_say_of_its_own_host_what_it_likes(audited: Audited, how: str) -> None:
    assert passed(audited.run, how) == passed(audited.run, "honest")


def test_its_evidence_is_judged_alike(audited: Audited, tmp_path: Path) -> None:
    results = tmp_path / "results.json"
    command = (
        *(sys.executable, "-m", "pytest", "checks", "-q", "-p", "no:cacheprovider"),
        f"--from-evidence={audited.evidence}",
        f"--results={results}",
    )
    process = subprocess.Popen(
        command, cwd=REPOSITORY, env=environment(), stdout=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == audited.run.status
    # An answer may be 64 MiB long, and is kept for all rules.
    assert usage.ru_maxrss < 1_000_000, f"{usage.ru_maxrss} KiB"
    again = json.loads(results.read_text())["results"]
    assert [(one["rule"], one["host"], one["item"], one["outcome"]) for one in again] == [
        (one.rule, one.host, one.item, one.outcome) for one in audited.run.findings
    ]

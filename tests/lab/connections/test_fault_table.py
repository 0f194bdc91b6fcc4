"""The table of connection faults, against one audit of all of them together."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.lab.connections.faults.audited import (
    COMMAND_SECONDS,
    CONNECT_SECONDS,
    HEALTHY,
    KINDS,
    ROWS,
    WINDOW_SECONDS,
    Audited,
    Hop,
    Row,
    audit_all,
)
from tests.lab.connections.faults.fault import Fault, Rest, Said
from tests.lab.connections.faults.login import PASSPHRASE, PROXY_SECRET
from tests.lab.connections.faults.stage import SOON
from tests.lab.connections.faults.table import TABLE
from tests.lab.connections.servers import Keys
from tests.lab.lab import Lab

EACH = pytest.mark.parametrize("row", ROWS, ids=lambda row: row.host)
REACHABLE = ("host-reachable", None)

NOT_ASKED = {("not-applicable", "policy-any"), ("not-applicable", "not-declared")}

SLACK_SECONDS = 30.0
"""For a busy machine: far less than what a deadline that does not hold would take."""

PEAK_KIB = 350 * 1024
"""What the audit may take, with twelve hosts that send without an end at the same time."""


@pytest.fixture(scope="module")
def audited(lab: Lab, keys: Keys, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Audited]:
    with ExitStack() as stack:
        yield audit_all(lab, keys, tmp_path_factory.mktemp("faults"), stack)


@EACH
def test_cause_and_cure_stand_in_one_line(audited: Audited, row: Row) -> None:
    found = audited.run.one(row.host, "host-reachable")
    said = row.said
    if said.code == "complete":
        assert found.outcome == "passed", found
        return
    assert found.outcome == "failed"
    assert f" ({said.code}), expected read to its end: " in found.message, found.message
    assert "\n" not in found.message
    assert len(found.message) < 700
    before, cause, after = found.message.partition(said.cause)
    assert cause, found.message
    assert said.cure in after, found.message
    if row.hop is Hop.JUMP:
        assert f"jump host root@[{audited.addresses[row.host]}]" in before, found.message
    elif row.hop is Hop.BEHIND_JUMP:
        assert audited.addresses[row.host] in found.message
        assert "by way of" not in found.message


@EACH
def test_nothing_is_passed_that_was_not_seen(audited: Audited, row: Row) -> None:
    healthy = audited.run.outcomes(HEALTHY[0])
    found = audited.run.outcomes(row.host)
    del found[REACHABLE]
    assert found
    if row.fault.rest is Rest.UNKNOWN:
        others = [one for one in audited.run.of(row.host) if one.rule != "host-reachable"]
        # What no policy asks for needs no host to be not applicable.
        reasons = {(one.outcome, one.reason) for one in others} - NOT_ASKED
        assert reasons == {("unknown", "unreachable")}
        return
    judged = {judged: outcome for judged, outcome in found.items() if outcome != "unknown"}
    assert judged == {judged: healthy[judged] for judged in judged}
    if row.fault.rest is Rest.JUDGED:
        assert {**judged, REACHABLE: "passed"} == healthy, audited.run.of(row.host)


@EACH
def test_its_deadline_holds(audited: Audited, row: Row) -> None:
    (host,) = (one for one in audited.run.document["hosts"] if one["name"] == row.host)
    allowed = CONNECT_SECONDS + COMMAND_SECONDS
    if audited.variables[row.host].get("ansible_ssh_common_args") == SOON:
        allowed = 6.0
    assert host["collect_seconds"] < allowed + SLACK_SECONDS


@pytest.mark.parametrize("name", HEALTHY)
def test_the_rest_of_the_fleet_is_judged_completely(audited: Audited, name: str) -> None:
    outcomes = audited.run.outcomes(name)
    assert outcomes[REACHABLE] == "passed"
    assert "unknown" not in outcomes.values()
    assert outcomes == audited.run.outcomes(HEALTHY[0])


def test_the_run_ends_in_time_and_says_that_hosts_are_missing(audited: Audited) -> None:
    assert audited.run.status == 1
    assert audited.run.seconds < CONNECT_SECONDS + COMMAND_SECONDS + 2 * SLACK_SECONDS
    failed = [row.host for row in ROWS if row.said.code != "complete"]
    assert f"({len(failed)} not reached)" in audited.run.stdout
    assert all(host in audited.written for host in failed)


@pytest.mark.parametrize("name", [*HEALTHY, *(f"wall-clock-jumps-{kind}" for kind in KINDS)])
def test_rates_are_of_the_window_whatever_the_clocks_say(audited: Audited, name: str) -> None:
    """The auditor's own clock goes to and fro by a day as well."""
    observed = " ".join(found.text for found in audited.run.of(name) if found.outcome == "passed")
    intervals = [float(seconds) for seconds in re.findall(r"\+\d+ in ([\d.]+) s", observed)]
    assert intervals
    assert all(WINDOW_SECONDS <= seconds < COMMAND_SECONDS for seconds in intervals)


def test_memory_stays_bounded(audited: Audited) -> None:
    assert audited.footprint.peak_kib < PEAK_KIB


def test_nothing_is_left_behind(audited: Audited) -> None:
    assert audited.orphans == []
    assert audited.footprint.children == []
    links = audited.footprint.descriptors
    # Each lookup that the name server does not answer has a thread in the C library.
    lookups = [one for one in audited.footprint.threads if one.startswith("resolve ")]
    sockets = [link for link in links if link.startswith("socket:")]
    assert len(sockets) <= len(lookups) <= 1, audited.footprint
    # Standard output and error, that this test reads.
    assert len({link for link in links if link.startswith("pipe:")}) == 2, links
    busy = set(audited.footprint.threads) - {"MainThread", "nethygiene-watchdog", *lookups}
    assert not busy


def test_no_secret_is_written(audited: Audited) -> None:
    for secret in (*audited.secrets, PASSPHRASE, PROXY_SECRET):
        assert secret not in audited.written


@pytest.mark.parametrize("fault", TABLE, ids=lambda fault: fault.name)
def test_every_row_has_all_columns(fault: Fault) -> None:
    for said in (fault.paramiko, fault.ssh, *([fault.behind] if fault.behind else [])):
        if said != Said("complete"):
            assert said.code
            assert said.cause
            assert said.cure
        # A fault that keeps nothing from being seen is the only one that may pass.
        assert (said.code == "complete") == (fault.rest is Rest.JUDGED)


def test_each_fault_stands_once_and_over_both_connections() -> None:
    names = [fault.name for fault in TABLE]
    assert len(set(names)) == len(names)
    assert {(row.fault.name, row.kind) for row in ROWS} == {
        (name, kind) for name in names for kind in KINDS
    }

"""Load: a large fleet in one audit, 5 % of it faulty at random.

`make load` audits 2,000 hosts, draws the faults anew each time, and holds the time to that of
plain paramiko. The default run has a sample of it, always the same one, and says nothing of time.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator

import pytest

from tests.lab.connections.faults.fault import Rest
from tests.lab.connections.faults.table import TABLE
from tests.lab.lab import Lab
from tests.lab.load.fleet import REAL, Fleet, Loaded, baseline, load, standing

WHOLE = bool(os.environ.get("NETHYGIENE_LOAD"))
SEED = int(os.environ.get("NETHYGIENE_LOAD_SEED") or (random.randrange(10**6) if WHOLE else 6))
HOSTS = 2000 if WHOLE else 120
WINDOW = 2.0 if WHOLE else 0.5
FORKS = 64
RULE = "host-reachable"
SHARE = 0.05
MOST_TIMES = 1.3
MOST_KIB = 1_000_000
# These hold a thread, or the processor, for longer than the sample may take.
LONG = ("one-byte-a-second", "silence-without-end", "flood-", "greeting-without-end")
FAULTS = [fault for fault in TABLE if WHOLE or not fault.name.startswith(LONG)]


@pytest.fixture(scope="module")
def fleet(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    print(f"seed {SEED}: NETHYGIENE_LOAD_SEED={SEED} draws the same faults")  # noqa: T201
    directory = tmp_path_factory.mktemp("load")
    with standing(
        lab, directory, hosts=HOSTS, window=WINDOW, faults=FAULTS, share=SHARE, seed=SEED
    ) as made:
        yield made


@pytest.fixture(scope="module")
def loaded(fleet: Fleet) -> Loaded:
    return load(fleet, forks=FORKS)


def test_every_healthy_host_is_judged_completely(fleet: Fleet, loaded: Loaded) -> None:
    by_host = loaded.by_host()
    assert len(fleet.healthy) == HOSTS - round(SHARE * HOSTS)
    expected = by_host[REAL]
    assert "passed" in expected.values()
    assert "unknown" not in expected.values()
    assert [name for name in fleet.healthy if by_host[name] != expected] == []
    took = loaded.collect_seconds()
    assert all(took[name] >= WINDOW for name in fleet.healthy)
    assert loaded.run.status == 1
    assert loaded.run.document["cut_short"] is None


def test_every_faulty_host_is_named_with_its_cause(fleet: Fleet, loaded: Loaded) -> None:
    assert fleet.faulty
    reachable = {found.host: found for found in loaded.run.findings if found.rule == RULE}
    for name, fault in fleet.faulty.items():
        found, said = reachable[name], fault.paramiko
        if said.code == "complete":
            assert found.outcome == "passed", (name, found)
            continue
        assert found.outcome == "failed", (name, found)
        assert f" ({said.code}), expected read to its end: " in found.message
        assert said.cause in found.message
        assert said.cure in found.message


def test_no_faulty_host_passes_what_was_not_seen(fleet: Fleet, loaded: Loaded) -> None:
    by_host = loaded.by_host()
    for name, fault in fleet.faulty.items():
        judged = {rule: outcome for rule, outcome in by_host[name].items() if rule[0] != RULE}
        passed = {rule for rule, outcome in judged.items() if outcome == "passed"}
        if fault.rest is Rest.UNKNOWN:
            assert not passed, (name, passed)
        elif fault.rest is Rest.JUDGED:
            assert by_host[name] == by_host[REAL], name
        else:
            assert all(by_host[REAL][rule] == "passed" for rule in passed), (name, passed)


def test_nothing_is_left_and_memory_is_bounded(loaded: Loaded) -> None:
    footprint = loaded.footprint
    print(f"peak {footprint.peak_kib / 1000:.0f} MB, {loaded.run.seconds:.1f} s")  # noqa: T201
    assert footprint.peak_kib < MOST_KIB
    assert loaded.orphans == []
    assert footprint.children == []
    # A lookup that the name server does not answer has a thread in the C library, and a socket.
    lookups = [one for one in footprint.threads if one.startswith("resolve ")]
    sockets = [link for link in footprint.descriptors if link.startswith("socket:")]
    assert len(sockets) <= len(lookups)
    assert set(footprint.threads) <= {"MainThread", "nethygiene-watchdog", *lookups}
    # Standard output and error, which this test reads; nothing of 2,000 connections.
    assert len({link for link in footprint.descriptors if link.startswith("pipe:")}) == 2
    assert len(footprint.descriptors) < 20


if WHOLE:

    def test_it_takes_little_longer_than_connecting_and_sleeping(
        fleet: Fleet, loaded: Loaded
    ) -> None:
        took = loaded.collect_seconds()
        held = {name: took[name] for name in fleet.faulty}
        seconds = baseline(fleet, forks=FORKS, held=held)
        times = loaded.run.seconds / seconds
        print(f"audit {loaded.run.seconds:.1f} s, plain paramiko {seconds:.1f} s: {times:.2f}")  # noqa: T201
        assert times <= MOST_TIMES

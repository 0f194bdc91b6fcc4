"""What the host itself takes for suspect, in each awk; and what is read of it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from nethygiene.engine.catalogue import commands_for
from nethygiene.inventory.policy import policy_from_plain
from nethygiene.subjects.kernel.counters import Change
from nethygiene.subjects.kernel.rates import Rates
from tests.unit.sections import fact

AWKS = {
    name: words
    for name, words in {
        "mawk": "mawk",
        "gawk": "gawk",
        "one true awk": "original-awk",
        "busybox": "busybox awk",
    }.items()
    if shutil.which(words.split(maxsplit=1)[0])
}

_SNMP = """\
Ip: Forwarding DefaultTTL InReceives
Ip: 1 64 21392
Tcp: RtoAlgorithm MaxConn ActiveOpens PassiveOpens AttemptFails OutSegs RetransSegs OutRsts
Tcp: 1 -1 {opened} {accepted} {failed} {segments} {again} {resets}
"""
_DEV = """\
Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop
    lo: 1 {packets} 0 {drops} 0 0 0 0 1 {packets} 0 {drops} 0 0 0 0
  eth0:1 {packets} 0 {drops} 0 0 0 0 1 0 0 0 0 0 0 0
"""
_START = dict.fromkeys(
    ("opened", "accepted", "failed", "segments", "again", "resets", "packets", "drops"),
    # Counters are numbers of 64 bits: some awk would print those in its own way.
    5_000_000_000,
)


def suspects(awk: str, folder: Path, seconds: float, **moved: int) -> list[str]:
    """What the host says of counters that moved so far in so many seconds."""
    policy = policy_from_plain({"interfaces": {"eth0": {"address": "192.0.2.1"}}})
    (command,) = commands_for(["rates"], policy)
    (folder / "net").mkdir()
    shell = command.shell.replace("awk", awk, 1).replace("/proc/", f"{folder}/")

    def ask(uptime: float, counters: dict[str, int], before: str) -> str:
        (folder / "uptime").write_text(f"{uptime:.2f} 9.00\n")
        (folder / "net/snmp").write_text(_SNMP.format_map(counters))
        (folder / "net/netstat").write_text("TcpExt: PAWSActive\nTcpExt: 0\n")
        (folder / "net/dev").write_text(_DEV.format_map(counters))
        done = subprocess.run(
            ["sh", "-c", shell], input=before, capture_output=True, text=True, check=True
        )
        assert not done.stderr
        return done.stdout

    before = ask(100.25, _START, "")
    assert before
    after = {name: start + moved.get(name, 0) for name, start in _START.items()}
    return ask(100.25 + seconds, after, before).splitlines()


awks = pytest.mark.parametrize("awk", AWKS.values(), ids=AWKS)


@awks
@pytest.mark.parametrize(
    ("seconds", "moved", "suspicion"),
    [
        (2.04, {}, []),
        (2.04, {"failed": 4}, ["TcpAttemptFails 4 2.04"]),
        (2.04, {"failed": 1}, []),
        (2.04, {"failed": 4, "opened": 40, "accepted": 40}, []),
        (2.04, {"failed": 4, "opened": 40, "accepted": 39}, ["TcpAttemptFails 4 2.04"]),
        (2.04, {"failed": 10}, []),
        (9.98, {"failed": 9}, ["TcpAttemptFails 9 9.98"]),
        (10.0, {"failed": 9}, []),
        (2.0, {"resets": 6}, []),
        (2.0, {"resets": 7}, ["TcpOutRsts 7 2.00"]),
        (2.0, {"again": 30, "segments": 500}, ["TcpRetransSegs 30 2.00"]),
        (2.0, {"again": 30, "segments": 600}, []),
        (2.0, {"again": 30, "segments": 100}, []),
        (2.0, {"again": 60, "segments": 1000}, []),
        (2.0, {"drops": 3, "packets": 300}, ["eth0 drop 3 2.00"]),
        (2.0, {"drops": 3, "packets": 100}, []),
        (2.0, {"drops": 30, "packets": 1000}, []),
    ],
)
def test_what_is_suspect(
    awk: str, seconds: float, moved: dict[str, int], suspicion: list[str], tmp_path: Path
) -> None:
    assert suspects(awk, tmp_path, seconds, **moved) == suspicion


@awks
def test_counters_that_began_anew_are_not_suspect(awk: str, tmp_path: Path) -> None:
    assert suspects(awk, tmp_path, 2.0, failed=-7, drops=-3, packets=-9) == []


def rates(text: str | bytes) -> Rates:
    found = fact("rates", {"rates": text})
    assert isinstance(found, Rates)
    return found


def change(name: str, *, since: bool = False) -> Change:
    return Change(name, 10, 5.05, 163, 13080.0, since)


def test_a_change_says_why_it_was_sampled_for_longer() -> None:
    found = rates("TcpAttemptFails 4 2.04\neth0 drop 3 2.04\nTcpAttemptFails 6 3.05\n")
    assert str(found.explained(change("TcpAttemptFails"))) == (
        "+10 in 5.05 s (sampled for 5.0 s because it was +4 in 2.04 s; "
        "total 163 since boot, 3 h 38 min ago)"
    )
    assert "+3 in 2.04 s" in str(found.explained(change("eth0 drop")))
    assert "sampled" not in str(found.explained(change("TcpOutRsts")))
    assert "sampled" not in str(found.explained(change("TcpAttemptFails", since=True)))


@pytest.mark.parametrize("text", ["", "\n", "TcpAttemptFails", "x y z", b"\xff 4 2.04 9\n"])
def test_what_says_nothing_explains_nothing(text: str | bytes) -> None:
    assert "sampled" not in str(rates(text).explained(change("TcpAttemptFails")))


def test_a_host_that_was_not_asked_is_judged_by_what_there_is() -> None:
    found = fact("rates", {})
    assert isinstance(found, Rates)

"""--redact and `nethygiene redact`: the same verdicts from a file without names."""

from __future__ import annotations

import itertools
import json
import stat
from pathlib import Path

import pytest

from nethygiene.collect.evidence import read_evidence
from nethygiene.commands.table import main
from nethygiene.engine.results import Result
from nethygiene.redaction import hosts
from tests.plugin.conftest import Runner
from tests.redacting import left_over, text_of

INVENTORY = """\
all:
  children:
    vienna-branch:
      hosts:
        till-vienna: {ansible_connection: local}
  vars:
    nethygiene:
      min_somaxconn: 2000000000
      services:
        cash-desk: {port: 1, backlog: 1, allow_from: [10.77.0.0/16], address: 185.77.3.77}
      upstreams:
        ledger: {address: 185.77.3.78, port: 5432, keepalive: required}
      routes:
        head-office: {destination: 10.78.0.0/16, via: 185.77.3.79}
      tunnels:
        to-head-office:
          user: clerk
          destination: clerk@vault.vienna.example
          local_forwards: ["127.0.0.1:19922:db.vienna.example:22"]
          options: {HostKeyAlias: vault-of-vienna, ServerAliveInterval: 15}
          host_keys: ["SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"]
          run_by: {log: /home/clerk/tunnel.log}
      waivers:
        later: {rule: somaxconn-meets-policy, until: 2999-01-01, owner: anna, reason: Vienna}
"""
NAMES = (
    *("vienna", "cash-desk", "ledger", "head-office", "clerk", "anna", "tunnel.log", "AAAAAAAA"),
    *("10.77.", "10.78.", "185.77.3."),
)


def told(path: Path) -> str:
    header, hosts = read_evidence(path)
    return header.model_dump_json() + "".join(text_of(one) for one in hosts)


def judged(results: list[Result] | tuple[Result, ...]) -> list[tuple[str, str, str | None]]:
    return sorted((one.rule, one.outcome.value, str(one.reason)) for one in results)


@pytest.fixture(autouse=True)
def _known_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys by which no address is, by chance, the pseudonym of another that is looked for."""
    keys = itertools.count(1)
    monkeypatch.setattr(hosts, "new_key", lambda: bytes([next(keys)]) * 32)


def test_redacted_in_the_run_and_afterwards(runner: Runner) -> None:
    inventory = runner.inventory(INVENTORY)
    plain, at_once, later = (runner.folder / name for name in ("plain", "at-once", "later"))
    live = runner.run(f"--inventory={inventory}", f"--evidence={plain}")
    again = runner.run(f"--inventory={inventory}", f"--evidence={at_once}", "--redact")
    assert main(["redact", str(plain), str(later)]) == 0
    assert live.run is not None
    assert again.run is not None
    assert "vienna" in told(plain)
    for path, original in ((at_once, again.run), (later, live.run)):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert not [name for name in NAMES if name.lower() in told(path).lower()]
        header, lines = read_evidence(path)
        assert header.redacted
        (host,) = lines
        assert left_over(next(read_evidence(plain)[1]), host) == set()
        suite = runner.run(f"--from-evidence={path}")
        assert suite.run is not None
        assert judged(suite.run.results) == judged(original.results)
    # Another key for each file.
    assert told(at_once) != told(later)


def test_the_same_name_has_one_pseudonym_in_all_hosts(runner: Runner) -> None:
    both = "hosts:\n        other-till: {ansible_connection: local}"
    inventory = runner.inventory(INVENTORY.replace("hosts:", both, 1))
    path = runner.folder / "evidence"
    runner.run(f"--inventory={inventory}", f"--evidence={path}", "--redact")
    one, two = read_evidence(path)[1]
    assert one.host != two.host
    assert one.policy == two.policy
    ways = [host.sections["routes_ipv4"].stdout for host in (one, two)]
    assert ways[0] == ways[1]


def test_without_evidence_there_is_nothing_to_redact(runner: Runner) -> None:
    suite = runner.run(f"--inventory={runner.inventory(INVENTORY)}", "--redact")
    assert suite.status == 4
    assert "--redact is of --evidence=FILE" in suite.errors


@pytest.mark.parametrize("broken", ["not JSON", "policy", "missing", "there"])
def test_what_cannot_be_redacted_leaves_no_file(
    runner: Runner, capsys: pytest.CaptureFixture[str], broken: str
) -> None:
    source, to = runner.folder / "source", runner.folder / "to"
    runner.run(f"--inventory={runner.inventory(INVENTORY)}", f"--evidence={source}")
    header, line = source.read_text().splitlines()
    if broken == "not JSON":
        source.write_text(f"{header}\n{line[:-9]}\n")
    elif broken == "policy":
        document = {**json.loads(line), "policy": {"unknown": 1}}
        source.write_text(f"{header}\n{json.dumps(document)}\n")
    elif broken == "missing":
        source.unlink()
    else:
        to.write_text("mine")
    capsys.readouterr()
    assert main(["redact", str(source), str(to)]) == 4
    said = capsys.readouterr().err
    assert str(to if broken == "there" else source) in said
    assert to.read_text() == "mine" if broken == "there" else not to.exists()

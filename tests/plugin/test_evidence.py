"""Evidence: written once, judged again without a connection, and a first sample for rates."""

from __future__ import annotations

import json
import socket
import stat
from pathlib import Path

from nethygiene.collect.evidence import read_evidence
from nethygiene.engine.catalogue import all_probes
from tests.plugin.conftest import LOCAL, Runner

POLICY = "  vars: {nethygiene: {min_somaxconn: 2000000000, services: {a: {port: 1, backlog: 1}}}}\n"


def test_evidence_gives_the_same_results(runner: Runner) -> None:
    path = runner.folder / "kept" / "evidence.jsonl"
    inventory = runner.inventory(LOCAL + POLICY)
    live = runner.run(f"--inventory={inventory}", f"--evidence={path}", "--label=team=net")
    inventory.unlink()
    again = runner.run(f"--from-evidence={path}")
    assert live.run is not None
    assert again.run is not None
    assert again.run.results == live.run.results
    # An evidence file says nothing about the inventory's lines.
    lines = {"declared_at": None}
    assert again.run.hosts == tuple(host.model_copy(update=lines) for host in live.run.hosts)
    assert again.run.policy_sha256 == live.run.policy_sha256
    assert again.status == live.status == 1
    assert live.run.labels == {"team": "net"}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_evidence_holds_all_probes_whatever_is_selected(runner: Runner, local: str) -> None:
    path = runner.folder / "evidence.jsonl"
    runner.run(local, f"--evidence={path}", "-k", "timestamps")
    _, hosts = read_evidence(path)
    (host,) = hosts
    assert set(host.probes) == set(all_probes())


def test_a_given_inventory_takes_the_place_of_the_kept_policy(runner: Runner, local: str) -> None:
    path = runner.folder / "evidence.jsonl"
    runner.run(local, f"--evidence={path}", "-k", "timestamps")
    stricter = runner.inventory(LOCAL + POLICY + "", "stricter.yaml")
    suite = runner.run(f"--from-evidence={path}", f"--inventory={stricter}", "-k", "meets")
    assert suite.outcomes("somaxconn-meets-policy") == {"here": "failed"}
    other = runner.inventory(LOCAL.replace("here", "elsewhere"), "other.yaml")
    suite = runner.run(f"--from-evidence={path}", f"--inventory={other}", "-k", "timestamps")
    assert suite.outcomes("host-reachable") == {"elsewhere": "failed"}
    assert suite.outcomes("tcp-timestamps-enabled") == {"elsewhere": "unknown"}
    assert "holds nothing of this host" in suite.output


def test_a_section_that_evidence_lacks_is_unknown(runner: Runner, local: str) -> None:
    path = runner.folder / "evidence.jsonl"
    runner.run(local, f"--evidence={path}")
    _edit(path, lambda host: host["sections"].pop("sysctl"))
    suite = runner.run(f"--from-evidence={path}", "-k", "timestamps")
    assert suite.outcomes("tcp-timestamps-enabled") == {"here": "unknown"}
    assert "evidence older than the rule" in suite.output


def test_since_counts_from_the_earlier_run(runner: Runner, local: str) -> None:
    path = runner.folder / "evidence.jsonl"
    runner.run(local, f"--evidence={path}")
    _refuse_once()
    source = (
        "from nethygiene.rules import *\n"
        "def test_resets(counters):\n"
        "    change = counters.change('TcpAttemptFails')\n"
        "    assert change.since and change.delta >= 1, str(change)\n"
    )
    assert runner.check(source, local, f"--since={path}").outcomes("resets") == {"here": "passed"}
    assert runner.check(source, local).outcomes("resets") == {"here": "failed"}


def test_since_a_run_before_the_reboot_is_unknown(runner: Runner, local: str) -> None:
    path = runner.folder / "evidence.jsonl"
    runner.run(local, f"--evidence={path}")
    _rename_boot(path)
    suite = runner.run(local, f"--since={path}", "-k", "overflowing")
    (result,) = suite.results("accept-queue-not-overflowing")
    assert (result.outcome, result.reason) == ("unknown", "no-second-sample")
    assert "another boot" in result.message


def test_since_a_run_that_lacks_the_host_is_unknown(runner: Runner, local: str) -> None:
    path = runner.folder / "evidence.jsonl"
    runner.run(local, f"--evidence={path}")
    other = runner.inventory(LOCAL.replace("here", "web-1"), "other.yaml")
    _says_of_rates(runner, f"--inventory={other}", path, "web-1 is not in evidence.jsonl")
    # The run that wrote it did not reach the host.
    _edit(path, lambda host: host["sections"].clear())
    _says_of_rates(runner, local, path, "here was not read to its end by the run that wrote")


def test_since_redacted_evidence_is_unknown(runner: Runner, local: str) -> None:
    path = runner.folder / "redacted.jsonl"
    runner.run(local, f"--evidence={path}", "--redact")
    _says_of_rates(runner, local, path, "here is not in redacted.jsonl, which is redacted")


def _says_of_rates(runner: Runner, inventory: str, path: Path, said: str) -> None:
    suite = runner.run(inventory, f"--since={path}", "-m", "rate")
    assert suite.run is not None
    rates = [one for one in suite.run.results if one.rule != "host-reachable"]
    judged = [one for one in rates if one.outcome != "not-applicable"]
    assert len({one.rule for one in judged}) > 3
    assert {(one.outcome.value, one.reason) for one in judged} == {("unknown", "no-second-sample")}
    assert all(said in one.message for one in judged)


def test_evidence_knows_hosts_and_groups(runner: Runner) -> None:
    hosts = "".join(f"    {name}: {{ansible_connection: local}}\n" for name in ("web-1", "web-2"))
    children = "  children: {db: {hosts: {db-1: {ansible_connection: local}}}}\n"
    inventory = runner.inventory(f"all:\n  hosts:\n{hosts}{children}")
    path = runner.folder / "evidence.jsonl"
    runner.run(f"--inventory={inventory}", f"--evidence={path}", "-k", "timestamps")
    for limit, names in {
        "web-1": {"web-1"},
        "db": {"db-1"},
        "all:!db": {"web-1", "web-2"},
        "ungrouped": {"web-1", "web-2"},
        "web-*,db-1": {"web-1", "web-2", "db-1"},
    }.items():
        suite = runner.run(f"--from-evidence={path}", f"--limit={limit}", "-k", "timestamps")
        assert set(suite.outcomes("tcp-timestamps-enabled")) == names, limit
        assert suite.run is not None
        assert {one.name for one in suite.run.hosts} == names
        assert suite.run.cut_short is None
    suite = runner.run(f"--from-evidence={path}", "--limit=wbe-1", "-k", "timestamps")
    assert suite.status == 4
    assert "did you mean 'web-1'?" in suite.output + suite.errors


def test_without_a_window_rates_are_unknown(runner: Runner, local: str) -> None:
    suite = runner.run(local, "--window=0", "-k", "overflowing")
    (result,) = suite.results("accept-queue-not-overflowing")
    assert (result.outcome, result.reason) == ("unknown", "no-second-sample")
    assert "--window or --since" in result.message


def _edit(path: Path, change: object) -> None:
    header, *lines = path.read_text(encoding="utf-8").splitlines()
    hosts = [json.loads(line) for line in lines]
    for host in hosts:
        assert callable(change)
        change(host)
    path.write_text("\n".join([header, *map(json.dumps, hosts)]) + "\n", encoding="utf-8")


def _rename_boot(path: Path) -> None:
    import base64  # noqa: PLC0415 - beside its only use

    def change(host: dict[str, dict[str, dict[str, str]]]) -> None:
        section = host["sections"]["counters@last"]
        text = base64.b64decode(section["stdout"])
        boot = Path("/proc/sys/kernel/random/boot_id").read_bytes().strip()
        assert boot in text
        other = text.replace(boot, b"0" * len(boot))
        section["stdout"] = base64.b64encode(other).decode()

    _edit(path, change)


def _refuse_once() -> None:
    """Fail one connection on loopback: nothing listens on port 1."""
    with socket.socket() as one:
        assert one.connect_ex(("127.0.0.1", 1)) != 0

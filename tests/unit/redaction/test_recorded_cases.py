"""Redacted evidence of every recorded case: the same verdicts, and none of its addresses."""

from __future__ import annotations

from dataclasses import replace

import pytest

from nethygiene.collect.evidence_lines import EvidenceHost
from nethygiene.engine.catalogue import all_probes
from nethygiene.inventory.load import load_inventory
from nethygiene.inventory.policy import policy_from_plain
from nethygiene.redaction import redact
from tests.cases.case import ROOT, Case, case_paths, judge, load_case, rules
from tests.redacting import left_over

KEY = b"a key of this test alone"
PATHS = case_paths()
REAL = all_probes()


def evidence(case: Case) -> EvidenceHost:
    return EvidenceHost.of(
        case.transcript(),
        groups=("all", "group-of-cases"),
        policy=policy_from_plain(dict(case.file.policy)).plain(),
        boot_id="",
        uptime=None,
    ).model_copy(update={"probes": {name: one.version for name, one in all_probes().items()}})


def outcomes(host: EvidenceHost, rule: str) -> list[tuple[str, str | None]]:
    return [
        (one.outcome.value, one.reason.value if one.reason else None)
        for one in judge(rules()[rule], host.transcript(), host.policy)
    ]


def test_every_command_says_what_it_holds() -> None:
    """Else redacted evidence lacks its answer: `holds` stands beside the command."""
    example = load_inventory(ROOT / "inventories" / "example.yaml")
    silent = {
        command.name
        for probe in all_probes().values()
        for host in example.hosts
        for command in probe.commands_for(host.policy)
        if command.holds is None
    }
    assert not silent


def test_an_answer_of_which_nobody_says_what_it_holds_is_left_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kernel = all_probes()["kernel"]
    silent = replace(kernel, commands=(replace(kernel.commands[0], holds=None),))
    host = evidence(load_case(PATHS[0]))
    assert "kernel" in host.sections
    monkeypatch.setattr("nethygiene.engine.kernel.PROBE", silent)
    (redacted,) = redact(lambda: iter([host]), KEY)
    assert "kernel" not in redacted.sections
    assert redacted.sections


@pytest.mark.parametrize("rule", sorted({path.parent.name for path in PATHS}))
def test_verdicts_are_the_same_and_no_name_is_left(rule: str) -> None:
    for path in PATHS:
        if path.parent.name == rule:
            host = evidence(load_case(path))
            (one,) = redact(lambda host=host: iter([host]), KEY)  # type: ignore[misc]
            # As it comes back from the file.
            redacted = EvidenceHost.model_validate_json(one.model_dump_json())
            assert outcomes(redacted, rule) == outcomes(host, rule), path
            assert left_over(host, redacted) == set(), path

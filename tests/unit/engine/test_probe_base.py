"""What all probes have in common: their declarations, and when a section can be believed."""

from __future__ import annotations

import dataclasses
import re
import subprocess
from typing import NoReturn

import pytest

from nethygiene.collect.command import Command
from nethygiene.engine.catalogue import all_probes
from nethygiene.engine.fact import Fact
from nethygiene.engine.outcomes import Reason, Unreadable
from nethygiene.engine.probe import Sections, refused, whole
from nethygiene.inventory.policy import policy_from_plain
from nethygiene.transcript import Cut, Section
from tests.unit.sections import subject

COMMAND = Command("one", "tool --flag", seconds=7, cap=10)
PRIVILEGED = Command("one", "tool --flag", privileged=True)


def test_names_are_unique_and_fit_the_script() -> None:
    # Probes share some: each is declared once.
    commands = {one for probe in all_probes().values() for one in probe.commands}
    names = [one.name for one in commands]
    assert len(names) == len(set(names))
    assert all(re.fullmatch(r"[a-z][a-z0-9_]*", name) for name in names)
    assert all(0 < one.seconds <= 30 and one.cap > 0 for one in commands)


def test_no_rule_can_read_past_the_ledger() -> None:
    all_probes()
    fields = {
        f"{fact.__name__}.{field.name}": str(field.type)
        for fact in Fact.__subclasses__()
        if not fact.__module__.startswith(("tests.", "nethygiene.engine.subject"))
        for field in dataclasses.fields(fact)
        if field.name != "ledger" and not field.name.startswith("_")
    }
    # What is one plain value was read where there is a fact at all. A collection asked directly
    # would say "not there" of what could not be read.
    plain = re.compile(r"(str|int|float|bool)( \| None)?|tuple\[int, int\]")
    assert {name for name, kind in fields.items() if not plain.fullmatch(kind)} == set()
    assert "Kernel.release" in fields


@pytest.mark.parametrize("shell", ["dash", "bash", "busybox sh"])
def test_commands_are_one_simple_command_to_each_shell(shell: str) -> None:
    for probe in all_probes().values():
        for command in probe.commands:
            counted = f"set -f; set -- {command.shell}\necho $#"
            words = subprocess.run(
                [*shell.split(), "-c", counted], capture_output=True, text=True, check=True
            )
            assert int(words.stdout) >= 1


@pytest.mark.parametrize(
    ("section", "reason", "says"),
    [
        (None, Reason.NOT_COLLECTED, "evidence older than the rule"),
        (Section(b"x", b"", None, Cut.TIMEOUT), Reason.TIMEOUT, "within 7 s"),
        (Section(b"x", b"", 124), Reason.TIMEOUT, "within 7 s"),
        (Section(b"x", b"", 137), Reason.TIMEOUT, "within 7 s"),
        (Section(b"x", b"", None, Cut.CAP), Reason.CUT_OFF, "more output than 10 bytes"),
        (Section(b"0123456789", b"", 0), Reason.CUT_OFF, "more output than 10 bytes"),
        (Section(b"x", b"", None, Cut.CLOSED), Reason.CUT_OFF, "the connection ended"),
        (Section(b"x", b"", None, None), Reason.CUT_OFF, "the connection ended"),
        (Section(b"x", b"", 0, Cut.CLOSED), Reason.CUT_OFF, "the connection ended"),
        (Section(b"", b"sh: 1: tool: not found\n", 127), Reason.TOOL_MISSING, "tool: not found"),
        (Section(b"", b"", 127), Reason.TOOL_MISSING, "command not found"),
        (Section(b"", b"tool: Permission denied\n", 126), Reason.TOOL_MISSING, "denied"),
    ],
)
def test_a_section_that_cannot_be_believed(
    section: Section | None, reason: Reason, says: str
) -> None:
    found = whole(COMMAND, section)
    assert isinstance(found, Unreadable)
    assert (found.reason, found.source) == (reason, "tool --flag")
    assert says in found.detail


@pytest.mark.parametrize("status", [0, 1, 2, 125, 255])
def test_other_statuses_are_left_to_the_parser(status: int) -> None:
    section = Section(b"x", b"tool: oh\n", status)
    assert whole(COMMAND, section) is section


def test_sudo_that_refuses_is_a_lack_of_permission() -> None:
    found = whole(PRIVILEGED, Section(b"", b"sudo: a password is required\n", 1))
    cure = "install the sudoers file that `nethygiene sudoers --user LOGIN` prints"
    detail = f"sudo refused: a password is required: {cure}"
    assert found == Unreadable(Reason.PERMISSION, "tool --flag", detail)


def test_sudo_that_only_grumbles_has_run_the_command() -> None:
    section = Section(b"x", b"sudo: unable to resolve host web-1: Name or service not known\n", 0)
    assert whole(PRIVILEGED, section) is section


def test_without_become_a_word_of_sudo_is_the_commands_own() -> None:
    section = Section(b"", b"sudo: x\n", 1)
    assert whole(COMMAND, section) is section


@pytest.mark.parametrize(
    ("stderr", "reason"),
    [
        (b"tool: Permission denied", Reason.PERMISSION),
        (b"Operation not permitted\n", Reason.PERMISSION),
        (b"warning\n\xff\xfe\0\n", Reason.COMMAND_FAILED),
        (b"", Reason.COMMAND_FAILED),
    ],
)
def test_why_a_command_failed(stderr: bytes, reason: Reason) -> None:
    found = refused(COMMAND, Section(b"", stderr, 3))
    assert found.reason is reason
    assert "exit status 3" in found.detail


def test_details_stay_short() -> None:
    assert len(refused(COMMAND, Section(b"", b"x" * 10_000, 1)).detail) < 300
    found = whole(COMMAND, Section(b"", b"y" * 10_000, 127))
    assert isinstance(found, Unreadable)
    assert len(found.detail) < 300


@pytest.mark.parametrize("name", all_probes())
def test_evidence_of_another_version_is_not_parsed(name: str) -> None:
    found = subject({}, {name: 99}).fact(name)
    assert isinstance(found, Unreadable)
    assert found.reason is Reason.NOT_COLLECTED
    assert "version 99" in found.detail


def test_a_parser_that_crashes_gives_no_fact(monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(_: Sections) -> NoReturn:
        raise IndexError("x" * 1000)

    broken = dataclasses.replace(all_probes()["kernel"], parse=crash)
    monkeypatch.setattr("nethygiene.engine.catalogue.known_probe", {"kernel": broken}.__getitem__)
    found = subject({"kernel": "Linux 6.1"}).fact("kernel")
    assert isinstance(found, Unreadable)
    assert found.reason is Reason.UNPARSABLE
    assert "the parser failed: IndexError" in found.detail
    assert len(found.detail) <= 300


def test_reports_name_no_command_by_its_script() -> None:
    declared = policy_from_plain(
        {
            "services": {"shop": {"port": 1}},
            "tunnels": {
                "t": {
                    "user": "u",
                    "destination": "d",
                    "port": 22,
                    "run_by": "cron",
                    "local_forwards": ["127.0.0.1:1:a:2"],
                }
            },
        }
    )
    shown = [
        command.shown for probe in all_probes().values() for command in probe.commands_for(declared)
    ]
    assert [one for one in shown if re.search(r"sh -c|;|\|", one)] == []

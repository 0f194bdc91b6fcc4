"""What is printed with each recorded failure: commands that mend it, and no word to be replaced."""

from __future__ import annotations

import dataclasses
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nethygiene.engine.decision import Verdict
from nethygiene.engine.outcomes import Outcome
from nethygiene.engine.rule import ALWAYS_SENT
from nethygiene.markup import Form, blocks
from nethygiene.transcript import Section, Transcript
from tests.cases.case import case_paths, judge, load_case, rules

# Which sysctls alone decide: what the rules find is what the commands change.
OF_SYSCTLS = {
    *(name for name, rule in rules().items() if rule.probes == {"sysctl", *ALWAYS_SENT}),
    *("icmp-redirects-match-policy", "somaxconn-covers-backlog"),
    # A kernel that has it may have it in a file besides, which the remedy takes it out of.
}
NO_SYSCTL_MENDS = {"ipv6-router-never-accepts.failed"}
KEEPALIVE = ("time", "intvl", "probes")


def typed(remedy: str) -> list[str]:
    return [line for one in blocks(remedy) if one.form is Form.COMMANDS for line in one.lines]


def applied(transcript: Transcript, remedy: str) -> Transcript:
    """The host after the remedy's `sysctl -w`, as the kernel's files show it then."""
    lines = transcript.sections["sysctl"].stdout.decode().splitlines()
    for command in typed(remedy):
        words = shlex.split(command)
        if words[:2] != ["sysctl", "-w"]:
            continue
        for assignment in words[2:]:
            name, _, value = assignment.partition("=")
            path = f"/proc/sys/{name.translate(str.maketrans('./', '/.'))}:"
            # Recorded are the lines that the rule reads alone.
            lines = [line for line in lines if not line.startswith(path)] + [f"{path}{value}"]
            if name == "fs.file-max":
                # Whose third number it is.
                lines = [
                    re.sub(r"^(/proc/sys/fs/file-nr:.*\s)\d+$", rf"\g<1>{value}", line)
                    for line in lines
                ]
    section = Section("".join(f"{line}\n" for line in lines).encode())
    return dataclasses.replace(transcript, sections={**transcript.sections, "sysctl": section})


def failures(path: Path) -> Iterator[Verdict]:
    case = load_case(path)
    for verdict in case.verdicts():
        if verdict.outcome is Outcome.FAILED:
            yield verdict


def failed_cases() -> list[Path]:
    return [path for path in case_paths() if path.name.endswith(".failed.yaml")]


def _id(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


@pytest.mark.parametrize("path", failed_cases(), ids=_id)
def test_what_is_typed_is_a_command(path: Path) -> None:
    general = rules()[path.parent.name].documentation.remedy
    for verdict in failures(path):
        for one in blocks(verdict.remedy or general):
            if one.form is Form.COMMANDS:
                script = "\n".join(one.lines)
                done = subprocess.run(
                    ["sh", "-n"], input=script, capture_output=True, text=True, check=False
                )
                assert done.returncode == 0, f"{script}\n{done.stderr}"


@pytest.mark.parametrize(
    "path", [path for path in failed_cases() if path.parent.name in OF_SYSCTLS], ids=_id
)
def test_the_sysctls_that_are_printed_mend_it(path: Path) -> None:
    case = load_case(path)
    for verdict in failures(path):
        remedy = verdict.remedy or rules()[case.rule_id].documentation.remedy
        mended = applied(case.transcript(), remedy)
        after = {one.item: one for one in judge(rules()[case.rule_id], mended, case.file.policy)}[
            verdict.item
        ]
        if typed(remedy):
            assert after.outcome is Outcome.PASSED, f"{remedy}\n{after.message}"
        else:
            assert path.stem in NO_SYSCTL_MENDS, remedy


@given(
    path=st.integers(1, 10_000),
    dead=st.none() | st.integers(1, 10_000),
    settings=st.tuples(*[st.integers(0, 20_000)] * 2, st.integers(0, 127)),
)
def test_keepalive_is_mended_whatever_the_policy_asks_for(
    path: int, dead: int | None, settings: tuple[int, int, int]
) -> None:
    lines = [
        f"/proc/sys/net/ipv4/tcp_keepalive_{name}:{value}\n"
        for name, value in zip(KEEPALIVE, settings, strict=True)
    ]
    sections = {
        "kernel": Section(b"Linux 6.1.0\n"),
        "sysctl": Section("".join(lines).encode()),
    }
    transcript = Transcript("a", "a", "", 0.0, 0.0, sections=sections)
    policy = {"path_idle_timeout": path, **({"dead_peer_within": dead} if dead else {})}
    # One after the other, as a reader goes through them: neither undoes what the other did.
    for rule in ("keepalive-precedes-idle-timeout", "keepalive-detects-dead-peer-in-time") * 2:
        (verdict,) = judge(rules()[rule], transcript, policy)
        if verdict.outcome is Outcome.FAILED:
            transcript = applied(transcript, verdict.remedy)
    hopeless = path < 2 or (dead is not None and dead < 2)
    for rule in ("keepalive-precedes-idle-timeout", "keepalive-detects-dead-peer-in-time"):
        (verdict,) = judge(rules()[rule], transcript, policy)
        assert hopeless or verdict.outcome is not Outcome.FAILED, f"{verdict} {policy}"

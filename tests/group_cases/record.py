"""Records cases of rules on several hosts, each member in throw-away namespaces of its own.

::

    .venv/bin/python -m tests.group_cases.record tests/group_cases/RULE/STATE.OUTCOME.yaml

The file has to be there with everything but ``answers``.
"""

from __future__ import annotations

import re
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import yaml

from nethygiene.collect.host import Job, _converse
from nethygiene.engine.catalogue import commands_for, versions
from nethygiene.inventory.target import Target
from nethygiene.transcript import Section, Transcript
from nethygiene.transport.base import ConnectSettings
from tests.cases.case import rules
from tests.cases.mismatch import mismatches_of
from tests.cases.record import ThrowAwayHost
from tests.cases.writing import sections_as_yaml
from tests.group_cases.group_case import GroupCase, GroupCaseFile, load_group_case

_ARP_SETTING = re.compile(rb"^.*/conf/[^/]+/arp_(?:ignore|announce):.*\n", re.MULTILINE)


def record_file(path: Path) -> list[str]:
    """Record a case into its file; gives what does not come out as the file expects."""
    text = re.sub(r"^answers:.*", "", path.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    text = text.rstrip("\n") + "\n"
    case = GroupCase(path, GroupCaseFile.model_validate(yaml.safe_load(text)))
    setups = {name: setup for name, setup in case.file.setups.items() if setup is not None}
    if setups:
        with ThreadPoolExecutor(len(setups)) as executor:
            answers = executor.map(lambda pair: _recorded(case, *pair), setups.items())
            text += "answers:\n" + "".join(map(_as_yaml, answers))
    path.write_text(text, "utf-8")
    read_back = load_group_case(path)
    return mismatches_of(read_back.verdicts(), read_back.file.expect)


def _recorded(case: GroupCase, name: str, setup: str) -> Transcript:
    probes = tuple(sorted(rules()[case.rule_id].probes - {"machine"}))
    settings = ConnectSettings()
    job = Job(
        Target(name, name, kind="local"),
        settings,
        versions(probes),
        commands_for(probes, case.policy),
        case.file.window,
    )
    blank = Transcript(name, name, "2026-01-01T00:00:00.000Z", 0.0, case.file.window)
    return _converse(ThrowAwayHost(setup, None, "/bin/sh -s", settings), job, blank)


def _as_yaml(transcript: Transcript) -> str:
    sections = {name: _trimmed(name, one) for name, one in transcript.sections.items()}
    inner = sections_as_yaml(sections)
    when = f"    sent: {transcript.sent}\n    received: {transcript.received}\n"
    indented = "".join(f"    {line}\n" if line else "\n" for line in inner.splitlines())
    return f"  {transcript.host}:\n{when}{indented}"


def _trimmed(name: str, section: Section) -> Section:
    """The section without the settings that no rule on several hosts reads."""
    if name != "sysctl":
        return section
    return Section(b"".join(_ARP_SETTING.findall(section.stdout)), b"", section.status)


def main() -> int:
    """Record the files that the command line names."""
    wrong = 0
    for path in map(Path, sys.argv[1:]):
        found = record_file(path)
        wrong += bool(found)
        print("\n  ".join([f"{path}: {'differs' if found else 'as expected'}", *found]))  # noqa: T201
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

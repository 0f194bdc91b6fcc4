"""README and CONTRIBUTING: what they show works, and what there is they tell."""

from __future__ import annotations

import contextlib
import re
import shlex
import textwrap
from pathlib import Path

import pytest

from nethygiene.commands.table import COMMANDS, main
from nethygiene.docgen.catalogue import check_modules
from nethygiene.engine.evaluate import evaluate
from nethygiene.engine.exit_status import ExitStatus
from nethygiene.engine.outcomes import Outcome
from nethygiene.engine.subject import Subject
from nethygiene.inventory.load import load_inventory
from nethygiene.inventory.policy import policy_from_plain
from nethygiene.plugin.options import add_options
from nethygiene.transcript import Section, Transcript

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
SECURITY = (ROOT / "SECURITY.md").read_text(encoding="utf-8")


def blocks(text: str) -> list[str]:
    """The indented blocks of a page."""
    found = re.findall(r"(?:^    .*\n|^\n+(?=    ))+", text, re.MULTILINE)
    return [textwrap.dedent(block).strip("\n") + "\n" for block in found]


def test_readme_names_every_option_and_none_that_is_not_there() -> None:
    parser = pytest.Parser(_ispytest=True)
    add_options(parser)
    ours = {name for group in parser._groups for one in group.options for name in one.names()}
    table = README.split("| option |")[1].split("\n\n")[0]
    first_column = "".join(re.findall(r"^\| (.*?) \|", table, re.MULTILINE))
    told = set(re.findall(r"--[a-z][a-z-]*", first_column))
    others = {"--ssh-config", "--ssh-identity-file", "--sudo", "--html", "--self-contained-html"}
    assert told - others == ours


def test_readme_names_every_outcome_and_exit_status() -> None:
    rows = re.findall(r"^\| ([a-z0-9-]+)[, |]", README, re.MULTILINE)
    assert {outcome.value for outcome in Outcome} <= set(rows)
    assert {str(status) for status in ExitStatus} <= set(rows)


def test_readmes_sample_is_what_the_terminal_said() -> None:
    said = (ROOT / "docs" / "screenshots" / "broken.txt").read_text(encoding="utf-8")
    # As README says, an address is replaced: by one of as many characters.
    rest = iter(said.replace("198.18.1.5", "192.0.2.14").splitlines())
    (sample,) = (block for block in blocks(README) if block.startswith("collected "))
    shown = [line for line in sample.splitlines() if line.strip() not in {"", "..."}]
    assert len(shown) > 20
    assert [line for line in shown if line not in rest] == []


@pytest.mark.parametrize("text", [one for one in blocks(README) if one.startswith("all:")])
def test_readmes_inventories_load(text: str, tmp_path: Path) -> None:
    (tmp_path / "hosts.yaml").write_text(text)
    inventory = load_inventory(tmp_path / "hosts.yaml")
    assert len(inventory.hosts) == 12
    assert inventory.warnings == ()


@pytest.mark.parametrize("text", [README, SECURITY], ids=["README", "SECURITY"])
def test_the_commands_that_are_shown_are_there(
    text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [line for block in blocks(text) for line in block.splitlines()]
    spans = [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", text)]
    shown = [line.partition(" #")[0] for line in (*lines, *spans) if line.startswith("nethygiene ")]
    assert shown
    for line in shown:
        name, *arguments = shlex.split(line)[1:]
        assert name in {command.name for command in COMMANDS}, line
        # Its help is printed by an exit or a return.
        with contextlib.suppress(SystemExit):
            main([name, "--help"])
        page = set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", capsys.readouterr().out))
        used = {one.partition("=")[0] for one in arguments if one.startswith("-")}
        assert used <= page, line


def test_contributings_rule_judges_as_it_says(tmp_path: Path) -> None:
    (source,) = (block for block in blocks(CONTRIBUTING) if "@rule(" in block)
    (tmp_path / "checks").mkdir()
    (tmp_path / "checks" / "test_keepalive.py").write_text(source)
    ((rule,),) = (module.rules for module in check_modules(tmp_path))
    assert f"tests/cases/{rule.id}/" in CONTRIBUTING

    def outcome(value: str) -> Outcome:
        read = Section(f"/proc/sys/net/ipv4/tcp_keepalive_time:{value}\n".encode(), status=2)
        kernel = Section(b"Linux 6.1.0\n")
        sections = {"sysctl": read, "kernel": kernel}
        transcript = Transcript("web-1", "", "", 0.0, 0.0, sections=sections)
        subject = Subject("web-1", policy_from_plain({"path_idle_timeout": 350}), transcript)
        (verdict,) = evaluate(rule, subject)
        return verdict.outcome

    assert outcome("300") is Outcome.PASSED
    assert outcome("7200") is Outcome.FAILED
    assert outcome("?") is Outcome.UNKNOWN


def test_every_promise_of_security_has_its_tests() -> None:
    lines = re.findall(r"^\|(.+)\|$", SECURITY, re.MULTILINE)[2:]
    rows = [[cell.strip() for cell in line.split("|")] for line in lines]
    promises = re.findall(r"^(?:\d\. )?\*\*(.+?)[.:]\*\*", SECURITY, re.MULTILINE)
    assert [row[0] for row in rows] == [one for one in promises if one != "None"]
    targets = (ROOT / "Makefile").read_text(encoding="utf-8")
    for promise, tests, at_length in rows:
        paths = re.findall(r"`(tests/[^`]+)`", tests)
        assert paths, promise
        assert [path for path in paths if not (ROOT / path).is_file()] == []
        for target in re.findall(r"`make ([a-z]+)`", at_length):
            assert f"\n{target}: " in targets, promise

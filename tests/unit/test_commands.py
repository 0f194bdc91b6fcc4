"""The command line: its table, its help, and what it makes of arguments for pytest."""

from __future__ import annotations

import pytest

from nethygiene import __version__
from nethygiene.audit_options import declare_options
from nethygiene.commands.audit import AuditParser
from nethygiene.commands.table import COMMANDS, main

NAMES = [command.name for command in COMMANDS]


def told(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    """Exit status, output, errors."""
    try:
        status = main(arguments)
    except SystemExit as error:
        status = int(str(error.code))
    out, err = capsys.readouterr()
    return status, out, err


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"], ["help"]])
def test_it_says_what_there_is(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = told(arguments, capsys)
    # Without a command nothing was audited, which no pipeline may take for a clean audit.
    assert (status, err) == (0 if arguments else 4, "")
    for command in COMMANDS:
        assert f"  {command.name} " in out
        assert command.summary in out


def test_the_version_is_ours(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["--version"], ["audit", "--version"], ["audit", "-i", "x", "-V"]):
        status, out, _ = told(arguments, capsys)
        assert status == 0
        assert out.startswith(f"nethygiene {__version__}")


@pytest.mark.parametrize("name", NAMES)
def test_the_help_of_a_command_is_a_page(
    name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    status, page, err = told([name, "--help"], capsys)
    assert (status, err) == (0, "")
    assert page.startswith(f"usage: nethygiene {name} ")
    head, _, examples = page.partition("\nexample")
    assert len(head.split("\n\n")) > 2, "usage, description, options"
    assert f"  nethygiene {name} " in examples
    assert max(map(len, page.splitlines())) <= 80
    assert told(["help", name], capsys) == (0, page, "")


def test_the_help_of_the_audit_has_every_option_with_its_text(
    capsys: pytest.CaptureFixture[str],
) -> None:
    _, page, _ = told(["audit", "-k", "x", "--help"], capsys)
    words = " ".join(page.split())
    declared: dict[str, str] = {}
    declare_options(lambda name, **about: declared.update({name: str(about["help"])}))
    assert len(declared) > 10
    for name, text in declared.items():
        assert name in words
        assert text in words
    for option in ("-k ", "-m ", "-x ", "--junit-xml=FILE", "--html=FILE"):
        assert option in page


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["adit", "-i", "x"], "Did you mean nethygiene audit?"),
        (["-i", "x"], "a command comes first: nethygiene audit -i"),
        (["audit", "-i"], "nethygiene audit: -i needs a value"),
        (["audit", "--limit", "-x"], "nethygiene audit: --limit needs a value"),
        (["audit", "-i", "a", "--inventory=b"], "a was given before"),
        (["sudoers"], "required: --user"),
        (["sudoers", "--user", "a b"], "'a b' is no name of a user"),
        (["sudoers", "--user", "a", "-i", "/nowhere.yaml"], "/nowhere.yaml: there is no such file"),
        (["forced-command", "--frobnicate"], "unrecognized arguments: --frobnicate"),
        (["redact", "one"], "required: OUT"),
        (["redact", "/nowhere", "/nowhere-2"], "/nowhere"),
        (["help", "nothing"], "no command 'nothing'"),
    ],
)
def test_wrong_usage_is_told_and_exits_4(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    status, out, err = told(arguments, capsys)
    assert (status, out) == (4, "")
    assert said in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("given", "passed"),
    [
        (["-i", "h.yaml"], ["--inventory=h.yaml"]),
        (["-ih.yaml"], ["--inventory=h.yaml"]),
        (["-i=h.yaml"], ["--inventory=h.yaml"]),
        (["--inventory", "h.yaml", "-x"], ["--inventory=h.yaml", "-x"]),
        (["--inventory=h.yaml"], ["--inventory=h.yaml"]),
        # Joined, so that pytest takes no file for a place where tests are.
        (["--results", "r.json", "--label", "a=b"], ["--results=r.json", "--label=a=b"]),
        (["--redact", "-k", "a or b", "-vv"], ["--redact", "-k", "a or b", "-vv"]),
        (["--limit=", "own.py"], ["--limit=", "own.py"]),
        (["--", "-i", "x"], ["--", "-i", "x"]),
        (["--pytest-help"], ["--help"]),
    ],
)
def test_arguments_are_pytests_but_for_ours(given: list[str], passed: list[str]) -> None:
    assert list(AuditParser().for_pytest(given)) == passed

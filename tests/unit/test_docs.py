"""The generated documentation: in step, complete, and what its links lead to is there."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from nethygiene.docgen import generated_files, out_of_step, write
from nethygiene.docgen.__main__ import main
from nethygiene.docgen.catalogue import CheckModule, check_modules
from nethygiene.docgen.markdown import prose, wrapped
from nethygiene.docgen.rule_pages import rule_page
from nethygiene.engine.results import results_json_schema
from nethygiene.engine.rule import Rule, RuleDeclarationError

ROOT = Path(__file__).parents[2]
RULES = [(rule, module) for module in check_modules(ROOT) for rule in module.rules]

RULE = '''
from nethygiene.rules import Expect, equal_to, rule
from nethygiene.subjects.kernel.sysctl import Sysctls

@rule(severity="low", kind="setting", incidents=["S3"])
def test_made_up(sysctl: Sysctls, expect: Expect) -> None:
    """Made up.

    Why: It is a test.
    {remedy}
    References:
        - tcp(7)
    """
    expect("x", sysctl["net.core.somaxconn"], equal_to(1))
'''


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone with one made-up rule, its files written."""
    (tmp_path / "checks").mkdir()
    declared = RULE.replace("{remedy}", "Remedy: `true`")
    (tmp_path / "checks" / "test_made_up.py").write_text(declared)
    write(tmp_path, generated_files(tmp_path))
    return tmp_path


def test_generated_files_are_in_step() -> None:
    problems = list(out_of_step(ROOT, generated_files(ROOT)))
    assert not problems, "\n".join([*problems, "run: make docs"])


def test_check_says_what_is_out_of_step_and_writes_nothing(
    clone: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (clone / "pyproject.toml").touch()
    monkeypatch.setattr("nethygiene.docgen.__main__.shipped_folder", lambda: clone)
    assert main(["--check"]) == 0
    assert capsys.readouterr().out == ""

    page, gone = clone / "docs/rules/made-up.md", clone / "docs/rules/gone.md"
    page.write_text("edited by hand")
    gone.touch()
    (clone / "docs/probes.md").unlink()
    assert main(["--check"]) == 1
    assert capsys.readouterr().out == (
        "docs/rules/made-up.md: is out of step\n"
        "docs/probes.md: is missing\n"
        "docs/rules/gone.md: is of a rule that is gone\n"
        "run: make docs\n"
    )
    assert page.read_text() == "edited by hand"

    assert main([]) == 0
    assert "# made-up" in page.read_text()
    assert not gone.exists()
    assert main(["--check"]) == 0


def test_a_rule_without_a_heading_is_refused(clone: Path) -> None:
    (clone / "checks" / "test_made_up.py").write_text(RULE.replace("{remedy}", ""))
    with pytest.raises(RuleDeclarationError, match=r"test_made_up: .* lacks 'Remedy:'"):
        generated_files(clone)


def test_an_installed_copy_has_nothing_to_document(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("nethygiene.docgen.__main__.shipped_folder", lambda: tmp_path)
    with pytest.raises(SystemExit, match="2"):
        main([])
    assert "is no clone" in capsys.readouterr().err


@pytest.mark.parametrize(("rule", "module"), RULES, ids=[rule.id for rule, _ in RULES])
def test_a_rules_page_holds_its_whole_docstring(rule: Rule, module: CheckModule) -> None:
    page = _words(re.sub(r"^```.*$", "", rule_page(rule, module), flags=re.MULTILINE))
    documentation = rule.documentation
    for text in (
        *(documentation.title, documentation.description, documentation.why),
        *(documentation.remedy, documentation.kernels, *documentation.references),
    ):
        assert _words(text) in page


def _words(text: str) -> str:
    # Commands lose their backticks in a block; everything else is there as it was written.
    return " ".join(text.replace("`", "").split())


def test_links_lead_somewhere() -> None:
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]
    broken = []
    for page in pages:
        for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
            path, _, anchor = link.partition("#")
            target = (page.parent / path) if path else page
            if not link.startswith("https://") and not _is_there(target, anchor):
                broken.append(f"{page.relative_to(ROOT)}: {link}")
    assert not broken


def _is_there(target: Path, anchor: str) -> bool:
    if not anchor or not target.is_file():
        return target.exists() and not anchor
    text = target.read_text(encoding="utf-8")
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    slugs = {re.sub(r"[^\w -]", "", one.lower()).replace(" ", "-") for one in headings}
    return anchor in slugs or f'<a id="{anchor}"></a>' in text


def test_the_schema_of_results_is_one() -> None:
    Draft202012Validator.check_schema(results_json_schema())


def test_commands_of_a_remedy_become_a_block() -> None:
    remedy = "Set it now\nand for good, see `x`.\n`sysctl -w a=1`\n`echo 'a | b' >> c`\nThen wait."
    assert prose(remedy) == (
        "Set it now and for good, see `x`.\n\n"
        "```sh\nsysctl -w a=1\necho 'a | b' >> c\n```\n\n"
        "Then wait.\n"
    )


def test_a_long_command_is_broken_where_a_shell_may_read_on() -> None:
    words = [f"word-{number}" for number in range(40)]
    command = " ".join(["printf '%s\\n' 'two words'", *words])
    shown = wrapped(command)
    assert max(map(len, shown.split("\n"))) <= 100
    printed = subprocess.run(["sh", "-c", shown], capture_output=True, text=True, check=True)
    assert printed.stdout.split("\n") == ["two words", *words, ""]


def test_python_m_writes_docs_of_the_clone_that_it_stands_in(tmp_path: Path) -> None:
    for name in ("src", "checks", "inventories", "pyproject.toml"):
        source = ROOT / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, tmp_path / name)
    subprocess.run(
        [sys.executable, "-m", "nethygiene.docgen"],
        env={"PYTHONPATH": str(tmp_path / "src"), "PATH": "/usr/bin:/bin"},
        check=True,
        capture_output=True,
    )
    assert (tmp_path / "docs/rules/README.md").is_file()

"""An audit from a wheel, an editable install and a clone, each in an environment of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from nethygiene.docgen.catalogue import check_modules
from tests.packaging.installing import ROOT, Audited, Environment

SHIPPED = {rule.id for module in check_modules(ROOT) for rule in module.rules}
BY_NAME = ("--pyargs", "nethygiene.checks")

# Without a second sample of the counters rates are unknown; this machine may fail something too.
STATUSES = {1, 10}


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A folder outside the clone, with an inventory."""
    (tmp_path / "hosts.yaml").write_text("all: {hosts: {here: {ansible_connection: local}}}")
    return tmp_path


def check(audited: Audited, host: str = "here") -> None:
    assert audited.status in STATUSES, audited.output
    assert audited.rules == SHIPPED
    reached = [one for one in audited.document["results"] if one["rule"] == "host-reachable"]
    assert [(one["host"], one["outcome"]) for one in reached] == [(host, "passed")]


def test_wheel(installed: Environment, elsewhere: Path) -> None:
    audited = installed.audit(*BY_NAME, "--inventory=hosts.yaml", cwd=elsewhere)
    check(audited)
    assert audited.document["inventory"] == str(elsewhere / "hosts.yaml")


def test_wheel_with_the_file_after_a_space(installed: Environment, elsewhere: Path) -> None:
    check(installed.audit(*BY_NAME, "--inventory", "hosts.yaml", cwd=elsewhere))


def test_wheel_without_an_inventory_audits_this_machine(
    installed: Environment, elsewhere: Path
) -> None:
    audited = installed.audit(*BY_NAME, cwd=elsewhere)
    check(audited, "localhost")
    used = Path(audited.document["inventory"])
    assert used.is_relative_to(installed.folder)
    assert used.parts[-3:] == ("nethygiene", "inventories", "local.yaml")


def test_editable_install(editable: Environment, elsewhere: Path) -> None:
    check(editable.audit(*BY_NAME, "--inventory=hosts.yaml", cwd=elsewhere))


def test_clone_with_an_editable_install(
    editable: Environment, clone: Path, elsewhere: Path
) -> None:
    # As `make audit` runs it: the entry point and conftest.py both name the plugin.
    check(editable.audit("checks", f"--inventory={elsewhere / 'hosts.yaml'}", cwd=clone))


def test_clone_without_an_install(bare: Environment, clone: Path) -> None:
    check(bare.audit("checks", cwd=clone), "localhost")


def test_names_and_fingerprints_are_the_same_however_it_is_installed(
    installed: Environment, editable: Environment, clone: Path, elsewhere: Path
) -> None:
    inventory = f"--inventory={elsewhere / 'hosts.yaml'}"
    deep = elsewhere / "deep" / "er"
    deep.mkdir(parents=True)
    told = [
        _junit(environment, arguments, inventory, folder)
        for environment, arguments, folder in (
            (installed, BY_NAME, elsewhere),
            (installed, BY_NAME, deep),
            (editable, ("checks",), clone),
            (editable, (str(clone / "checks"),), deep),
        )
    ]
    assert len(told[0]) >= len(SHIPPED)
    assert ("checks.test_reachability", "test_host_reachable[here]") in told[0]
    for other in told[1:]:
        assert other == told[0]


def _junit(
    environment: Environment, arguments: tuple[str, ...], inventory: str, folder: Path
) -> dict[tuple[str, str], list[str]]:
    """The fingerprints in JUnit by class and name."""
    path = folder / "junit.xml"
    environment.pytest("--window=0", *arguments, inventory, f"--junit-xml={path}", cwd=folder)
    return {
        (case.attrib["classname"], case.attrib["name"]): [
            one.attrib["value"] for one in case.iter("property") if one.get("name") == "fingerprint"
        ]
        for case in ET.parse(path).getroot().iter("testcase")
    }


def test_the_clone_does_not_take_its_own_tests_for_checks(
    bare: Environment, clone: Path, elsewhere: Path
) -> None:
    (clone / "tests").mkdir(exist_ok=True)
    (clone / "tests" / "test_ours.py").write_text("import nothing_there\n")
    for option in (f"--inventory={elsewhere / 'hosts.yaml'}", "--results=x.json", "--window=0"):
        done = bare.pytest(option, cwd=clone)
        assert done.returncode == 4, done.stdout
        assert "ERROR: no checks are named" in done.stdout
        assert "pytest checks" in done.stdout
        assert "nothing_there" not in done.stdout


@pytest.mark.skipif(shutil.which("make") is None, reason="no make")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("audit", "inventory=hosts.yaml"), "There is no variable inventory (capitals count)"),
        (("test", "WORKER=0"), "There is no variable WORKER "),
        (("help", "INVENTORY=hosts.yaml", "PYTHON=python3"), ""),
    ],
)
def test_make_knows_its_variables(arguments: tuple[str, ...], said: str) -> None:
    clean = {name: one for name, one in os.environ.items() if not name.startswith("MAKE")}
    done = subprocess.run(
        ["make", "--dry-run", *arguments],
        cwd=ROOT,
        env=clean,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, said in done.stderr) == (2 if said else 0, True), done.stderr
    if said:
        assert "INVENTORY" in done.stderr


def test_a_missing_inventory_is_one_line(installed: Environment, elsewhere: Path) -> None:
    audited = installed.audit(*BY_NAME, "--inventory=nowhere.yaml", cwd=elsewhere)
    assert audited.status == 4
    assert "nowhere.yaml" in audited.output
    assert "Traceback" not in audited.output


def test_a_users_own_rules_and_checks_beside_the_shipped_ones(
    installed: Environment, elsewhere: Path
) -> None:
    (elsewhere / "test_own.py").write_text(
        "def test_login_shell(host):\n"
        "    assert host.user().name\n"
        "def test_kernel_is_linux(kernel):\n"
        "    assert kernel.name == 'Linux'\n"
    )
    audited = installed.audit(*BY_NAME, "test_own.py", "--inventory=hosts.yaml", cwd=elsewhere)
    assert audited.status in STATUSES, audited.output
    own = {one["rule"]: one["outcome"] for one in audited.document["results"]}
    assert own.keys() > SHIPPED
    assert sorted(own[rule] for rule in own.keys() - SHIPPED) == ["passed", "passed"]


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (("-m", "nethygiene", "sudoers", "--user=audit"), 0, "audit ALL=(root) NOPASSWD: "),
        (("-m", "nethygiene", "--version"), 0, "nethygiene "),
        (("-m", "nethygiene"), 4, "usage: nethygiene COMMAND"),
        (("-m", "nethygiene.docgen"), 2, "is no clone of the repository"),
    ],
)
def test_modules_that_are_run(
    installed: Environment, elsewhere: Path, arguments: tuple[str, ...], status: int, said: str
) -> None:
    done = installed.run(*arguments, cwd=elsewhere)
    assert (done.returncode, said in done.stdout) == (status, True), done.stdout

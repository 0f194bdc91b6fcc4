"""`nethygiene audit` as it is installed: from a wheel, in any folder, with no clone around."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.packaging.installing import Environment
from tests.packaging.test_audits import BY_NAME, SHIPPED, STATUSES

LOCAL = "all: {hosts: {here: {ansible_connection: local}}}"
# Settings alone: they are as they are in each of the runs that are compared.
QUICK = ("--window=0", "-p", "no:cacheprovider")


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    """A folder with an inventory and nothing else."""
    (tmp_path / "hosts.yaml").write_text(LOCAL)
    return tmp_path


def judged(results: Path) -> dict[tuple[str, str, str], str]:
    """The outcome of each result."""
    return {
        (one["rule"], one["host"], one["item"] or ""): one["outcome"]
        for one in json.loads(results.read_text())["results"]
    }


def test_it_judges_what_pytest_judges(installed: Environment, empty: Path) -> None:
    ours = installed.command("audit", "-i", "hosts.yaml", *QUICK, "--results", "a.json", cwd=empty)
    assert ours.returncode in STATUSES, ours.stdout
    assert "warnings summary" not in ours.stdout
    assert installed.audit(*BY_NAME, "--inventory=hosts.yaml", cwd=empty).rules == SHIPPED
    mine = judged(empty / "a.json")
    assert {rule for rule, _, _ in mine} == SHIPPED
    assert {key[:2] for key in mine} == {key[:2] for key in judged(empty / "results.json")}
    assert {path.name for path in empty.iterdir()} == {"hosts.yaml", "a.json", "results.json"}


def test_without_an_inventory_it_is_this_machine_and_says_so(
    installed: Environment, empty: Path
) -> None:
    done = installed.command("audit", *QUICK, "-k", "timestamps", cwd=empty)
    assert "(default: this machine), 1 host: localhost" in done.stdout


def test_where_nothing_can_be_remembered_it_does_not_warn(
    installed: Environment, empty: Path
) -> None:
    cache = ("-o", "cache_dir=/proc/nothing")
    done = installed.command("audit", "--window=0", *cache, "-k", "timestamps", cwd=empty)
    assert "1 passed" in done.stdout or "2 passed" in done.stdout
    assert "warning" not in done.stdout


def test_pytests_options_and_own_checks_are_passed_through(
    installed: Environment, empty: Path
) -> None:
    (empty / "test_own.py").write_text("def test_own(kernel):\n    assert kernel.name == 'Linux'\n")
    one = ("audit", "-i", "hosts.yaml", *QUICK)
    listed = installed.command(*one, "--collect-only", "-q", "-k", "own", "test_own.py", cwd=empty)
    assert "test_own.py::test_own[here]" in listed.stdout
    assert "test_time_wait" not in listed.stdout
    spread = installed.command(*one, "-n", "2", "-m", "setting", "--results=r.json", cwd=empty)
    assert spread.returncode in {0, 1, 10}, spread.stdout
    assert "test_counters" not in spread.stdout
    assert judged(empty / "r.json")


def test_the_exit_status_is_the_audits(installed: Environment, empty: Path) -> None:
    (empty / "lost.yaml").write_text(
        "all: {hosts: {lost: {ansible_host: 127.0.0.1, ansible_port: 1}}}"
    )
    for arguments, status in (
        (("-i", "hosts.yaml", "-k", "host_reachable"), 0),
        (("-i", "lost.yaml", "-k", "host_reachable"), 1),
        (("-i", "hosts.yaml", "-k", "no_such_rule"), 5),
        (("-i", "nowhere.yaml"), 4),
        (("-i", "hosts.yaml", "--no-such-option"), 4),
        (("-i", "hosts.yaml", "no_such_folder/"), 4),
        (("-i", "hosts.yaml", "--fail-on", "sometimes"), 4),
    ):
        done = installed.command("audit", *QUICK, *arguments, cwd=empty)
        assert done.returncode == status, (arguments, done.stdout)
        assert "Traceback" not in done.stdout
        assert "pytest.main()" not in done.stdout


def test_the_module_is_the_same(installed: Environment, empty: Path) -> None:
    by_module = installed.run("-m", "nethygiene", "audit", "--help", cwd=empty)
    by_script = installed.command("audit", "--help", cwd=empty)
    assert (by_module.returncode, by_module.stdout) == (0, by_script.stdout)


def test_a_clone_that_is_not_installed(bare: Environment, clone: Path, empty: Path) -> None:
    code = "import sys; sys.path.insert(0, sys.argv.pop(1)); sys.argv[0] = 'nethygiene';"
    code += "from nethygiene.commands.table import main; sys.exit(main())"
    arguments = ("audit", "-i", "hosts.yaml", *QUICK, "--results=a.json")
    done = bare.run("-c", code, str(clone / "src"), *arguments, cwd=empty)
    assert done.returncode in STATUSES, done.stdout
    assert {rule for rule, _, _ in judged(empty / "a.json")} == SHIPPED


@pytest.mark.skipif(shutil.which("script") is None, reason="no script(1)")
@pytest.mark.parametrize("way", ["in a terminal", "in the background"])
def test_where_it_is_started_does_not_matter(installed: Environment, empty: Path, way: str) -> None:
    script = str(installed.folder / "bin" / "nethygiene")
    words = (script, "audit", "-i", "hosts.yaml", *QUICK, "-m", "setting", "--results=a.json")
    line = shlex.join(words)
    if way == "in a terminal":
        command = ["script", "-qec", line, "/dev/null"]
    else:
        command = ["sh", "-c", f"{line} & wait $!"]
    kept = {name: one for name, one in os.environ.items() if not name.startswith("PYTEST")}
    done = subprocess.run(
        command,
        cwd=empty,
        env=kept | {"TERM": "xterm"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in {0, 1, 10}, done.stdout + done.stderr
    assert "network hygiene" in done.stdout
    assert judged(empty / "a.json")

"""Whatever a user gets wrong: exit status 4, the place, the cure, and never a traceback."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.plugin.conftest import CHECKS, LOCAL, Runner


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "empty"),
        ("all:\n\thosts: {}\n", "tab"),
        ("all:\n  hosts:\n    a: {}\n    a: {}\n", "duplicate key 'a', first written on line 3"),
        ("all: {children: {x: {children: {y: {children: {x: {}}}}}}}\n", "x"),
        ("all: {hosts: {a: {}}, vars: {nethygiene: {tw_resue: any}}}\n", "tw_reuse"),
        ("all: {hosts: {a: {}}, vars: {nethygiene: {min_somaxconn: lots}}}\n", "min_somaxconn"),
        ("all: {hosts: {a: {}}, vars: {nethygiene: {rp_filter: off}}}\n", "boolean"),
        ("all: {hosts: {'a;reboot': {}}}\n", "a;reboot"),
        ("all: {hosts: {'$(reboot)': {}}}\n", "$(reboot)"),
        ("all: {hosts: {a: {ansible_password: x}}}\n", "ansible_password"),
        ("- a\n- b\n", "mapping"),
        ("all: {hosts: {}}\n", "host"),
    ],
)
def test_a_bad_inventory(runner: Runner, text: str, said: str) -> None:
    path = runner.inventory(text)
    suite = runner.run(f"--inventory={path}")
    assert suite.status == 4
    told = suite.output + suite.errors
    assert said in told
    assert "inventory.yaml" in told
    assert "Traceback" not in told
    assert suite.run is None


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--inventory=missing.yaml"], "missing.yaml"),
        (["--inventory=."], "directory"),
        (["--inventory={inventory}", "--limit=nowhere"], "nowhere"),
        (["--inventory={inventory}", "--window=fast"], "--window=fast: give a number"),
        (["--inventory={inventory}", "--window=-1"], "--window=-1"),
        (["--inventory={inventory}", "--window=nan"], "--window=nan"),
        (["--inventory={inventory}", "--forks=0"], "--forks=0: give a whole number"),
        (["--inventory={inventory}", "--forks=1.5"], "--forks=1.5"),
        (["--inventory={inventory}", "--connect-timeout=0"], "--connect-timeout=0"),
        (["--inventory={inventory}", "--fail-on=urgent"], "low, medium, high, critical"),
        (["--inventory={inventory}", "--label=team"], "KEY=VALUE"),
        (["--inventory={inventory}", "--label=team=\udcff"], "is not UTF-8"),
        (["--inventory={inventory}", "--label=a=1", "--label=a=2"], "given before"),
        (["--inventory={inventory}", "--hosts=other"], "--hosts is Testinfra's"),
        (["--inventory={inventory}", "--connection=ssh"], "--connection is Testinfra's"),
        (["--inventory={inventory}", "--results="], "names no file"),
        (["--inventory={inventory}", "--results=."], "is a folder"),
        (["--inventory={inventory}", "--results=/proc/nowhere/x.json"], "--results="),
        (["--inventory={inventory}", "--since=missing.jsonl"], "no such file"),
        (["--from-evidence=missing.jsonl"], "no such file"),
        (["--from-evidence={inventory}"], "inventory.yaml:1: not JSON"),
        (["--inventory={inventory}", "--from-evidence={inventory}", "--evidence=x"], "copy"),
    ],
)
def test_a_bad_option(runner: Runner, arguments: list[str], said: str) -> None:
    inventory = runner.inventory(LOCAL)
    suite = runner.run(*[one.format(inventory=inventory) for one in arguments])
    assert suite.status == 4
    told = suite.output + suite.errors
    assert said in told
    assert "Traceback" not in told


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder for everybody; any run of pytest that begins meanwhile shuts pytest's own ones."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.mark.slow
def test_an_inventory_that_may_not_be_read(open_folder: Path) -> None:
    path = open_folder / "inventory.yaml"
    path.write_text(LOCAL)
    path.chmod(0)
    # root may read anything: be somebody else, who can still reach the interpreter.
    command = [sys.executable, "-m", "pytest", "-p", "nethygiene.plugin", "-p", "no:cacheprovider"]
    command += [str(CHECKS), f"--inventory={path}"]
    if os.geteuid() == 0:
        drop = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
        # Without CAP_DAC_READ_SEARCH nobody may not enter /root, where an interpreter may live.
        command = [*drop, "--inh-caps=-all", *command]
    environment = {**os.environ, "PYTHONPATH": str(CHECKS.parent / "src")}
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env=environment, cwd=open_folder
    )
    if "Permission denied" in done.stderr and sys.executable in done.stderr:
        pytest.skip("this interpreter is not open to other users")
    assert done.returncode == 4, done.stdout + done.stderr
    assert str(path.name) in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr


def test_all_errors_of_an_inventory_are_told_at_once(runner: Runner) -> None:
    path = runner.inventory(
        "all:\n  hosts:\n    a: {ansible_port: many}\n  vars:\n    nethygiene:\n"
        "      tw_reuse: maybe\n      path_idle_timeout: soon\n"
    )
    suite = runner.run(f"--inventory={path}")
    told = suite.output + suite.errors
    assert suite.status == 4
    for place in (":3", ":6", ":7"):
        assert f"inventory.yaml{place}" in told

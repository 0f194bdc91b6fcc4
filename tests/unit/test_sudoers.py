"""The sudoers file: what sudo itself makes of it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from nethygiene.collect.command import Command
from nethygiene.commands.table import main
from nethygiene.sudoers import privileged_commands, sudoers_file, sudoers_rule
from tests.lab.requirements import give_up

_PATH = f"{os.environ['PATH']}:/usr/sbin:/sbin"
VISUDO = shutil.which("visudo", path=_PATH)
CVTSUDOERS = shutil.which("cvtsudoers", path=_PATH)


def test_it_is_printed_by_the_module(capsys: pytest.CaptureFixture[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "nethygiene", "sudoers", "--user", "audit"],
        env={"PYTHONPATH": str(Path(__file__).parents[2] / "src"), "PATH": _PATH},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == sudoers_file("audit")
    assert main(["sudoers", "--user", "%auditors", "--become-user", "netadmin"]) == 0
    assert "\n%auditors ALL=(netadmin) NOPASSWD: " in capsys.readouterr().out


@pytest.mark.parametrize("user", ["audit", "%auditors", "first.last"])
def test_visudo_accepts_it(user: str, tmp_path: Path) -> None:
    if VISUDO is None:
        give_up("no visudo here: apt-get install sudo")
    file = tmp_path / "sudoers"
    file.write_text(sudoers_file(user))
    checked = subprocess.run(
        [VISUDO, "-cf", str(file)], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stderr + checked.stdout


def test_it_allows_the_privileged_commands_word_for_word(tmp_path: Path) -> None:
    if CVTSUDOERS is None:
        give_up("no cvtsudoers here: apt-get install sudo")
    file = tmp_path / "sudoers"
    file.write_text(sudoers_file("audit"))
    done = subprocess.run(
        [CVTSUDOERS, "-e", "-f", "json", str(file)], capture_output=True, text=True, check=True
    )
    (rule,) = json.loads(done.stdout)["User_Specs"]
    allowed = _allowed(rule)
    commands = list(privileged_commands())
    assert commands
    assert allowed == {
        # Without arguments, "" keeps others from being given.
        f"{directory}/{command.shell}" + ("" if " " in command.shell else ' ""')
        for command in commands
        for directory in ("/usr/bin", "/usr/sbin", "/bin", "/sbin")
    }


def _allowed(rule: dict[str, Any]) -> set[str]:
    (spec,) = rule["Cmnd_Specs"]
    assert rule["User_List"] == [{"username": "audit"}]
    assert spec["runasusers"] == [{"username": "root"}]
    assert spec["Options"] == [{"authenticate": False}]
    return {one["command"] for one in spec["Commands"]}


def test_what_sudoers_would_read_as_syntax_is_escaped() -> None:
    command = Command("x", "tool state=on,off a:b", privileged=True)
    assert sudoers_rule(command, "audit").startswith(
        r"audit ALL=(root) NOPASSWD: /usr/bin/tool state\=on\,off a\:b, /usr/sbin/tool "
    )
    # Without the "" any argument would be allowed.
    assert '/usr/bin/tool ""' in sudoers_rule(Command("x", "tool", privileged=True), "audit")


@pytest.mark.parametrize("shell", ["cat /etc/*", "sh -c 'id'", "tool a?b", "/usr/bin/tool", "a !b"])
def test_what_would_not_be_word_for_word_is_refused(shell: str) -> None:
    with pytest.raises(ValueError, match="section x: the privileged command"):
        sudoers_rule(Command("x", shell, privileged=True), "audit")


@pytest.mark.parametrize("name", ["", "a b", "audit ALL=(ALL) ALL\n#", "#0", "%", "-x", "ä"])
def test_a_name_that_is_none_is_refused(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match="no name of a user"):
        sudoers_file(name)
    with pytest.raises(SystemExit, match="4"):
        main(["sudoers", f"--user={name}"])
    assert "no name of a user" in capsys.readouterr().err


AS_PLANT = Command(
    "x:a",
    "sh -c 'for one; do echo \"=$one\" [a-z]* ?; done; printf \"%s\\n\" !#,:^' sh 'a b' --port=22",
    user="plant",
)


def test_a_command_of_a_user_stands_there_as_sudo_compares_it(tmp_path: Path) -> None:
    if CVTSUDOERS is None or VISUDO is None:
        give_up("no cvtsudoers here: apt-get install sudo")
    file = tmp_path / "sudoers"
    file.write_text(sudoers_rule(AS_PLANT, "audit") + "\n")
    subprocess.run([VISUDO, "-cf", str(file)], capture_output=True, check=True)
    done = subprocess.run(
        [CVTSUDOERS, "-e", "-f", "json", str(file)], capture_output=True, text=True, check=True
    )
    ((spec,),) = (one["Cmnd_Specs"] for one in json.loads(done.stdout)["User_Specs"])
    assert spec["runasusers"] == [{"username": "plant"}]
    assert len(spec["Commands"]) == 4


def test_a_command_of_a_user_has_to_fit_on_a_line() -> None:
    with pytest.raises(ValueError, match="all on one line"):
        sudoers_rule(Command("x", "sh -c 'a\nb'", user="plant"), "audit")
    with pytest.raises(ValueError, match="no name of a user"):
        sudoers_rule(Command("x", "sh -c a", user="a b"), "audit")


def test_a_wrong_inventory_is_told_as_pytest_does(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["sudoers", "--user=audit", f"--inventory={tmp_path}/none.yaml"]) == 4
    assert "none.yaml" in capsys.readouterr().err

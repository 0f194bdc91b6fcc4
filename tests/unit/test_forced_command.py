"""The forced command, in each shell that /bin/sh may be: what it runs, and what it refuses."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from nethygiene.collect.command import Command
from nethygiene.collect.frames import cut_into_sections
from nethygiene.collect.script import compose, new_boundary
from nethygiene.commands.table import main
from nethygiene.engine.catalogue import all_probes, commands_for
from nethygiene.engine.probe import Probe
from nethygiene.forced_command import forced_command
from nethygiene.inventory.load import load_inventory
from tests.unit.collect.shells import PATH, SHELLS

EXAMPLE = Path(__file__).parents[2] / "inventories" / "example.yaml"
KERNEL = commands_for(["kernel"], next(iter(load_inventory(EXAMPLE).hosts)).policy)
BOUNDARY = new_boundary()


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("forced") / "nethygiene-audit"
    path.write_text(forced_command())
    return path


def ask(
    program: Path,
    script: bytes,
    shell: Sequence[str] = ("/bin/sh",),
    original: str | None = "/bin/sh -s",
) -> subprocess.CompletedProcess[bytes]:
    environment = {"PATH": PATH, "HOME": str(program.parent)}
    if original is not None:
        environment["SSH_ORIGINAL_COMMAND"] = original
    return subprocess.run(
        [*shell, str(program)],
        input=script,
        capture_output=True,
        env=environment,
        cwd=program.parent,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize("shell", [words[:-1] for words in SHELLS.values()], ids=list(SHELLS))
@pytest.mark.parametrize("window", [0.0, 0.25])
@pytest.mark.parametrize("sudo", [(), ("sudo", "-n")])
def test_scripts_of_an_audit_run(
    program: Path, shell: Sequence[str], window: float, sudo: Sequence[str]
) -> None:
    commands = commands_for(
        ["kernel", "counters"], next(iter(load_inventory(EXAMPLE).hosts)).policy
    )
    script = compose(commands, boundary=BOUNDARY, window=window, sudo=sudo)
    done = ask(program, script, shell)
    assert done.returncode == 0, done.stderr
    framed = cut_into_sections(done.stdout, done.stderr, BOUNDARY, None)
    assert framed.complete
    assert framed.sections["kernel"].stdout.split()[0] == os.uname().sysname.encode()
    assert ("counters@first" in framed.sections) == (window > 0)


def test_openssh_hears_its_word_first(program: Path) -> None:
    script = b"/bin/sh -s\n" + compose(KERNEL, boundary=BOUNDARY, window=0)
    done = ask(program, script, original="/bin/sh -c 'whatever' nethygiene-00ff")
    assert done.stdout.startswith(b"nethygiene-00ff\n")
    assert b"Linux" in done.stdout


HARM = b"touch harm\n"


def whole() -> bytes:
    return compose(KERNEL, boundary=BOUNDARY, window=0)


def altered() -> dict[str, bytes]:
    """Scripts that would do something of their own."""
    script = whole()
    lines = script.splitlines(keepends=True)
    named = {
        "alone": HARM,
        "nothing": b"",
        "first": HARM + script,
        "last": script + HARM,
        "without its newline": script + HARM.strip(),
        "after the boundary": script.replace(BOUNDARY.encode(), b"nethygiene-00; touch harm"),
        "in the boundary": script.replace(BOUNDARY.encode(), b"nethygiene-$(touch harm)"),
        "as the boundary": script.replace(BOUNDARY.encode(), b"$(touch harm)"),
        "on a line that is known": script.replace(b"uname -s -r", b"uname -s -r; touch harm"),
        "in the window": script + b"nh_parts=1 nh_part=$(touch harm)\n",
        "in the window's parts": script + b"nh_parts=$(touch harm) nh_part=1\n",
        "behind the window": script + b"nh_parts=1 nh_part=1; touch harm\n",
        "between the window's words": script + b"nh_parts=1 touch harm nh_part=1\n",
        "behind a NUL": script + b"\0" + HARM,
        "behind a carriage return": script + b"\r" + HARM,
        "after the end of the here-document": script + b"SCRIPT\n" + HARM,
        "after a blank": script + b" \n" + HARM,
        "as a part of a line": script + b"uname -s -r\n",
        "a line continued": script + b"nh_run_small kernel \\\n" + HARM,
    }
    for number in range(3, len(lines), 7):
        named[f"before line {number}"] = b"".join([*lines[:number], HARM, *lines[number:]])
        named[f"without line {number}"] = b"".join([*lines[:number], *lines[number + 1 :]])
    return named


@pytest.mark.parametrize("shell", [words[:-1] for words in SHELLS.values()], ids=list(SHELLS))
def test_no_other_script_runs(program: Path, shell: Sequence[str]) -> None:
    for name, script in altered().items():
        done = ask(program, script, shell)
        is_harmless = b"touch" not in script
        assert not (program.parent / "harm").exists(), name
        if not is_harmless or b"nh_mark()" not in script:
            assert done.returncode == 126, (name, done)
            # bash grumbles first about a NUL that it left out.
            assert b"\nnethygiene: " in b"\n" + done.stderr, (name, done)
            assert done.stdout == b"", name


@pytest.mark.parametrize("shell", [words[:-1] for words in SHELLS.values()], ids=list(SHELLS))
def test_nothing_is_left_in_the_background(program: Path, shell: Sequence[str]) -> None:
    commands = commands_for(["counters"], next(iter(load_inventory(EXAMPLE).hosts)).policy)
    script = compose(commands, boundary=BOUNDARY, window=0.25)
    parts = b"nh_parts=1 nh_part=0.25\n"
    sleep = next(one for one in script.splitlines(keepends=True) if b"& nh_window=" in one)
    assert parts in script
    for name, altered in {
        "many sleeps": script.replace(sleep, 3 * sleep),
        "a long sleep": script.replace(parts, b"nh_parts=1 nh_part=86400\n"),
        "a sleep longer than any part": script.replace(parts, b"nh_parts=1 nh_part=5.5\n"),
        "no number of parts": script.replace(parts, b"nh_parts= nh_part=1\n"),
        "a sum": script.replace(parts, b"nh_parts=1.1 nh_part=1\n"),
        "more than is ever sent": script + 1_000_000 * b"fi\n" + HARM,
    }.items():
        done = ask(program, altered, shell)
        assert (done.returncode, done.stdout) == (126, b""), name


@pytest.mark.parametrize("shell", [words[:-1] for words in SHELLS.values()], ids=list(SHELLS))
@pytest.mark.parametrize(
    "original",
    [
        None,
        "",
        "touch harm",
        "/bin/sh -s; touch harm",
        "touch harm nethygiene-zz",
        "x nethygiene-$(touch harm)",
        "x nethygiene-",
        "/usr/lib/openssh/sftp-server",
    ],
)
def test_no_other_command_runs(program: Path, shell: Sequence[str], original: str | None) -> None:
    done = ask(program, whole(), shell, original)
    assert done.returncode == 126
    assert done.stderr == b"nethygiene: this key is for the audit alone\n"
    assert done.stdout == b""
    assert not (program.parent / "harm").exists()


def test_what_an_inventory_declares_is_known_with_it_alone(tmp_path: Path) -> None:
    policies = [host.policy for host in load_inventory(EXAMPLE).hosts]
    known = forced_command(policies).replace("'\"'\"'", "'")
    for policy in policies:
        script = compose(
            commands_for(all_probes(), policy), boundary=BOUNDARY, window=2.5, sudo=("sudo", "-n")
        )
        missing = [
            line
            for line in script.decode().splitlines()
            if line not in known and "nethygiene-" not in line and not line.startswith("nh_parts=")
        ]
        assert missing == []
    program = tmp_path / "forced"
    program.write_text(forced_command())
    tunnels = next(policy for policy in policies if policy.tunnels)
    script = compose(commands_for(all_probes(), tunnels), boundary=BOUNDARY, window=0)
    done = ask(program, script)
    assert done.returncode == 126
    assert b"first strange line: " in done.stderr


def test_it_is_printed_by_the_module(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["forced-command", "--become-user", "netadmin", f"--inventory={EXAMPLE}"]) == 0
    text = capsys.readouterr().out
    assert f"forced-command --become-user netadmin --inventory={EXAMPLE}\n" in text
    assert "\nelse nh_run nft 20 33554432 sudo -n -u netadmin nft -j list ruleset\n" in text


def test_a_command_of_several_lines_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    kernel = all_probes()["kernel"]
    two = Command("two", "sh -c 'uname\nid'")
    monkeypatch.setattr(
        "nethygiene.forced_command.all_probes",
        lambda: {"two": Probe("two", 1, (two,), kernel.parse)},
    )
    with pytest.raises(ValueError, match="section two: its command is of several lines"):
        forced_command()

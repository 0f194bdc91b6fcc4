"""The script, run for real in every shell that /bin/sh may be."""

from __future__ import annotations

import re
import subprocess
import time
from pathlib import Path

import pytest

from nethygiene.collect import script
from nethygiene.collect.command import Command
from nethygiene.collect.script import compose, new_boundary
from nethygiene.engine.outcomes import Reason, Unreadable
from nethygiene.engine.probe import whole
from nethygiene.transcript import Cut, Section
from tests.unit.collect.shells import PATH, SHELLS, every_command, run

MIXED = (
    Command("plain", "echo one two"),
    Command("no-newline", "printf 'last line'"),
    Command("nul", r"printf 'a\0b\n'"),
    Command("latin-1", r"printf '\344\366\n'"),
    Command("empty", "true"),
    Command("complaint", "sh -c 'echo bad >&2; exit 3'"),
    Command("both", "sh -c 'echo out; echo err >&2'"),
    Command("missing", "no-such-tool-here --flag"),
    Command("not-executable", "/dev/null"),
    Command("quoted", """printf '%s|' 'a  b' '$HOME' '*' "it's" """),
    Command("glob", "echo /proc/sys/net/core/somaxco*"),
    Command("killed", "sh -c 'kill -9 $$'"),
    Command("reads-input", "cat"),
    Command("many-complaints", "sh -c 'seq 1 60000 >&2'"),
    Command("privileged", "printenv BY_SUDO", privileged=True),
    Command("unprivileged", "printenv BY_SUDO"),
)

shell = pytest.mark.parametrize("shell", SHELLS.values(), ids=SHELLS)


def test_the_shells_of_debian_and_alpine_are_tried() -> None:
    assert {"dash", "bash"} <= set(SHELLS), "apt-get install dash bash busybox"


@shell
def test_sections_hold_what_the_commands_wrote(shell: tuple[str, ...]) -> None:
    answer = run(MIXED, shell, sudo=("env", "BY_SUDO=it's me"))
    sections = answer.framed.sections
    assert answer.framed.complete
    assert list(sections) == [command.name for command in MIXED]
    assert sections["plain"] == Section(b"one two\n")
    assert sections["no-newline"] == Section(b"last line")
    assert sections["nul"] == Section(b"a\0b\n")
    assert sections["latin-1"] == Section(b"\xe4\xf6\n")
    assert sections["empty"] == Section(b"")
    assert sections["complaint"] == Section(b"", b"bad\n", 3)
    assert sections["both"] == Section(b"out\n", b"err\n")
    assert sections["quoted"] == Section(b"a  b|$HOME|*|it's|")
    assert sections["glob"] == Section(b"/proc/sys/net/core/somaxconn\n")
    assert sections["reads-input"] == Section(b"")
    assert sections["many-complaints"].stderr.count(b"\n") == 60000
    assert sections["privileged"] == Section(b"it's me\n")
    assert sections["unprivileged"].stdout == b""
    assert sections["missing"].status == 127
    assert sections["not-executable"].status == 126
    assert sections["killed"].status == 137
    for name in ("missing", "not-executable"):
        command = next(one for one in MIXED if one.name == name)
        missing = whole(command, sections[name])
        assert isinstance(missing, Unreadable)
        assert missing.reason is Reason.TOOL_MISSING


@shell
def test_output_ends_at_the_cap_and_the_next_command_runs(shell: tuple[str, ...]) -> None:
    capped, after = Command("endless", "yes", cap=1000), Command("after", "echo here")
    answer = run([capped, after], shell)
    assert len(answer["endless"]) == 1000
    cut = whole(capped, answer.framed.sections["endless"])
    assert isinstance(cut, Unreadable)
    assert cut.reason is Reason.CUT_OFF
    assert answer["after"] == b"here\n"


def test_output_of_just_the_cap_cannot_be_told_from_more() -> None:
    command = Command("exact", "printf 1234", cap=4)
    assert isinstance(whole(command, run([command]).framed.sections["exact"]), Unreadable)
    command = Command("below", "printf 123", cap=4)
    assert whole(command, run([command]).framed.sections["below"]) == Section(b"123")


def test_a_command_that_hangs_is_killed_with_its_children() -> None:
    stubborn = Command("stubborn", "sh -c 'trap \"\" TERM; sleep 300; true'", seconds=1)
    started = time.monotonic()
    answer = run([stubborn, Command("after", "echo here")])
    assert time.monotonic() - started < 60
    cut = whole(stubborn, answer.framed.sections["stubborn"])
    assert cut == Unreadable(Reason.TIMEOUT, stubborn.shell, "did not end within 1 s on the host")
    assert answer["after"] == b"here\n"


@shell
def test_the_samples_are_at_least_the_window_apart(shell: tuple[str, ...]) -> None:
    clock = Command("clock", "cat /proc/uptime", sampled=True)
    answer = run([clock, Command("meanwhile", "echo here")], shell, window=0.4)
    first, last = (float(answer[f"clock@{end}"].split()[0]) for end in ("first", "last"))
    assert 0.4 <= last - first + 0.01 < 60
    assert list(answer.framed.sections) == ["clock@first", "meanwhile", "clock@last"]
    assert answer.framed.complete


@shell
def test_a_long_window_is_slept_in_parts(
    shell: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(script, "_SLEEP", 0.1)
    clock = Command("clock", "cat /proc/uptime", sampled=True)
    answer = run([clock, Command("meanwhile", "echo here")], shell, window=0.45)
    first, last = (float(answer[f"clock@{end}"].split()[0]) for end in ("first", "last"))
    assert 0.45 <= last - first + 0.01 < 60
    assert answer["meanwhile"] == b"here\n"
    assert answer.framed.complete


@shell
def test_a_long_window_ends_with_the_connection(
    shell: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(script, "_SLEEP", 0.1)
    clock = Command("clock", "echo tick", sampled=True)
    text = compose([clock], boundary=new_boundary(), window=300)
    pipe = subprocess.PIPE
    with subprocess.Popen([*shell, "-s"], stdin=pipe, stdout=pipe, stderr=pipe) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(text)
        process.stdin.close()
        while b" end clock@first " not in process.stdout.readline():
            pass
        # All that it writes from here on is what tells it that nobody reads.
        assert process.stdout.readline() == b"\n"
        process.stdout.close()
        try:
            assert process.wait(60) != 0
        finally:
            process.kill()


def test_without_a_window_there_is_one_sample() -> None:
    answer = run([Command("clock", "echo tick", sampled=True)], window=0)
    assert answer.framed.sections == {"clock@last": Section(b"tick\n")}


def _tool(folder: Path, name: str, script: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


def test_a_window_that_was_none_has_no_second_sample(tmp_path: Path) -> None:
    clock = Command("clock", "echo tick", sampled=True)
    _tool(tmp_path, "sleep", "exit 1")
    answer = run([clock], window=0.2, environment={"PATH": f"{tmp_path}:{PATH}"})
    assert answer["clock@first"] == b"tick\n"
    lost = whole(clock, answer.framed.sections["clock@last"])
    assert isinstance(lost, Unreadable)
    assert (lost.reason, "no window" in lost.detail) == (Reason.TOOL_MISSING, True)


HOSTILE = {
    "LC_ALL": "de_DE.UTF-8",
    "LANGUAGE": "de",
    "GREP_OPTIONS": "-v",
    "GREP_COLORS": "mt=01;31",
    "CDPATH": "/",
    "ENV": "/dev/full",
    "BASH_ENV": "/dev/full",
    "POSIXLY_CORRECT": "1",
    "IFS": "/",
    "nh": "mine",
    "nh_limit": "false",
    "nh_status": "0",
    "nh_cap": "1",
}


@shell
def test_the_logins_environment_changes_nothing(shell: tuple[str, ...]) -> None:
    grep = Command("grep", "grep -H '' /proc/sys/net/core/somaxconn")
    # bash tells of a kill with the process id.
    commands = [grep, *(one for one in MIXED if one.name != "killed")]
    plain = run(commands, shell, sudo=("env", "BY_SUDO=1"))
    hostile = run(commands, shell, sudo=("env", "BY_SUDO=1"), environment=HOSTILE | {"PATH": PATH})
    assert hostile.framed == plain.framed


def test_a_command_sees_no_language_and_no_options_for_grep() -> None:
    environment = run([Command("env", "env")], environment=HOSTILE | {"PATH": PATH})["env"]
    names = {line.partition("=")[0]: line for line in environment.decode().splitlines()}
    assert names["LC_ALL"] == "LC_ALL=C"
    assert not {"LANGUAGE", "GREP_OPTIONS", "GREP_COLORS", "ENV", "BASH_ENV", "nh"} & names.keys()


def test_an_empty_path_is_not_the_current_directory(tmp_path: Path) -> None:
    _tool(tmp_path, "uname", "echo forged")
    answer = run([Command("kernel", "uname -s")], environment={"PATH": ""}, cwd=str(tmp_path))
    assert answer["kernel"] == b"Linux\n"


@pytest.mark.parametrize("options", [("-s",), ("-a", "-s")], ids=["as usual", "export all"])
def test_no_command_can_see_the_boundary(options: tuple[str, ...]) -> None:
    spies = [
        Command("environments", "sh -c 'cat /proc/*/environ 2>/dev/null; env'"),
        Command("arguments", "sh -c 'cat /proc/*/cmdline 2>/dev/null'"),
        Command("input", "sh -c 'cat; cat <&0'"),
        Command("descriptors", "sh -c 'ls -l /proc/self/fd; cat <&3; cat <&4'"),
    ]
    # The variable of that name is the login's own, and exported.
    answer = run(spies, ("dash", *options), environment={"PATH": PATH, "nh": "exported"})
    assert len(answer.framed.sections) == len(spies)
    assert b"PATH=" in answer["environments"], "the spy sees its own environment at least"
    for name, section in answer.framed.sections.items():
        assert answer.boundary.encode() not in section.stdout + section.stderr, name


def test_a_command_has_no_way_to_write_marks() -> None:
    answer = run([Command("forger", "sh -c 'echo forged >&3; echo forged >&4'")])
    section = answer.framed.sections["forger"]
    assert section.stdout == b""
    assert section.status == 2
    assert answer.framed.complete


def test_the_boundary_is_new_and_long_each_time() -> None:
    made = {new_boundary() for _ in range(100)}
    assert len(made) == 100
    assert all(re.fullmatch(r"nethygiene-[0-9a-f]{32}", one) for one in made)


def test_the_shipped_commands_are_framed_as_asked() -> None:
    answer = run(every_command(), window=0.05)
    wanted = {name for command in every_command() for name in command.sections}
    assert set(answer.framed.sections) == {name for name in wanted if not name.endswith("@since")}
    assert all(one.cut is not Cut.CLOSED for one in answer.framed.sections.values())


@pytest.mark.parametrize("command", every_command(), ids=lambda one: one.name)
def test_a_privileged_command_needs_no_shell_of_its_own(command: Command) -> None:
    if command.privileged:
        assert not re.search(r"[*?\[\]'\"$`;|&<>]", command.shell)
    text = compose([command], boundary="B", window=1, sudo=("sudo", "-n", "-u", "net admin"))
    assert (b"sudo -n -u 'net admin' " in text) is command.privileged

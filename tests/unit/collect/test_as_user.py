"""Commands that are another user's: as whom they run, and what is said where they cannot."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import pytest

from nethygiene.collect.command import Command
from nethygiene.engine.catalogue import all_probes, commands_for
from nethygiene.engine.outcomes import Reason, Unreadable
from nethygiene.engine.probe import Probe, item_section, whole
from nethygiene.inventory.policy import policy_from_plain
from nethygiene.transcript import Section
from tests.unit.collect.hosts import NEEDS_NAMESPACES, host, without
from tests.unit.collect.shells import PATH, SHELLS, run

AWKWARD = """sh -c 'id -un; for one; do echo "$one"; done' sh 'a  b' "it's" '*' '$HOME'"""
ANSWER = b"nobody\na  b\nit's\n*\n$HOME\n"
SU_ONLY = without("runuser")

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to become somebody else")


def command(user: str) -> Command:
    return Command("who:a", AWKWARD, user=user)


@as_root
@pytest.mark.parametrize("shell", SHELLS.values(), ids=SHELLS)
def test_root_runs_it_as_the_user(shell: tuple[str, ...]) -> None:
    answer = run([command("nobody"), Command("after", "id -un")], shell)
    assert answer.framed.sections["who:a"] == Section(ANSWER)
    assert answer["after"] == b"root\n"


@NEEDS_NAMESPACES
def test_without_runuser_root_runs_it_by_su() -> None:
    assert run([command("nobody")], host(SU_ONLY))["who:a"] == ANSWER


@as_root
def test_the_user_itself_runs_it_directly() -> None:
    login = ("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "/bin/sh", "-s")
    assert run([command("nobody")], login)["who:a"] == ANSWER


@as_root
def test_anybody_else_does_not_run_it_and_says_what_to_allow() -> None:
    login = ("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "/bin/sh", "-s")
    asked = command("daemon")
    answer = run([asked, Command("after", "echo here")], login)
    assert answer["who:a"] == b""
    refused = whole(asked, answer.framed.sections["who:a"])
    assert isinstance(refused, Unreadable)
    assert refused.reason is Reason.PERMISSION
    assert "has to run as daemon, and we are nobody" in refused.detail
    assert "nethygiene sudoers --user LOGIN --inventory=FILE" in refused.detail
    assert answer["after"] == b"here\n"


def test_with_become_sudo_is_asked_for_that_user(tmp_path: Path) -> None:
    sudo = tmp_path / "sudo"
    sudo.write_text('#!/bin/sh\nprintf "%s|" "$@"\n')
    sudo.chmod(0o755)
    answer = run(
        [command("some-body")],
        sudo=("sudo", "-n", "-u", "netadmin"),
        # Neither root nor that user, whoever runs the tests.
        environment={"PATH": f"{tmp_path}:{PATH}"},
        shell=("sh", "-c", "id() { echo audit; }; . /dev/stdin"),
    )
    words = answer["who:a"].split(b"|")
    assert words[:5] == [b"-n", b"-u", b"some-body", b"sh", b"-c"]


def test_sudo_that_refuses_is_a_matter_of_permission() -> None:
    section = Section(b"", b"sudo: a password is required\n", 1)
    refused = whole(command("plant"), section)
    assert isinstance(refused, Unreadable)
    assert refused.reason is Reason.PERMISSION


def test_names_of_items_become_names_of_sections() -> None:
    assert item_section("tunnel", "to-cloud") == "tunnel:to-cloud"
    assert item_section("tunnel", "a:b@c/d+e.f_g") == "tunnel:a:b@c/d+e.f_g"
    assert item_section("tunnel", "büro%1") == "tunnel:b%C3%BCro%251"


def test_a_command_that_two_probes_share_is_sent_once(monkeypatch: pytest.MonkeyPatch) -> None:
    shared = Command("shared", "true")

    def declared(_policy: object) -> tuple[Command, ...]:
        return (shared, Command("more", "true"))

    one = Probe("one", 1, (shared,), all_probes()["kernel"].parse)
    two = dataclasses.replace(one, name="two", commands=(), declared=declared)
    both = {"one": one, "two": two}
    monkeypatch.setattr("nethygiene.engine.catalogue.probe", both.get)
    names = [each.name for each in commands_for(["one", "two"], policy_from_plain({}))]
    assert names == ["shared", "more"]

"""A window that a suspicion prolongs, in every shell that /bin/sh may be."""

from __future__ import annotations

from pathlib import Path

import pytest

from nethygiene.collect.command import Command
from nethygiene.collect.script import compose, longest_window, sent_sections
from nethygiene.engine.outcomes import Reason, Unreadable
from nethygiene.engine.probe import whole
from tests.unit.collect.shells import PATH, SHELLS, run

CLOCK = Command("clock", "cat /proc/uptime", sampled=True)


def watch(folder: Path, times: int) -> Command:
    """Is suspicious so many times of what it said as the window began."""
    asked = folder / "asked"
    script = (
        "read -r first || exec echo beginning; "
        f'echo >>{asked}; test $(grep -c "" {asked}) -gt {times} || echo "since the $first"'
    )
    return Command("watch", f"sh -c '{script}'", prolongs=True)


@pytest.mark.parametrize("shell", SHELLS.values(), ids=SHELLS)
def test_the_window_goes_on_as_long_as_there_is_a_suspicion(
    shell: tuple[str, ...], tmp_path: Path
) -> None:
    answer = run([watch(tmp_path, 1), CLOCK], shell, window=0.2)
    assert answer.framed.complete
    assert list(answer.framed.sections) == ["clock@first", "watch", "clock@last"]
    assert answer["watch"] == b"since the beginning\n"
    first, last = (float(answer[f"clock@{end}"].split()[0]) for end in ("first", "last"))
    assert last - first + 0.01 >= 1.2


def test_without_a_suspicion_it_is_as_long_as_asked(tmp_path: Path) -> None:
    answer = run([watch(tmp_path, 0), CLOCK], window=0.2)
    assert answer["watch"] == b""
    assert (tmp_path / "asked").read_text() == "\n", "it is asked once"


def test_no_suspicion_prolongs_it_without_end(tmp_path: Path) -> None:
    # A sleep that takes no time: the second that each suspicion takes is not what is tried here.
    (tmp_path / "sleep").write_text("#!/bin/sh\n")
    (tmp_path / "sleep").chmod(0o755)
    environment = {"PATH": f"{tmp_path}:{PATH}"}
    answer = run([watch(tmp_path, 1000), CLOCK], window=0.2, environment=environment)
    assert answer.framed.complete
    assert answer["watch"] == b"since the beginning\n" * 10


@pytest.mark.parametrize("window", [0.0, 10.0, 12.0])
def test_no_window_and_a_long_one_are_not_prolonged(window: float, tmp_path: Path) -> None:
    commands = [watch(tmp_path, 1), CLOCK]
    assert b"watch" not in compose(commands, boundary="B", window=window)
    assert "watch" not in sent_sections(commands, window)
    assert longest_window(commands, window) == window


def test_the_deadline_allows_for_it(tmp_path: Path) -> None:
    assert longest_window([watch(tmp_path, 1), CLOCK], 2.0) == 10.0
    assert longest_window([CLOCK], 2.0) == 2.0
    assert longest_window([watch(tmp_path, 1), CLOCK], 2.0, longest=2.0) == 2.0


def test_where_its_tool_is_missing_the_samples_are_taken_all_the_same() -> None:
    missing = Command("watch", "no-such-tool-here", prolongs=True)
    answer = run([missing, CLOCK], window=0.2)
    assert answer["watch"] == b""
    assert answer["clock@last"]


def test_a_window_that_was_none_is_not_prolonged(tmp_path: Path) -> None:
    (tmp_path / "sleep").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "sleep").chmod(0o755)
    watching = watch(tmp_path, 1)
    answer = run([watching, CLOCK], window=0.2, environment={"PATH": f"{tmp_path}:{PATH}"})
    lost = whole(watching, answer.framed.sections["watch"])
    assert isinstance(lost, Unreadable)
    assert lost.reason is Reason.TOOL_MISSING

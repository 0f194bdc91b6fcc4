"""The progress bar while hosts are collected, on a terminal as people have it."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable

import pytest

from tests.plugin.conftest import CHECKS, LOCAL, Runner
from tests.terminal import Shown, on_terminal

pytestmark = pytest.mark.slow  # whole audits in a terminal

# Port 1 on loopback refuses at once.
FLEET = (
    LOCAL
    + "    there: {ansible_connection: local}\n"
    + "    gone: {ansible_host: 127.0.0.1, ansible_port: 1}\n"
)
_FRAME = re.compile(r"[\r\n]")
_COLOUR = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def command(runner: Runner, *arguments: str) -> list[str]:
    inventory = runner.inventory(FLEET)
    run = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", f"--rootdir={CHECKS.parent}"]
    return [*run, str(CHECKS), f"--inventory={inventory}", "-k", "resets", *arguments]


def show(
    runner: Runner, columns: int, *arguments: str, press_when: Callable[[str], bool] | None = None
) -> Shown:
    return on_terminal(
        command(runner, *arguments),
        columns=columns,
        cwd=runner.folder,
        press_when=press_when,
    )


def frames(shown: Shown) -> list[str]:
    """Each picture of the bar, without colours."""
    pictures = (_COLOUR.sub("", one) for one in _FRAME.split(shown.text))
    return [one for one in pictures if re.search(r"\d remaining", one)]


def left_of_it(shown: Shown) -> list[str]:
    """The lines of the screen that show something of it at the end."""
    return [one for one in shown.screen if re.search(r"\d remaining|━|\^C", one)]


@pytest.mark.parametrize("columns", [80, 40])
def test_it_counts_hosts_done_failed_and_remaining_and_goes(runner: Runner, columns: int) -> None:
    shown = show(runner, columns, "--window=1")
    drawn = frames(shown)
    assert "0 done, 0 failed, 3 remaining" in drawn[0]
    assert any("0 done, 1 failed, 2 remaining" in one for one in drawn)
    assert "2 done, 1 failed, 0 remaining" in drawn[-1]
    assert max(map(len, drawn)) <= columns
    assert all("━" in one for one in drawn)
    assert ("collecting" in drawn[0]) == (columns == 80)
    assert not left_of_it(shown)
    assert shown.shows_cursor


def test_ctrl_c_leaves_nothing_of_it_either(runner: Runner) -> None:
    shown = show(runner, 80, "--window=600", press_when=lambda text: "1 failed" in text)
    assert shown.status == 2
    assert not left_of_it(shown)
    assert shown.shows_cursor
    assert any("CUT SHORT" in one for one in shown.screen)
    assert "Traceback" not in shown.text


def test_a_pipe_holds_nothing_of_it(runner: Runner) -> None:
    done = subprocess.run(
        command(runner, "--window=0"),
        cwd=runner.folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert "3 hosts (1 not reached)" in done.stdout
    assert not {"\x1b", "\r", "━"} & set(done.stdout + done.stderr)
    assert "remaining" not in done.stdout + done.stderr

"""Connection `local`, and with it the runner that all programs share."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from nethygiene.inventory.target import Target
from nethygiene.transcript import Cut
from nethygiene.transport import (
    CommandCutError,
    ConnectSettings,
    Output,
    kill_all,
    open_connection,
    testinfra_host,
)
from nethygiene.transport.large_answers import Turn
from nethygiene.transport.process import _UNENDED, Child


def run(command: str, stdin: bytes = b"", **settings: float) -> Output:
    values = {"command_timeout": 60.0, **settings}
    target = Target(name="here", address="here", kind="local")
    connection = open_connection(target, ConnectSettings(**values))  # type: ignore[arg-type]
    before = len(list(Path("/proc/self/fd").iterdir()))
    output = connection.run(command, stdin)
    assert len(list(Path("/proc/self/fd").iterdir())) == before
    connection.close()
    connection.close()
    assert connection.address == "local"
    assert connection.host_key is None
    return output


def test_streams_and_status() -> None:
    assert run("cat; echo err >&2; exit 3", b"in") == Output(b"in", b"err\n", 3)


def test_bytes_pass_as_they_are() -> None:
    data = bytes(range(256)) * 100
    assert run("cat", data).stdout == data


def test_a_signal_is_no_status() -> None:
    assert run("kill -9 $$") == Output(b"", b"", None)


def test_an_end_that_a_second_ctrl_c_breaks_off_is_made_good(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def interrupted(_turn: Turn) -> None:
        raise KeyboardInterrupt

    child = Child(["sleep", "300"])
    try:
        with monkeypatch.context() as patched:
            patched.setattr(Turn, "release", interrupted)
            with pytest.raises(KeyboardInterrupt):
                child.end()
        before = child.running
        kill_all()
        assert (before, child.running) == (True, False)
    finally:
        child.end()
    assert child._process not in _UNENDED


@pytest.mark.slow
def test_the_deadline_ends_the_whole_group(tmp_path: Path) -> None:
    began = time.monotonic()
    output = run(f"sleep 300 & echo $! > {tmp_path}/pid; echo here; wait", command_timeout=3.0)
    assert output == Output(b"here\n", b"", None, Cut.TIMEOUT)
    assert time.monotonic() - began < 60
    child = int((tmp_path / "pid").read_text())
    until = time.monotonic() + 60
    while _runs(child):
        assert time.monotonic() < until
        time.sleep(0.01)


def _runs(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_a_background_process_that_holds_the_output_is_ended_too() -> None:
    output = run("echo here; sleep 300 &", command_timeout=0.3)
    assert output.cut is Cut.TIMEOUT


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_flood_meets_the_cap(stream: str) -> None:
    redirect = " >&2" if stream == "stderr" else ""
    output = run(f"yes{redirect}", max_stdout=100_000, max_stderr=100_000)
    assert output.cut is Cut.CAP
    assert output.status is None
    assert len(getattr(output, stream)) == 100_000


def test_exactly_the_cap_is_whole() -> None:
    output = run("head -c 1000 /dev/zero", max_stdout=1000)
    assert (len(output.stdout), output.status, output.cut) == (1000, 0, None)


@pytest.mark.slow
def test_input_that_nobody_reads() -> None:
    assert run("exec <&-; echo done", b"x" * 5_000_000).stdout == b"done\n"
    output = run("echo here; sleep 300", b"x" * 5_000_000, command_timeout=3.0)
    assert (output.stdout, output.cut) == (b"here\n", Cut.TIMEOUT)


def test_a_command_that_cannot_be_given_is_no_exception() -> None:
    assert run("echo \0").cut is Cut.CLOSED


def test_testinfra_over_it() -> None:
    target = Target(name="here", address="here", kind="local")
    connection = open_connection(target, ConnectSettings())
    host = testinfra_host(connection, target)
    assert host.backend.get_pytest_id() == "local://here"
    assert host.file("/etc/passwd").exists
    assert host.run("echo %s", "a b; exit 9").stdout == "a b; exit 9\n"
    assert host.run("exit 4").rc == 4
    assert host.run("kill -9 $$").rc == -1
    assert host.run("printf '\\377'").stdout_bytes == b"\xff"
    connection = open_connection(target, ConnectSettings(command_timeout=0.5))
    with pytest.raises(CommandCutError, match=r"`sleep 300` ran into --command-timeout"):
        testinfra_host(connection, target).run("sleep 300")


@pytest.mark.parametrize("user", ["root", "postgres"])
def test_become_is_sudo_without_a_question(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, user: str
) -> None:
    sudo = tmp_path / "sudo"
    sudo.write_text('#!/bin/sh\nprintf "%s " "$@"\n')
    sudo.chmod(0o700)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    target = Target(name="here", address="here", kind="local", become=True, become_user=user)
    host = testinfra_host(open_connection(target, ConnectSettings()), target)
    assert host.run("id").stdout == f"-n -u {user} /bin/sh -c id "

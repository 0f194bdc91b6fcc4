"""From a target to a transcript, and all targets at once."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from nethygiene.collect import host as host_module
from nethygiene.collect.command import Command
from nethygiene.collect.fleet import collect_fleet
from nethygiene.collect.host import Job, collect_host
from nethygiene.collect.kept import close_kept, kept_connection
from nethygiene.engine.catalogue import commands_for, versions
from nethygiene.errors import ConnectError
from nethygiene.inventory.policy import policy_from_plain
from nethygiene.inventory.target import Target
from nethygiene.transcript import Cut, HostFailure, Transcript
from nethygiene.transport.base import ConnectSettings, Output


def job(
    name: str = "here",
    *probes: str,
    target: Target | None = None,
    commands: Sequence[Command] | None = None,
    window: float = 0.0,
    settings: ConnectSettings | None = None,
    keep_open: bool = False,
) -> Job:
    names = probes or ("kernel",)
    return Job(
        target or Target(name, "localhost", kind="local"),
        settings or ConnectSettings(),
        versions(names),
        tuple(commands or commands_for(names, policy_from_plain({}))),
        window,
        keep_open=keep_open,
    )


def test_this_machine() -> None:
    transcript = collect_host(job("here", "kernel", "machine", "counters", window=0.2))
    assert transcript.failure is None
    assert (transcript.host, transcript.address, transcript.host_key) == ("here", "local", None)
    assert transcript.probes == {"kernel": 1, "machine": 1, "counters": 1}
    assert set(transcript.sections) == {"kernel", "machine", "counters@first", "counters@last"}
    assert transcript.sections["kernel"].stdout.startswith(b"Linux ")
    assert 0.2 <= transcript.seconds < 60
    assert transcript.collected_at.endswith("Z")
    assert kept_connection("here") is None


@pytest.mark.slow
def test_the_window_does_not_count_against_the_deadline() -> None:
    settings = ConnectSettings(command_timeout=3.0)
    transcript = collect_host(job("here", "counters", window=3.2, settings=settings))
    assert transcript.failure is None


def test_a_host_that_is_not_reached() -> None:
    transcript = collect_host(
        job(target=Target("there", "127.0.0.1", port=1), settings=ConnectSettings(60.0))
    )
    assert transcript.failure is not None
    assert transcript.failure.code == "refused"
    assert transcript.failure.cure
    assert transcript.sections == {}


def test_a_connection_is_kept_where_a_check_needs_it() -> None:
    try:
        collect_host(job(keep_open=True))
        first = kept_connection("here")
        assert first is not None
        assert first.run("echo x").stdout == b"x\n"
    finally:
        close_kept()
    assert kept_connection("here") is None


class Recorded:
    """A connection whose answer is decided by the test, since no host does that on demand."""

    address = "recorded"
    host_key = "SHA256:x"

    def __init__(self, output: Output, *, whole: bool = False) -> None:
        self.output, self.whole, self.closed = output, whole, False

    def run(self, command: str, stdin: bytes = b"") -> Output:
        assert command == "/bin/sh -s"
        boundary = stdin.split(b"nh=", 1)[1].split(b"\n", 1)[0]
        mark = b"\n%s begin kernel\nLinux 6.1\n\n%s end kernel 0\n" % (boundary, boundary)
        if self.whole:
            return dataclasses.replace(self.output, stdout=mark, stderr=mark)
        return self.output

    def close(self) -> None:
        self.closed = True


@pytest.mark.parametrize(
    ("output", "whole", "code", "says"),
    [
        (Output(b"", b"", None, Cut.TIMEOUT), False, "command-timeout", "before any answer"),
        (Output(b"", b"", None, Cut.TIMEOUT), True, "command-timeout", "after 1 section"),
        (Output(b"", b"", None, Cut.CAP), True, "too-much-output", "64 MiB"),
        (Output(b"", b"", None, Cut.CLOSED), False, "closed", "before any answer"),
        (Output(b"", b"", 0), True, "closed", "after 1 section"),
        (Output(b"", b"sh: not found\n", 127), False, "exec-denied", "sh: not found"),
        (Output(b"This account is off.\n", b"", 1), False, "exec-denied", "account is off"),
        (Output(b"", b"", 1), False, "exec-denied", "'nothing'"),
        (Output(b"\xff" * 9999, b"", 1), False, "exec-denied", "exit status 1"),
    ],
)
def test_an_answer_without_its_end_is_a_failure(
    monkeypatch: pytest.MonkeyPatch, output: Output, whole: bool, code: str, says: str
) -> None:
    connection = Recorded(output, whole=whole)
    monkeypatch.setattr(host_module, "open_connection", lambda *_: connection)
    transcript = collect_host(job(keep_open=True))
    assert transcript.failure is not None
    assert transcript.failure.code == code
    assert says in transcript.failure.message
    assert len(transcript.failure.message) < 400
    assert set(transcript.sections) == ({"kernel"} if whole else set())
    assert connection.closed
    assert kept_connection("here") is None


def test_a_connection_is_closed_whatever_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken(Recorded):
        def run(self, command: str, stdin: bytes = b"") -> Output:
            super().run(command, stdin)
            raise KeyboardInterrupt

    connection = Broken(Output(b"", b"", 0))
    monkeypatch.setattr(host_module, "open_connection", lambda *_: connection)
    with pytest.raises(KeyboardInterrupt):
        collect_host(job())
    assert connection.closed


def test_a_host_key_that_was_refused_is_in_the_transcript(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise ConnectError("unknown-host-key", "unknown", "compare it", "SHA256:seen")

    monkeypatch.setattr(host_module, "open_connection", refuse)
    transcript = collect_host(job())
    assert transcript.host_key == "SHA256:seen"
    assert transcript.failure == HostFailure("unknown-host-key", "unknown", "compare it")


@pytest.mark.parametrize(
    ("sudo", "privileged"),
    [
        ('exec "$@"', True),
        ("echo 'sudo: unable to resolve host x' >&2; exec \"$@\"", True),
        ("echo 'sudo: a password is required' >&2; exit 1", False),
    ],
)
def test_become_is_for_privileged_commands_and_may_be_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, sudo: str, privileged: bool
) -> None:
    log = tmp_path / "log"
    script = f'#!/bin/sh\necho sudo "$@" >> {log}\nshift 3\n{sudo}\n'
    (tmp_path / "sudo").write_text(script)
    (tmp_path / "sudo").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    commands = (Command("secret", "echo seen", privileged=True), Command("plain", "echo seen"))
    target = Target("here", "localhost", kind="local", become=True, become_user="netadmin")
    transcript = collect_host(job(target=target, commands=commands))
    assert log.read_text() == "sudo -n -u netadmin echo seen\n"
    assert transcript.privileged is privileged
    assert transcript.sections["plain"].stdout == b"seen\n"
    assert (transcript.sections["secret"].stdout == b"seen\n") is privileged
    assert transcript.failure is None


# -- all at once ------------------------------------------------------------------------------


def _transcript(one: Job) -> Transcript:
    return Transcript(one.target.name, "", "", 0.0, 0.0)


def test_a_slow_host_delays_nobody() -> None:
    release = threading.Event()

    def work(one: Job) -> Transcript:
        if one.target.name == "slow":
            assert release.wait(60)
        return _transcript(one)

    with ThreadPoolExecutor(2) as executor:
        names = []
        for transcript in collect_fleet([job("slow"), job("a"), job("b")], executor, work):
            names.append(transcript.host)
            if len(names) == 2:
                release.set()
    assert names[-1] == "slow"
    assert sorted(names) == ["a", "b", "slow"]


def test_a_bug_of_ours_costs_one_host() -> None:
    def work(one: Job) -> Transcript:
        if one.target.name == "odd":
            raise ZeroDivisionError("oh")
        return _transcript(one)

    with ThreadPoolExecutor(2) as executor:
        made = {one.host: one for one in collect_fleet([job("odd"), job("a")], executor, work)}
    assert made["a"].failure is None
    failure = made["odd"].failure
    assert failure is not None
    assert failure.code == "internal-error"
    assert "ZeroDivisionError: oh" in failure.message


def test_after_an_interruption_no_further_host_is_begun() -> None:
    begun: list[str] = []
    interrupted = threading.Event()

    def work(one: Job) -> Transcript:
        begun.append(one.target.name)
        # The first ends at once; the second is under way when the run is interrupted.
        assert one.target.name == "h0" or interrupted.wait(60)
        return _transcript(one)

    with ThreadPoolExecutor(1) as executor:
        transcripts = collect_fleet([job(f"h{n}") for n in range(50)], executor, work)
        next(transcripts)
        assert isinstance(transcripts, Generator)
        transcripts.close()
        interrupted.set()
    assert begun in (["h0"], ["h0", "h1"])

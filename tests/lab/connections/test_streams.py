"""What a command's two streams may do, and what a host does to them, against real sshds."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from pathlib import Path

import pytest

from nethygiene.errors import ConnectError
from nethygiene.inventory.target import ConnectionKind
from nethygiene.transcript import Cut
from nethygiene.transport import open_connection
from tests.lab.connections.servers import Relay, SshdFactory, raw_server

KINDS = pytest.mark.parametrize("kind", ["paramiko", "ssh"])


def kill(processes: list[str]) -> None:
    for process in processes:
        os.kill(int(process), signal.SIGKILL)


@KINDS
def test_sshd_killed_while_the_command_runs(
    sshd: SshdFactory, kind: ConnectionKind, tmp_path: Path
) -> None:
    server = sshd()
    connection = open_connection(server.target(kind), server.settings())
    sessions = subprocess.run(
        ["pgrep", "-P", str(server.process.pid)], capture_output=True, text=True, check=True
    ).stdout.split()
    started = tmp_path / "started"

    def kill_when_started() -> None:
        while not started.exists():
            time.sleep(0.02)
        time.sleep(1)  # for sshd to pass on what was said before
        kill(sessions)

    killer = threading.Thread(target=kill_when_started)
    killer.start()
    output = connection.run(f"echo before; touch {started}; sleep 300")
    killer.join()
    connection.close()
    assert output.cut is Cut.CLOSED
    assert output.status is None
    assert output.stdout == b"before\n"
    # The command outlives its session, and no test leaves one behind.
    assert server.commands()
    server.stop()
    deadline = time.monotonic() + 60
    while server.commands() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not server.commands()


@KINDS
@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_flood_meets_the_cap(sshd: SshdFactory, kind: ConnectionKind, stream: str) -> None:
    server = sshd()
    settings = server.settings(max_stdout=1_000_000, max_stderr=1_000_000)
    connection = open_connection(server.target(kind), settings)
    redirect = "" if stream == "stdout" else " >&2"
    began = time.monotonic()
    output = connection.run(f"echo hello; head -c 1000000000 /dev/zero{redirect}")
    elapsed = time.monotonic() - began
    connection.close()
    assert output.cut is Cut.CAP
    assert output.status is None
    assert len(getattr(output, stream)) == 1_000_000
    assert output.stdout.startswith(b"hello\n")
    assert elapsed < 60


@KINDS
def test_the_servers_banner_is_not_the_commands(
    sshd: SshdFactory, kind: ConnectionKind, tmp_path: Path
) -> None:
    banner = tmp_path / "banner"
    banner.write_text("AUTHORISED USE ONLY\n")
    server = sshd(f"Banner {banner}")
    connection = open_connection(server.target(kind), server.settings())
    for _ in range(2):
        output = connection.run("echo out; echo err >&2")
        assert (output.stdout, output.stderr) == (b"out\n", b"err\n")
    connection.close()


@KINDS
def test_both_streams_at_once_arrive_whole(sshd: SshdFactory, kind: ConnectionKind) -> None:
    server = sshd()
    connection = open_connection(server.target(kind), server.settings(max_stderr=20_000_000))
    output = connection.run(
        "head -c 5000000 /dev/zero >&2; head -c 5000000 /dev/zero; head -c 5000000 /dev/zero >&2"
    )
    connection.close()
    assert (len(output.stdout), len(output.stderr)) == (5_000_000, 10_000_000)
    assert (output.status, output.cut) == (0, None)


@KINDS
def test_large_input_is_echoed(sshd: SshdFactory, kind: ConnectionKind) -> None:
    server = sshd()
    connection = open_connection(server.target(kind), server.settings())
    data = os.urandom(6_000_000)
    output = connection.run("cat", data)
    connection.close()
    assert output.stdout == data


@KINDS
def test_large_input_that_is_not_read(sshd: SshdFactory, kind: ConnectionKind) -> None:
    server = sshd()
    connection = open_connection(server.target(kind), server.settings(command_timeout=5.0))
    output = connection.run("echo here; sleep 300", b"x" * 20_000_000)
    connection.close()
    assert (output.stdout, output.cut) == (b"here\n", Cut.TIMEOUT)


@KINDS
def test_what_a_command_said_that_did_not_read_its_input(
    sshd: SshdFactory, kind: ConnectionKind
) -> None:
    server = sshd()
    for _ in range(8 if kind == "paramiko" else 2):
        connection = open_connection(server.target(kind), server.settings())
        output = connection.run("echo backups only; exec </dev/null; exit 3", b"x" * 3_000_000)
        connection.close()
        assert (output.stdout, output.status, output.cut) == (b"backups only\n", 3, None)


@KINDS
def test_killed_by_a_signal_is_no_lost_connection(sshd: SshdFactory, kind: ConnectionKind) -> None:
    server = sshd()
    connection = open_connection(server.target(kind), server.settings())
    output = connection.run("kill -9 $$")
    connection.close()
    if kind == "paramiko":
        assert (output.status, output.cut) == (None, None)
    else:
        assert output.cut is None


def test_status_255_of_a_command_is_its_own(sshd: SshdFactory) -> None:
    server = sshd()
    connection = open_connection(server.target("ssh"), server.settings())
    output = connection.run("exit 255")
    connection.close()
    assert (output.status, output.cut) == (255, None)


@pytest.mark.parametrize("stdin", [b"", b"x" * 50_000_000])
def test_a_network_that_goes_silent(sshd: SshdFactory, stdin: bytes) -> None:
    server = sshd()
    relay = Relay(server.port)
    with raw_server(relay.handle) as port:
        server.known_hosts.write_text(f"127.0.0.1 {server.public}\n")
        settings = server.settings(command_timeout=1.0)
        connection = open_connection(server.target(port=port), settings)
        relay.freeze()
        began = time.monotonic()
        output = connection.run("echo never", stdin)
        assert output.cut is Cut.TIMEOUT
        assert time.monotonic() - began < 60
        connection.close()
        relay.cut()


def test_forty_connections_leave_nothing(sshd: SshdFactory) -> None:
    """The fixture counts descriptors and threads; half of these fail on purpose."""
    server = sshd("MaxStartups 100")
    for number in range(40):
        if number % 2:
            open_connection(server.target(), server.settings()).close()
        else:
            with pytest.raises(ConnectError):
                open_connection(server.target(user="stranger"), server.settings())

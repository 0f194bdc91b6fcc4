"""What a network and a host can do to a connection, against real sockets and sshds."""

from __future__ import annotations

import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import tracemalloc
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from nethygiene.errors import ConnectError
from nethygiene.inventory.target import ConnectionKind, Target
from nethygiene.transcript import Cut
from nethygiene.transport import ConnectSettings, open_connection
from tests.lab.connections.servers import Relay, SshdFactory, free_port, raw_server

KINDS = pytest.mark.parametrize("kind", ["paramiko", "ssh"])
BANNER = b"SSH-2.0-OpenSSH_9.2\r\n"


def fail(
    port: int,
    kind: ConnectionKind = "paramiko",
    *,
    seconds: float = 1.0,
    address: str = "127.0.0.1",
) -> ConnectError:
    """The error for a server that misbehaves; it must come within the deadline."""
    target = Target(name="lab", address=address, port=port, user="root", kind=kind)
    began = time.monotonic()
    with pytest.raises(ConnectError) as caught:
        open_connection(target, ConnectSettings(connect_timeout=seconds))
    assert time.monotonic() - began < seconds + 1.5
    assert "\n" not in f"{caught.value.message}{caught.value.cure}"
    return caught.value


@KINDS
def test_refused(kind: ConnectionKind) -> None:
    error = fail(free_port(), kind)
    assert error.code == "refused"


@KINDS
def test_name_that_does_not_exist(kind: ConnectionKind) -> None:
    # RFC 6761: never resolves. Whether a server is asked at all is the machine's business.
    error = fail(22, kind, address="host.invalid", seconds=5)
    assert error.code in {"name-resolution", "timeout"}


def test_syn_dropped() -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        fillers = []
        for _ in range(4):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(full.getsockname())
            fillers.append(filler)
        time.sleep(0.05)
        error = fail(full.getsockname()[1])
        for filler in fillers:
            filler.close()
    assert error.code == "timeout"
    assert "TCP connection" in error.message


IN_NAMESPACE = """
import sys
from nethygiene.errors import ConnectError
from nethygiene.inventory.target import Target
from nethygiene.transport import ConnectSettings, open_connection
import socket, time
if sys.argv[1] == "dns":
    silent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    silent.bind(("127.0.0.1", 53))
began = time.monotonic()
try:
    open_connection(Target(name="x", address=sys.argv[2], port=22, user="root"),
                    ConnectSettings(connect_timeout=1.0))
except ConnectError as error:
    print(error.code, "|", error.message, "|", time.monotonic() - began < 2)
"""


def in_empty_namespace(tmp_path: Path, what: str, address: str) -> str:
    """Run a connection in a network namespace that has a loopback and nothing else."""
    resolver = tmp_path / "resolv.conf"
    resolver.write_text("nameserver 127.0.0.1\noptions timeout:2 attempts:1\n")
    script = 'ip link set lo up && mount --bind $0 /etc/resolv.conf && exec "$1" -c "$2" "$3" "$4"'
    done = subprocess.run(
        ["unshare", "-n", "-m", "sh", "-c", script, str(resolver), sys.executable, IN_NAMESPACE,
         what, address],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": "src"},
    )  # fmt: skip
    assert done.stderr == ""
    return done.stdout


def test_no_route(tmp_path: Path) -> None:
    answer = in_empty_namespace(tmp_path, "route", "10.0.0.1")
    assert answer.startswith("no-route | 10.0.0.1:22 cannot be reached: Network is unreachable")


def test_dns_that_does_not_answer(tmp_path: Path) -> None:
    answer = in_empty_namespace(tmp_path, "dns", "web-1.example.com")
    assert answer.startswith("timeout | web-1.example.com: no answer within 1 s while waiting for")
    assert "name resolution" in answer
    assert answer.endswith("| True\n")


def hold(connection: socket.socket) -> None:
    while connection.recv(4096):
        pass


def say(data: bytes, then: Callable[[socket.socket], None] = hold) -> Callable[..., None]:
    def handle(connection: socket.socket) -> None:
        connection.sendall(data)
        then(connection)

    return handle


def drip(connection: socket.socket) -> None:
    while True:
        connection.sendall(b"x")
        time.sleep(0.1)


def pour(connection: socket.socket) -> None:
    while True:
        connection.sendall(b"x" * 65536)


def close(connection: socket.socket) -> None:
    connection.shutdown(socket.SHUT_RDWR)


def kill(processes: list[str]) -> None:
    for process in processes:
        os.kill(int(process), signal.SIGKILL)


@KINDS
def test_banner_never_sent(kind: ConnectionKind) -> None:
    with raw_server(hold) as port:
        error = fail(port, kind, seconds=1.2)
    assert error.code == "timeout"
    if kind == "paramiko":
        assert "banner" in error.message


@KINDS
def test_another_protocol(kind: ConnectionKind) -> None:
    with raw_server(say(b"HTTP/1.1 400 Bad Request\r\n\r\n", close)) as port:
        error = fail(port, kind, seconds=3)
    assert error.code in ({"banner"} if kind == "paramiko" else {"banner", "closed"})
    if kind == "paramiko":
        assert "HTTP/1.1 400 Bad Request" in error.message


def test_banner_byte_by_byte() -> None:
    with raw_server(drip) as port:
        assert fail(port).code == "timeout"


def test_banner_without_end_does_not_fill_memory() -> None:
    with raw_server(pour) as port:
        tracemalloc.start()
        error = fail(port, seconds=5)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert error.code == "banner"
    assert peak < 8 * 1024 * 1024


def test_a_packet_of_four_gigabytes_is_not_waited_for() -> None:
    packet = struct.pack(">I", 0xFFFFFFF4)
    with raw_server(say(BANNER + packet + b"\x00" * 60000)) as port:
        error = fail(port, seconds=5)
    assert error.code == "kex"


@pytest.mark.parametrize("size", [0, 1, 5, 64, 4096])
def test_noise_after_the_banner(size: int) -> None:
    with raw_server(say(BANNER + os.urandom(size))) as port:
        assert fail(port).code in {"kex", "timeout"}


@KINDS
def test_silence_after_the_banner(kind: ConnectionKind) -> None:
    with raw_server(say(BANNER)) as port:
        error = fail(port, kind, seconds=1.2)
    assert error.code == "timeout"
    if kind == "paramiko":
        assert "key exchange" in error.message


@KINDS
def test_closed_at_once_is_tried_three_times(kind: ConnectionKind) -> None:
    seen: list[int] = []

    def count(connection: socket.socket) -> None:
        seen.append(1)
        close(connection)

    with raw_server(count) as port:
        error = fail(port, kind, seconds=8)
    assert error.code == "closed"
    assert "MaxStartups" in error.cure
    assert len(seen) == 3


def test_cut_at_every_stage(sshd: SshdFactory) -> None:
    """A connection that ends after any number of bytes is an error, never a hang."""
    server = sshd("MaxStartups 100")
    server.known_hosts.write_text(f"127.0.0.1 {server.public}\n")
    settings = server.settings(connect_timeout=3.0, command_timeout=3.0)

    def outcome(limit: int) -> str:
        relay = Relay(server.port)
        relay.limit = limit
        with raw_server(relay.handle) as port:
            try:
                connection = open_connection(server.target(port=port), settings)
            except ConnectError as error:
                return error.code
            output = connection.run("sleep 0.3; seq 10000")
            connection.close()
            return f"{output.cut}"

    with ThreadPoolExecutor(9) as pool:
        codes = set(pool.map(outcome, (1, 20, 60, 700, 1300, 1600, 1800, 2100, 9000)))
    assert codes <= {"closed", "kex", "timeout"}
    assert "closed" in codes


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
        time.sleep(0.1)
        kill(sessions)

    killer = threading.Thread(target=kill_when_started)
    killer.start()
    output = connection.run(f"echo before; touch {started}; sleep 20")
    killer.join()
    connection.close()
    assert output.cut is Cut.CLOSED
    assert output.status is None
    assert output.stdout == b"before\n"


@KINDS
def test_one_byte_a_second_meets_the_deadline(sshd: SshdFactory, kind: ConnectionKind) -> None:
    server = sshd()
    connection = open_connection(server.target(kind), server.settings(command_timeout=1.0))
    began = time.monotonic()
    output = connection.run("while :; do printf x; sleep 0.2; done")
    elapsed = time.monotonic() - began
    connection.close()
    assert output.cut is Cut.TIMEOUT
    assert set(output.stdout) == set(b"x")
    assert elapsed < 1.8


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
    assert elapsed < 5


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
    connection = open_connection(server.target(kind), server.settings(command_timeout=1.0))
    output = connection.run("echo here; sleep 20", b"x" * 20_000_000)
    connection.close()
    assert (output.stdout, output.cut) == (b"here\n", Cut.TIMEOUT)


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
        assert time.monotonic() - began < 3
        connection.close()
        relay.cut()


def test_clock_that_jumps(sshd: SshdFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    real, shift = time.time, [0.0]
    monkeypatch.setattr(time, "time", lambda: real() + shift[0])
    server = sshd()
    for jump in (86400.0, -86400.0):
        connection = open_connection(server.target(), server.settings())
        threading.Timer(0.1, shift.__setitem__, (0, jump)).start()
        assert connection.run("sleep 0.4; echo done").stdout == b"done\n"
        connection.close()


def test_forty_connections_leave_nothing(sshd: SshdFactory) -> None:
    """The fixture counts descriptors and threads; half of these fail on purpose."""
    server = sshd("MaxStartups 100")
    for number in range(40):
        if number % 2:
            open_connection(server.target(), server.settings()).close()
        else:
            with pytest.raises(ConnectError):
                open_connection(server.target(user="stranger"), server.settings())

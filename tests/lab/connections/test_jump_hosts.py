"""Jump hosts: one connection each for the whole run, verified like any host."""

from __future__ import annotations

import socket
import sys
import threading
import time
from pathlib import Path

import pytest

from nethygiene.errors import ConnectError
from nethygiene.inventory.target import ConnectionKind
from nethygiene.transcript import Cut
from nethygiene.transport import ConnectSettings, close_shared_connections, open_connection
from tests.lab.connections.servers import Keys, Relay, Sshd, SshdFactory, free_port, raw_server

KINDS = pytest.mark.parametrize("kind", ["paramiko", "ssh"])


def settings_for(*servers: Sshd, **changes: object) -> ConnectSettings:
    """Knows all the servers' keys, and has a key that all of them accept."""
    values: dict[str, object] = {
        "known_hosts": tuple(str(server.known_hosts) for server in servers),
        "identity_file": str(servers[0].user_key),
    }
    return servers[0].settings(**{**values, **changes})


def through(*jumps: Sshd) -> tuple[str, str]:
    return "-J", ",".join(f"root@127.0.0.1:{jump.port}" for jump in jumps)


@KINDS
def test_through_two_hops(sshd: SshdFactory, kind: ConnectionKind) -> None:
    first, second, last = sshd(), sshd(), sshd()
    target = last.target(kind, common_args=through(first, second))
    connection = open_connection(target, settings_for(first, second, last))
    assert connection.run("echo there").stdout == b"there\n"
    connection.close()
    assert [server.logged("Accepted publickey") for server in (first, second, last)] == [1, 1, 1]


def test_all_targets_share_one_connection(sshd: SshdFactory) -> None:
    jump, last = sshd(), sshd("MaxStartups 100")
    settings = settings_for(jump, last)
    outputs: list[bytes] = []

    def collect(number: int) -> None:
        connection = open_connection(last.target(common_args=through(jump)), settings)
        outputs.append(connection.run(f"echo {number}").stdout)
        connection.close()

    threads = [threading.Thread(target=collect, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outputs) == sorted(f"{number}\n".encode() for number in range(12))
    assert jump.logged("Accepted publickey") == 1
    assert last.logged("Accepted publickey") == 12


@KINDS
def test_an_unknown_jump_host_is_refused(sshd: SshdFactory, kind: ConnectionKind) -> None:
    jump, last = sshd(), sshd()
    jump.known_hosts.write_text("")
    with pytest.raises(ConnectError) as caught:
        open_connection(last.target(kind, common_args=through(jump)), settings_for(jump, last))
    assert caught.value.code == "unknown-host-key"
    assert "jump host" in caught.value.message
    # Seen was the jump host's key, not the host's.
    assert "SHA256:" in caught.value.message
    assert caught.value.host_key is None
    assert last.logged("Connection from") == 0


def test_a_jump_host_that_is_down_is_named_and_not_hammered(sshd: SshdFactory) -> None:
    last = sshd()
    seen: list[int] = []

    def count(connection: socket.socket) -> None:
        seen.append(1)
        connection.shutdown(socket.SHUT_RDWR)

    with raw_server(count) as port:
        target = last.target(common_args=("-J", f"root@127.0.0.1:{port}"))
        for _ in range(5):
            with pytest.raises(ConnectError, match=r"jump host root@\[127\.0\.0\.1") as caught:
                open_connection(target, settings_for(last))
            assert caught.value.code == "closed"
    assert len(seen) == 3


@KINDS
def test_the_target_behind_it_is_down(sshd: SshdFactory, kind: ConnectionKind) -> None:
    jump, last = sshd(), sshd()
    target = last.target(kind, port=free_port(), common_args=through(jump))
    with pytest.raises(ConnectError) as caught:
        open_connection(target, settings_for(jump, last))
    assert caught.value.code == "refused"
    # The jump host is not to blame and serves the next one.
    open_connection(last.target(kind, common_args=through(jump)), settings_for(jump, last)).close()


def test_forwarding_is_forbidden(sshd: SshdFactory) -> None:
    jump, last = sshd("AllowTcpForwarding no"), sshd()
    with pytest.raises(ConnectError) as caught:
        open_connection(last.target(common_args=through(jump)), settings_for(jump, last))
    assert caught.value.code == "refused"
    assert "AllowTcpForwarding" in caught.value.cure


def test_a_jump_host_that_died_is_opened_again(sshd: SshdFactory) -> None:
    jump, last = sshd(), sshd()
    relay = Relay(jump.port)
    with raw_server(relay.handle) as port:
        jump.known_hosts.write_text(f"127.0.0.1 {jump.public}\n")
        target = last.target(common_args=("-J", f"root@127.0.0.1:{port}"))
        settings = settings_for(jump, last)
        connection = open_connection(target, settings)
        threading.Timer(0.2, relay.cut).start()
        assert connection.run("sleep 300").cut is Cut.CLOSED
        connection.close()
        connection = open_connection(target, settings)
        assert connection.run("echo again").stdout == b"again\n"
        connection.close()
        close_shared_connections()
    assert relay.connections == 2


def test_a_jump_host_that_goes_silent_holds_nobody(sshd: SshdFactory) -> None:
    jump, last = sshd(), sshd()
    relay = Relay(jump.port)
    with raw_server(relay.handle) as port:
        jump.known_hosts.write_text(f"127.0.0.1 {jump.public}\n")
        target = last.target(common_args=("-J", f"root@127.0.0.1:{port}"))
        settings = settings_for(jump, last, connect_timeout=5.0, command_timeout=1.0)
        connection = open_connection(target, settings)
        relay.freeze()
        began = time.monotonic()
        assert connection.run("cat", b"x" * 30_000_000).cut is Cut.TIMEOUT
        with pytest.raises(ConnectError) as caught:
            open_connection(target, settings)
        assert caught.value.code in {"timeout", "closed"}
        connection.close()
        close_shared_connections()
        assert time.monotonic() - began < 60
        relay.cut()


@KINDS
def test_jump_hosts_in_a_circle(tmp_path: Path, sshd: SshdFactory, kind: ConnectionKind) -> None:
    server = sshd()
    config = tmp_path / "config"
    config.write_text("Host a\n  ProxyJump b\nHost b\n  ProxyJump a\n")
    settings = ConnectSettings(ssh_config=str(config), connect_timeout=60)
    with pytest.raises(ConnectError) as caught:
        open_connection(server.target(kind, address="a"), settings)
    assert caught.value.code == "ssh-config"
    assert "ProxyJump" in caught.value.cure


RELAY = """
import socket, sys, threading, os
s = socket.create_connection((sys.argv[1], int(sys.argv[2])))
def up():
    while data := os.read(0, 65536):
        s.sendall(data)
    s.shutdown(socket.SHUT_WR)
threading.Thread(target=up, daemon=True).start()
while data := s.recv(65536):
    os.write(1, data)
"""


@KINDS
def test_proxy_command(sshd: SshdFactory, tmp_path: Path, kind: ConnectionKind) -> None:
    server = sshd()
    script = tmp_path / "relay.py"
    script.write_text(RELAY)
    args = ("-o", f"ProxyCommand={sys.executable} {script} %h %p")
    connection = open_connection(server.target(kind, common_args=args), server.settings())
    assert connection.run("head -c 300000 /dev/zero").stdout == bytes(300000)
    assert connection.address == f"127.0.0.1:{server.port}"
    connection.close()


def test_proxy_command_that_fails_says_why(sshd: SshdFactory) -> None:
    args = ("-o", "ProxyCommand=echo no way through >&2; exit 1")
    server = sshd()
    with pytest.raises(ConnectError, match="no way through") as caught:
        open_connection(server.target(common_args=args), server.settings())
    assert caught.value.code == "closed"


def test_proxy_command_that_says_nothing(sshd: SshdFactory) -> None:
    args = ("-o", "ProxyCommand=sleep 300")
    server = sshd()
    with pytest.raises(ConnectError) as caught:
        open_connection(server.target(common_args=args), server.settings(connect_timeout=1.0))
    assert caught.value.code == "timeout"


def test_jump_key_alone_is_taken_from_ssh_config(
    sshd: SshdFactory, keys: Keys, tmp_path: Path
) -> None:
    other = keys("jump-user")
    jump, last = sshd(authorized=(other,)), sshd()
    config = tmp_path / "config"
    config.write_text(
        f"Host bastion\n  HostName 127.0.0.1\n  Port {jump.port}\n  User root\n"
        f"  IdentityFile {other}\n"
        "Host web\n  HostName 127.0.0.1\n  ProxyJump bastion\n"
    )
    settings = settings_for(jump, last, ssh_config=str(config), identity_file=None)
    open_connection(last.target(address="web"), settings).close()
    assert jump.logged("Accepted publickey") == 1

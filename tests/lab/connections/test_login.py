"""Logging in: keys, agents, ssh_config, and every way of being turned away."""

from __future__ import annotations

import os
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from nethygiene.errors import ConnectError
from nethygiene.inventory.target import ConnectionKind
from nethygiene.transport import ConnectSettings, open_connection, testinfra_host
from tests.lab.connections.servers import Keys, Sshd, SshdFactory

KINDS = pytest.mark.parametrize("kind", ["paramiko", "ssh"])


@pytest.fixture
def agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    path = tmp_path / "agent"
    process = subprocess.Popen(
        ["ssh-agent", "-D", "-a", str(path)], stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL
    )
    while not path.exists():
        assert process.poll() is None
        time.sleep(0.01)
    monkeypatch.setenv("SSH_AUTH_SOCK", str(path))
    yield path
    process.terminate()
    process.wait()


def add_to_agent(path: Path, key: Path, passphrase: str, tmp_path: Path) -> None:
    ask = tmp_path / "ask"
    ask.write_text(f"#!/bin/sh\necho {passphrase}\n")
    ask.chmod(0o700)
    subprocess.run(
        ["ssh-add", str(key)],
        check=True,
        capture_output=True,
        env={**os.environ, "SSH_AUTH_SOCK": str(path), "SSH_ASKPASS": str(ask),
             "SSH_ASKPASS_REQUIRE": "force"},
    )  # fmt: skip


def refusal(server: Sshd, kind: ConnectionKind = "paramiko", **changes: object) -> ConnectError:
    with pytest.raises(ConnectError) as caught:
        open_connection(server.target(kind, **changes), server.settings())
    error = caught.value
    assert "\n" not in error.message
    assert error.cure
    assert "\n" not in error.cure
    return error


@KINDS
def test_logs_in_verifies_and_runs(sshd: SshdFactory, keys: Keys, kind: ConnectionKind) -> None:
    server = sshd()
    connection = open_connection(server.target(kind), server.settings())
    try:
        assert connection.address == f"127.0.0.1:{server.port}"
        assert connection.host_key == keys.fingerprint(server.host_key)
        output = connection.run("/bin/sh -s", b"echo out; echo err >&2; exit 7")
    finally:
        connection.close()
        connection.close()
    assert (output.stdout, output.stderr, output.status, output.cut) == (
        b"out\n", b"err\n", 7, None,
    )  # fmt: skip


@KINDS
def test_one_connection_and_one_exec_for_one_command(
    sshd: SshdFactory, kind: ConnectionKind
) -> None:
    server = sshd()
    connection = open_connection(server.target(kind), server.settings())
    connection.run("/bin/sh -s", b"exit 0")
    connection.close()
    assert server.logged("Accepted publickey") == 1
    assert server.logged("Starting session: command") == 1


def test_many_commands_share_the_paramiko_connection(sshd: SshdFactory) -> None:
    server = sshd()
    connection = open_connection(server.target(), server.settings())
    numbers = [connection.run(f"echo {number}").stdout for number in range(12)]
    connection.close()
    assert numbers == [f"{number}\n".encode() for number in range(12)]
    assert server.logged("Accepted publickey") == 1


@pytest.mark.parametrize("key_type", ["rsa", "ecdsa", "ed25519"])
def test_every_type_of_key(sshd: SshdFactory, keys: Keys, key_type: str) -> None:
    key, host = keys(f"user-{key_type}", key_type), keys(f"host-{key_type}", key_type)
    server = sshd(host_keys=(host,), authorized=(key,))
    connection = open_connection(server.target(identity_file=str(key)), server.settings())
    connection.close()
    assert connection.host_key == keys.fingerprint(host)


@KINDS
def test_wrong_key_is_refused_by_name(sshd: SshdFactory, keys: Keys, kind: ConnectionKind) -> None:
    server = sshd()
    error = refusal(server, kind, identity_file=str(keys("stranger")))
    assert error.code == "authentication"
    if kind == "paramiko":
        assert str(keys("stranger")) in error.message
        assert "root" in error.message


def test_no_key_at_all(sshd: SshdFactory) -> None:
    error = refusal(sshd(), identity_file=None)
    assert error.code == "authentication"
    assert "no key to offer" in error.message


def test_a_named_key_that_does_not_exist(sshd: SshdFactory) -> None:
    error = refusal(sshd(), identity_file="/nowhere/key")
    assert "/nowhere/key: No such file" in error.message


def test_a_file_that_is_no_key(sshd: SshdFactory, tmp_path: Path) -> None:
    (tmp_path / "junk").write_text("-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n")
    error = refusal(sshd(), identity_file=str(tmp_path / "junk"))
    assert f"{tmp_path}/junk is no private key" in error.message


@KINDS
@pytest.mark.parametrize("key_type", ["ed25519", "rsa"])
def test_passphrase_without_agent(
    sshd: SshdFactory, keys: Keys, kind: ConnectionKind, key_type: str
) -> None:
    locked = keys(f"locked-{key_type}", key_type, "secret")
    error = refusal(sshd(authorized=(locked,)), kind, identity_file=str(locked))
    assert error.code == "passphrase"
    assert error.cure.endswith(f"ssh-add {locked}")


@KINDS
def test_passphrase_with_agent(
    sshd: SshdFactory, keys: Keys, kind: ConnectionKind, agent: Path, tmp_path: Path
) -> None:
    locked = keys("locked-ed25519", "ed25519", "secret")
    add_to_agent(agent, locked, "secret", tmp_path)
    server = sshd(authorized=(locked,))
    open_connection(server.target(kind, identity_file=str(locked)), server.settings()).close()
    assert server.logged("Accepted publickey") == 1


@pytest.mark.parametrize("key_type", ["rsa", "ecdsa"])
def test_agent_alone(
    sshd: SshdFactory, keys: Keys, agent: Path, tmp_path: Path, key_type: str
) -> None:
    key = keys(f"user-{key_type}", key_type)
    add_to_agent(agent, key, "", tmp_path)
    server = sshd(authorized=(key,))
    open_connection(server.target(identity_file=None), server.settings()).close()


def test_named_key_comes_before_a_full_agent(
    sshd: SshdFactory, keys: Keys, agent: Path, tmp_path: Path
) -> None:
    for number in range(6):
        add_to_agent(agent, keys(f"other{number}"), "", tmp_path)
    server = sshd("MaxAuthTries 3")
    open_connection(server.target(), server.settings()).close()
    error = refusal(server, identity_file=None)
    assert error.code == "authentication"
    assert "ansible_ssh_private_key_file" in error.cure


def test_identities_only_keeps_the_agent_out(
    sshd: SshdFactory, keys: Keys, agent: Path, tmp_path: Path
) -> None:
    add_to_agent(agent, keys("user"), "", tmp_path)
    server = sshd()
    args = ("-o", "IdentitiesOnly=yes")
    assert refusal(server, identity_file=None, common_args=args).code == "authentication"


def test_an_agent_that_never_answers(
    sshd: SshdFactory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "deaf"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        monkeypatch.setenv("SSH_AUTH_SOCK", str(path))
        server = sshd()
        with pytest.raises(ConnectError) as caught:
            open_connection(server.target(identity_file=None), server.settings(connect_timeout=1.0))
    assert caught.value.code in {"timeout", "authentication"}


def test_an_agent_that_refuses_to_sign(
    sshd: SshdFactory, keys: Keys, agent: Path, tmp_path: Path
) -> None:
    deny = tmp_path / "deny"
    deny.write_text("#!/bin/sh\nexit 1\n")
    deny.chmod(0o700)
    subprocess.run(
        ["ssh-add", "-q", "-c", str(keys("user"))],
        check=True,
        capture_output=True,
        env={**os.environ, "SSH_AUTH_SOCK": str(agent)},
    )
    error = refusal(sshd(), identity_file=None)
    assert error.code == "authentication"
    assert "the agent did not sign" in error.message


def test_server_that_wants_more_than_a_key(sshd: SshdFactory) -> None:
    server = sshd("PasswordAuthentication yes", "AuthenticationMethods publickey,password")
    error = refusal(server)
    assert error.code == "authentication"
    assert "asks for password" in error.message


def test_ssh_config_is_obeyed(sshd: SshdFactory, tmp_path: Path) -> None:
    server = sshd()
    config = tmp_path / "ssh_config"
    config.write_text(
        f"Host alias\n  HostName 127.0.0.1\n  Port {server.port}\n  User root\n"
        f"  IdentityFile {server.user_key}\n  UserKnownHostsFile {server.known_hosts}\n"
    )
    target = server.target(address="alias", port=None, user=None, identity_file=None)
    settings = ConnectSettings(ssh_config=str(config), connect_timeout=60)
    connection = open_connection(target, settings)
    assert connection.address == f"127.0.0.1:{server.port}"
    connection.close()
    by_argument = server.target(
        address="alias", port=None, user=None, identity_file=None, common_args=("-F", str(config))
    )
    open_connection(by_argument, ConnectSettings(connect_timeout=60)).close()


def test_max_sessions_reached_later(sshd: SshdFactory) -> None:
    server = sshd("MaxSessions 1")
    connection = open_connection(server.target(), server.settings())
    assert connection.run("true").status == 0
    assert connection.run("true").status == 0
    connection.close()


def test_max_startups_is_waited_out(sshd: SshdFactory) -> None:
    """Twelve at once where sshd takes two that are not logged in yet: nobody is lost."""
    server = sshd("MaxStartups 3:30:6")
    failed: list[ConnectError] = []

    def log_in() -> None:
        try:
            open_connection(server.target(), server.settings()).close()
        except ConnectError as error:
            failed.append(error)

    threads = [threading.Thread(target=log_in) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed


@KINDS
def test_become_and_testinfra(sshd: SshdFactory, kind: ConnectionKind) -> None:
    server = sshd()
    target = server.target(kind)
    connection = open_connection(target, server.settings())
    host = testinfra_host(connection, target)
    try:
        assert host.file("/etc/passwd").contains("root")
        assert host.run("printf %s", "it's; echo $(id)").stdout == "it's; echo $(id)"
        assert host.check_output("printf '\\303\\251'") == "é"
        assert host.run("printf '\\377'").stdout == "�"
    finally:
        connection.close()

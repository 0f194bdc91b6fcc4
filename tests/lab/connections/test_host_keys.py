"""Whose key is trusted: known_hosts against a real sshd, and against OpenSSH's own verdict."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from nethygiene.errors import ConnectError
from nethygiene.inventory.target import ConnectionKind
from nethygiene.transport import open_connection
from tests.lab.connections.servers import Keys, Sshd, SshdFactory

KINDS = pytest.mark.parametrize("kind", ["paramiko", "ssh"])


def verdict(server: Sshd, kind: ConnectionKind = "paramiko", **changes: object) -> str:
    """``ok``, or the code of the error; the host's key must then be in it."""
    try:
        open_connection(server.target(kind, **changes), server.settings()).close()
    except ConnectError as error:
        shown = error.host_key is None or error.host_key in str(error)
        return error.code if shown else "fingerprint not shown"
    return "ok"


def known(server: Sshd, *lines: str) -> None:
    server.known_hosts.write_text("".join(f"{line}\n" for line in lines))


@KINDS
def test_unknown_is_refused_and_nothing_is_written(
    sshd: SshdFactory, keys: Keys, kind: ConnectionKind
) -> None:
    server = sshd()
    known(server)
    with pytest.raises(ConnectError) as caught:
        open_connection(server.target(kind), server.settings())
    assert caught.value.code == "unknown-host-key"
    assert caught.value.host_key == keys.fingerprint(server.host_key)
    assert caught.value.host_key in caught.value.message
    assert "ssh-keyscan" not in str(caught.value)
    assert server.known_hosts.read_text() == ""


@KINDS
@pytest.mark.parametrize("strict", ["no", "accept-new"])
def test_ssh_config_may_accept_new_ones_but_never_writes(
    sshd: SshdFactory, kind: ConnectionKind, strict: str
) -> None:
    server = sshd()
    known(server)
    args = ("-o", f"StrictHostKeyChecking={strict}")
    assert verdict(server, kind, common_args=args) == "ok"
    assert server.known_hosts.read_text() == ""
    assert not Path("~/.ssh/known_hosts").expanduser().exists()


@KINDS
def test_changed(sshd: SshdFactory, keys: Keys, kind: ConnectionKind) -> None:
    server = sshd()
    known(server, f"[127.0.0.1]:{server.port} {keys.public(keys('other'))}")
    assert verdict(server, kind) == "changed-host-key"
    args = ("-o", "StrictHostKeyChecking=accept-new")
    assert verdict(server, kind, common_args=args) == "changed-host-key"


def test_a_certificate_authority_needs_the_other_connection(sshd: SshdFactory, keys: Keys) -> None:
    host, authority = keys("certified"), keys("authority")
    options = ["-I", "lab", "-h", "-n", "127.0.0.1"]
    subprocess.run(
        ["ssh-keygen", "-q", "-s", str(authority), *options, f"{host}.pub"],
        check=True,
        capture_output=True,
    )
    server = sshd(f"HostCertificate {host}-cert.pub", host_keys=(host,))
    known(server, f"@cert-authority * {keys.public(authority)}")
    with pytest.raises(ConnectError) as caught:
        open_connection(server.target(), server.settings())
    assert caught.value.code == "host-key-ca"
    assert "ansible_connection: ssh" in caught.value.cure
    assert verdict(server, "ssh") == "ok"


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("[127.0.0.1]:{port}", "ok"),
        ("127.0.0.1", "ok"),
        ("127.0.0.?", "ok"),
        ("[127.0.0.*]:{port}", "ok"),
        ("*", "ok"),
        ("!127.0.0.1,127.0.0.*", "unknown-host-key"),
        ("[127.0.0.1]:1", "unknown-host-key"),
        ("127.0.0.2", "unknown-host-key"),
        ("#127.0.0.1", "unknown-host-key"),
    ],
)
def test_patterns_are_judged_as_openssh_does(
    sshd: SshdFactory, pattern: str, expected: str
) -> None:
    server = sshd()
    known(server, "broken line", f"{pattern.format(port=server.port)} {server.public} comment")
    assert verdict(server) == expected
    assert verdict(server, "ssh") == expected


@KINDS
def test_hashed(sshd: SshdFactory, kind: ConnectionKind) -> None:
    server = sshd()
    subprocess.run(
        ["ssh-keygen", "-q", "-H", "-f", str(server.known_hosts)], check=True, capture_output=True
    )
    assert server.known_hosts.read_text().startswith("|1|")
    assert verdict(server, kind) == "ok"


def test_a_changed_key_under_the_bare_name_is_unknown_on_another_port(
    sshd: SshdFactory, keys: Keys
) -> None:
    server = sshd()
    known(server, f"127.0.0.1 {keys.public(keys('other'))}")
    assert verdict(server) == "unknown-host-key"
    assert verdict(server, "ssh") == "unknown-host-key"


@KINDS
def test_the_known_type_is_asked_for(sshd: SshdFactory, keys: Keys, kind: ConnectionKind) -> None:
    rsa = keys("host-rsa", "rsa")
    server = sshd(host_keys=(keys("host"), rsa))
    known(server, f"[127.0.0.1]:{server.port} {keys.public(rsa)}")
    assert verdict(server, kind) == "ok"


def test_a_stale_line_of_another_type_does_no_harm(sshd: SshdFactory, keys: Keys) -> None:
    server = sshd()
    name = f"[127.0.0.1]:{server.port}"
    stale = keys("stale-rsa", "rsa")
    known(server, f"{name} {keys.public(stale)}", f"{name} {server.public}")
    assert verdict(server) == "ok"


@KINDS
def test_host_key_alias(sshd: SshdFactory, kind: ConnectionKind) -> None:
    server = sshd()
    known(server, f"web-1 {server.public}")
    assert verdict(server, kind) == "unknown-host-key"
    assert verdict(server, kind, common_args=("-o", "HostKeyAlias=WEB-1")) == "ok"


@KINDS
def test_pinned_fingerprints_decide_alone(
    sshd: SshdFactory, keys: Keys, kind: ConnectionKind
) -> None:
    server = sshd()
    right, wrong = keys.fingerprint(server.host_key), keys.fingerprint(keys("other"))
    known(server)
    assert verdict(server, kind, host_keys=(wrong, right)) == "ok"
    known(server, f"[127.0.0.1]:{server.port} {server.public}")
    assert verdict(server, kind, host_keys=(wrong,)) in {"changed-host-key", "unknown-host-key"}


def test_pinned_key_of_another_type_is_asked_for(sshd: SshdFactory, keys: Keys) -> None:
    rsa = keys("host-rsa", "rsa")
    server = sshd(host_keys=(keys("host"), rsa))
    known(server)
    connection = open_connection(
        server.target(host_keys=(keys.fingerprint(rsa),)), server.settings()
    )
    connection.close()
    assert connection.host_key == keys.fingerprint(rsa)


def test_several_files_and_one_that_cannot_be_read(
    sshd: SshdFactory, keys: Keys, tmp_path: Path
) -> None:
    server = sshd()
    other = tmp_path / "more"
    other.write_text(f"elsewhere {keys.public(keys('other'))}\n")
    settings = server.settings(known_hosts=(str(other), str(server.known_hosts)))
    open_connection(server.target(), settings).close()
    settings = server.settings(known_hosts=(str(other), "/nowhere/known_hosts"))
    with pytest.raises(ConnectError, match="/nowhere/known_hosts"):
        open_connection(server.target(), settings)


@KINDS
def test_a_key_that_is_known_of_another_name_says_where(
    sshd: SshdFactory, kind: ConnectionKind
) -> None:
    server = sshd()
    known(server, f"web-1,web-1.example.com {server.public}")
    with pytest.raises(ConnectError) as plain:
        open_connection(server.target(kind), server.settings())
    assert f"as web-1,web-1.example.com at {server.known_hosts}:1" in plain.value.message
    assert "HostKeyAlias=web-1 " in plain.value.cure
    subprocess.run(
        ["ssh-keygen", "-q", "-H", "-f", str(server.known_hosts)], check=True, capture_output=True
    )
    with pytest.raises(ConnectError) as hashed:
        open_connection(server.target(kind), server.settings())
    assert f"as a hashed name at {server.known_hosts}:1" in hashed.value.message

"""ssh_config by OpenSSH's own client and by paramiko's parser."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from nethygiene.errors import ConnectError
from nethygiene.transport.deadline import Deadline
from nethygiene.transport.ssh_config import jumps, resolve, split_hop
from nethygiene.transport.ssh_options import SshOptions, SshQuery

needs_client = pytest.mark.skipif(shutil.which("ssh") is None, reason="no ssh on PATH")
Ask = Callable[..., SshOptions]


@pytest.fixture(params=[pytest.param("client", marks=needs_client), "paramiko"])
def ask(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Resolves a destination under a configuration, by either parser."""
    if request.param == "paramiko":
        monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("SSH_AUTH_SOCK", "/run/agent")

    def resolved(config: str, destination: str = "web", **changes: object) -> SshOptions:
        path = tmp_path / "config"
        path.write_text(config)
        query = SshQuery(destination, config=str(path), **changes)  # type: ignore[arg-type]
        return resolve(query, Deadline.after(60))

    return resolved


def test_defaults(ask: Ask) -> None:
    options = ask("", "Web.Example.COM", user="audit")
    assert options.hostname.lower() == "web.example.com"
    assert (options.port, options.user, options.strict) == (22, "audit", "yes")
    assert options.known_hosts[0].endswith("/.ssh/known_hosts")
    assert "/etc/ssh/ssh_known_hosts" in options.known_hosts
    assert any(path.endswith("/.ssh/id_ed25519") for path in options.identity_files)
    assert options.identity_agent == "/run/agent"
    assert options.proxy_jump == ()
    assert options.proxy_command is None


def test_everything_that_is_honoured(ask: Ask) -> None:
    options = ask(
        "Host web\n HostName 10.0.0.1\n Port 2200\n User audit\n HostKeyAlias web-1\n"
        " UserKnownHostsFile /k/a /k/b\n GlobalKnownHostsFile /k/g\n StrictHostKeyChecking no\n"
        " IdentityFile ~/key\n IdentityFile /keys/%h-%r-%p\n IdentitiesOnly yes\n"
        " IdentityAgent /run/other\n ConnectTimeout 7\n AddressFamily inet\n"
        " BindAddress 127.0.0.2\n ProxyCommand nc -X 5 %h %p\n CertificateFile /keys/c\n"
    )
    assert (options.hostname, options.port, options.user) == ("10.0.0.1", 2200, "audit")
    assert options.host_key_alias == "web-1"
    assert options.known_hosts == ("/k/a", "/k/b", "/k/g")
    assert options.strict == "no"
    assert options.identity_files == (str(Path("~/key").expanduser()), "/keys/10.0.0.1-audit-2200")
    assert options.identities_only
    assert options.identity_agent == "/run/other"
    assert options.connect_timeout == 7
    assert (options.address_family, options.bind_address) == ("inet", "127.0.0.2")
    assert options.proxy_command == "nc -X 5 10.0.0.1 2200"
    assert options.certificate_files == ("/keys/c",)


def test_the_inventory_wins_over_the_file(ask: Ask) -> None:
    options = ask("Host *\n Port 1\n User other\n", port=2, user="mine", arguments=("-o", "Port=3"))
    assert (options.port, options.user) == (2, "mine")


def test_arguments_win_over_the_file(ask: Ask) -> None:
    arguments = ("-o", "StrictHostKeyChecking=accept-new", "-J", "a@hop:2222,last")
    options = ask("Host *\n StrictHostKeyChecking yes\n ProxyJump none\n", arguments=arguments)
    assert options.strict == "accept-new"
    assert len(options.proxy_jump) == 2
    assert split_hop(options.proxy_jump[0]) == ("a", "hop", 2222)


@pytest.mark.parametrize(
    "line",
    ["RevokedHostKeys /krl", "KnownHostsCommand /bin/x", "BindInterface lo", "ProxyUseFdpass yes"],
)
def test_what_cannot_be_honoured_is_an_error(ask: Ask, line: str) -> None:
    with pytest.raises(ConnectError) as caught:
        ask(f"Host *\n {line}\n")
    assert caught.value.code == "ssh-config"
    assert line.split(maxsplit=1)[0].lower() in caught.value.message
    assert caught.value.cure == "set ansible_connection: ssh for this host"


@pytest.mark.parametrize("text", ["Host *\n Port what\n"])
def test_a_broken_file(ask: Ask, text: str) -> None:
    with pytest.raises(ConnectError) as caught:
        ask(text)
    assert caught.value.code == "ssh-config"


def test_a_file_that_is_missing(ask: Ask, tmp_path: Path) -> None:
    ask("")
    with pytest.raises(ConnectError) as caught:
        resolve(SshQuery("web", config=str(tmp_path / "none")), Deadline.after(60))
    assert caught.value.code == "ssh-config"
    assert "none" in caught.value.message


@pytest.mark.parametrize(
    "name", ["-oProxyCommand=x", "a b", "$(id)", "a;b", "", "a\nb", "a'b", "`x`", "a|b"]
)
def test_a_name_that_no_host_can_have(name: str) -> None:
    with pytest.raises(ConnectError) as caught:
        resolve(SshQuery(name), Deadline.after(60))
    assert caught.value.code == "name-resolution"
    assert "\n" not in caught.value.message


def test_include_and_match_need_the_client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    for text in ("Match exec true\n Port 1\n", f"Include {tmp_path}/c*\n"):
        (tmp_path / "config").write_text(text)
        with pytest.raises(ConnectError, match="without OpenSSH's client"):
            resolve(SshQuery("web", config=str(tmp_path / "config")), Deadline.after(60))


@needs_client
def test_a_client_that_hangs_meets_the_deadline(tmp_path: Path) -> None:
    (tmp_path / "config").write_text('Match exec "sleep 300"\n Port 1\n')
    with pytest.raises(ConnectError) as caught:
        resolve(SshQuery("web", config=str(tmp_path / "config")), Deadline.after(0.3))
    assert caught.value.code == "timeout"


def test_jump_hosts_have_their_own_configuration(ask: Ask) -> None:
    options = ask(
        "Host web\n ProxyJump b\nHost b\n HostName 10.0.0.2\n ProxyJump ops@a:2222\n"
        "Host a\n HostName 10.0.0.1\n"
    )
    found = jumps(options, (), Deadline.after(60), for_client=False)
    assert [(o.hostname, o.port) for _, o in found] == [("10.0.0.2", 22), ("10.0.0.1", 2222)]
    assert found[1][1].user == "ops"


def test_jump_hosts_in_a_circle(ask: Ask) -> None:
    options = ask("Host web\n ProxyJump b\nHost b\n ProxyJump web\n")
    with pytest.raises(ConnectError, match="circle"):
        jumps(options, (), Deadline.after(60), for_client=False)


@pytest.mark.parametrize(
    ("hop", "parts"),
    [
        ("h", (None, "h", None)),
        ("u@h:22", ("u", "h", 22)),
        ("[::1]:22", (None, "::1", 22)),
        ("ssh://u@h:1/", ("u", "h", 1)),
    ],
)
def test_hops(hop: str, parts: tuple[str | None, str, int | None]) -> None:
    assert split_hop(hop) == parts

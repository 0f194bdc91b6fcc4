"""The files, logs and arguments of ssh."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Literal

from nethygiene import known_hosts
from nethygiene.errors import ConnectError
from nethygiene.inventory.forward import parse_forward
from nethygiene.subjects.tunnels.invocation import parse_destination, parse_invocation
from nethygiene.subjects.tunnels.ssh_config import parse_ssh_config, seconds
from nethygiene.transport.openssh_log import read_log
from nethygiene.transport.ssh_config_file import parse as parse_client_config
from nethygiene.transport.ssh_options import SshQuery, expand
from tests.fuzz.listing_targets import sections_of
from tests.fuzz.target import Target, scratch, text_of

_CLIENT_WORDS = (
    b"debug1: Connecting to a [1.2.3.4] port 22",
    b"debug1: Server host key: x SHA256:",
)
_CONFIG_WORDS = tuple(b"Match |Include |ProxyCommand |Host |exec |%h|%%|${HOME}".split(b"|"))
_KNOWN_WORDS = tuple(b"@revoked ;@cert-authority ;|1|;*?!,;ssh-ed25519 ".split(b";"))
_FORWARDS = (b"127.0.0.1:19922:localhost:22", b"[::1]:1:[::1]:2")
_COMMANDS = (b"ssh\n-N\n-L\n1:a:2\n-o\nBatchMode=yes\nuser@host", b"ssh\nssh://u@h:22")
_CONFIG = b"Host *.example\n  Port 22\n  ProxyJump a,b\n"


def read_ssh_config(data: bytes) -> None:
    """What ``ssh -G`` printed, on the host and here."""
    lines = data.decode("utf-8", "surrogateescape").split("\n")
    config = parse_ssh_config(lines)
    if config is not None:
        for values in config.values.values():
            for value in values:
                seconds(value)
    answer: dict[str, tuple[str, ...]] = {}
    for line in lines:
        keyword, _, value = line.partition(" ")
        answer[keyword] = (*answer.get(keyword, ())[:5], value)
    with contextlib.suppress(ConnectError):
        expand(SshQuery("host"), answer)


def read_client_config(data: bytes) -> None:
    """An ssh_config file, where there is no OpenSSH to read it."""
    path = scratch() / "ssh_config"
    path.write_bytes(data)
    with contextlib.suppress(ConnectError):
        parse_client_config(SshQuery("host.example", config=str(path)))


def read_known_hosts(data: bytes) -> None:
    """A known_hosts file."""
    lines, bad = known_hosts.parse(data.decode("utf-8", "surrogateescape"), "known_hosts")
    assert len(lines) + len(bad) <= data.count(b"\n") + 1
    found = known_hosts.KnownHosts(tuple(lines))
    for name, port in (("a" * 200, None), ("host", 2222), ("10.0.0.1", 22)):
        found.judge(name, port, b"\0\0\0\x0bssh-ed25519")


def read_client_log(data: bytes) -> None:
    """The log of OpenSSH's client, part of which is the server's words."""
    read_log(text_of(data))


def read_invocation(data: bytes) -> None:
    """A command line of ssh that a host told of."""
    words = data.decode("utf-8", "surrogateescape").split("\n")
    parse_invocation(words)
    for word in words:
        parse_destination(word)


def read_forward(data: bytes) -> None:
    """A forward of ssh."""
    sides: tuple[Literal["local", "remote"], ...] = ("local", "remote")
    for side in sides:
        with contextlib.suppress(ValueError):
            parse_forward(text_of(data), side)


def _known_hosts_seeds() -> Iterable[bytes]:
    key = b"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
    yield b"host,10.0.0.1 " + key + b"\n[host]:2222 " + key + b"\n"
    yield b"@revoked * " + key + b"\n@cert-authority *.example,!a.example " + key
    yield b"|1|AAAAAAAAAAAAAAAAAAAAAAAAAAA=|AAAAAAAAAAAAAAAAAAAAAAAAAAA= " + key


def ssh_targets() -> Mapping[str, Target]:
    """The readers of what ssh writes and reads."""
    asked = partial(sections_of, "tunnel_config:to-cloud")
    return {
        "ssh-config": Target(read_ssh_config, asked),
        "ssh-config-file": Target(read_client_config, lambda: [_CONFIG], _CONFIG_WORDS),
        "known-hosts": Target(read_known_hosts, _known_hosts_seeds, _KNOWN_WORDS),
        "client-log": Target(read_client_log, list, _CLIENT_WORDS),
        "invocation": Target(read_invocation, lambda: _COMMANDS),
        "forward": Target(read_forward, lambda: _FORWARDS),
    }

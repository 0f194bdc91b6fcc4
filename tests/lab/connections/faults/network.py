"""Faults of the way to a host, up to the first line of its sshd."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable

from tests.lab.connections.faults.fault import Fault, Said
from tests.lab.connections.faults.stage import SOON, Stage
from tests.lab.inventory import Variables

SILENT_NAME = "silent.example.com"
UNKNOWN_NAME = "nowhere.example.com"
"""What the lab's name server never answers, and what it says not to know."""


def refused(stage: Stage) -> Variables:
    host = stage.host()
    host.sshd.stop()
    return stage.at(host)


def no_route(_: Stage) -> Variables:
    # TEST-NET-2: the lab's network has no route there, nor any at all beyond its own.
    return {"ansible_host": "198.51.100.1", "ansible_user": "root"}


def rejected(stage: Stage) -> Variables:
    return _filtered(stage, "reject with icmp type host-unreachable")


def syn_dropped(stage: Stage) -> Variables:
    return {**_filtered(stage, "drop"), "ansible_ssh_common_args": SOON}


def _filtered(stage: Stage, verdict: str) -> Variables:
    host = stage.host()
    host.run("nft", "add table inet filter")
    host.run("nft", "add chain inet filter input { type filter hook input priority 0; }")
    host.run("nft", f"add rule inet filter input tcp dport 22 {verdict}")
    return stage.at(host)


def name(text: str) -> Callable[[Stage], Variables]:
    def stages(_: Stage) -> Variables:
        return {"ansible_host": text, "ansible_user": "root", "ansible_ssh_common_args": SOON}

    return stages


def hold(connection: socket.socket) -> None:
    """Read until the far end has enough, and say nothing."""
    while connection.recv(4096):
        pass


def drip(connection: socket.socket) -> None:
    """Answer one byte a second."""
    while True:
        connection.sendall(b"x")
        time.sleep(1)


def pour(connection: socket.socket) -> None:
    """A first line without an end."""
    while True:
        connection.sendall(b"x" * 65536)


def close(connection: socket.socket) -> None:
    """Hang up, as sshd does that has MaxStartups."""
    connection.shutdown(socket.SHUT_RDWR)


def says(data: bytes, then: Callable[[socket.socket], None] = hold) -> Callable[..., None]:
    """Say this, then do that."""

    def handle(connection: socket.socket) -> None:
        connection.sendall(data)
        then(connection)

    return handle


def answers(
    handle: Callable[[socket.socket], None], **more: object
) -> Callable[[Stage], Variables]:
    return lambda stage: stage.server(handle, **more)


def soon(handle: Callable[[socket.socket], None]) -> Callable[[Stage], Variables]:
    return answers(handle, ansible_ssh_common_args=SOON)


BANNER = b"SSH-2.0-OpenSSH_9.2\r\n"
HTTP = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"

SILENCE = "see whether the host is up and a firewall drops packets, or raise --connect-timeout"
START = "start sshd there, or correct ansible_host and ansible_port"
ROUTE = "see to the route to it (ip route get), and that a firewall does not reject"
NAME = "correct ansible_host, or the name service of this machine"
LISTENS = "correct ansible_port, or see what listens there"
BUSY = "raise its MaxStartups, or lower --forks"


def both(code: str, cause: str, cure: str, ssh: str | None = None) -> tuple[Said, Said]:
    """What both say, with the cause in OpenSSH's own words where they differ."""
    return Said(code, cause, cure), Said(code, ssh or cause, cure)


FAULTS = (
    Fault(
        "refused",
        refused,
        *both("refused", "refused the connection", START, "Connection refused"),
        hops=True,
        behind=Said("refused", "Connection refused", "see that the host is up"),
    ),
    Fault("no-route", no_route, *both("no-route", "Network is unreachable", ROUTE)),
    Fault("rejected-by-firewall", rejected, *both("no-route", "No route to host", ROUTE)),
    Fault(
        "syn-dropped",
        syn_dropped,
        *both("timeout", "within 6 s while waiting for the TCP connection", SILENCE),
    ),
    Fault(
        "dns-silent",
        name(SILENT_NAME),
        *both("timeout", "within 6 s while waiting for name resolution", SILENCE),
    ),
    Fault(
        "dns-unknown-name",
        name(UNKNOWN_NAME),
        *both(
            "name-resolution",
            f"{UNKNOWN_NAME!r} cannot be resolved",
            NAME,
            f"Could not resolve hostname {UNKNOWN_NAME}",
        ),
    ),
    Fault(
        "banner-never-sent",
        soon(hold),
        *both("timeout", "within 6 s while waiting for the SSH banner", SILENCE),
    ),
    Fault(
        "banner-byte-by-byte",
        soon(drip),
        *both("timeout", "within 6 s while waiting for the SSH banner", SILENCE),
    ),
    Fault(
        "banner-of-another-protocol",
        answers(says(HTTP, close)),
        *both("banner", "HTTP/1.1 400 Bad Request", LISTENS),
    ),
    Fault(
        "banner-without-end",
        answers(pour),
        *both("banner", "its first line is b'xxxx", LISTENS, "banner line too long"),
    ),
    Fault(
        "banner-then-silence",
        soon(says(BANNER)),
        *both("timeout", "within 6 s while waiting for the key exchange", SILENCE),
    ),
    Fault(
        "closed-at-once",
        answers(close),
        *both("closed", "closed the connection before it said that it speaks SSH", BUSY),
    ),
)

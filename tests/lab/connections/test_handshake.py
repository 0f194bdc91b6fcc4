"""What a server may do before the login, and how little of it we stand for; by the way in itself.

What users are told of it is in the table of faults.
"""

from __future__ import annotations

import os
import socket
import struct
import time
import tracemalloc

import pytest

from nethygiene.errors import ConnectError
from nethygiene.inventory.target import ConnectionKind, Target
from nethygiene.transport import ConnectSettings, open_connection
from tests.lab.connections.faults.network import BANNER, close, hold, pour, says
from tests.lab.connections.servers import raw_server

KINDS = pytest.mark.parametrize("kind", ["paramiko", "ssh"])


def fail(port: int, kind: ConnectionKind = "paramiko", *, seconds: float = 1.0) -> ConnectError:
    """The error for a server that misbehaves; it must come within the deadline."""
    target = Target(name="lab", address="127.0.0.1", port=port, user="root", kind=kind)
    began = time.monotonic()
    with pytest.raises(ConnectError) as caught:
        open_connection(target, ConnectSettings(connect_timeout=seconds))
    assert time.monotonic() - began < seconds + 30
    assert "\n" not in f"{caught.value.message}{caught.value.cure}"
    return caught.value


@KINDS
def test_banner_never_sent(kind: ConnectionKind) -> None:
    with raw_server(hold) as port:
        error = fail(port, kind, seconds=5)
    assert error.code == "timeout"
    assert "the SSH banner" in error.message


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
    with raw_server(says(BANNER + packet + b"\x00" * 60000)) as port:
        error = fail(port, seconds=5)
    assert error.code == "kex"


@pytest.mark.parametrize("size", [0, 1, 5, 64, 4096])
def test_noise_after_the_banner(size: int) -> None:
    with raw_server(says(BANNER + os.urandom(size))) as port:
        assert fail(port).code in {"kex", "timeout"}


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

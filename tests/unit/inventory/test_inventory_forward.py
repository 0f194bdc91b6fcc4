"""Forwards in ssh's syntax."""

from __future__ import annotations

from typing import Literal

import pytest

from nethygiene.inventory.forward import Forward, parse_forward


@pytest.mark.parametrize(
    ("side", "text", "expected"),
    [
        ("local", "8080:db:80", Forward("", None, 8080, "db", 80)),
        ("local", "127.0.0.1:1:localhost:22", Forward("", "127.0.0.1", 1, "localhost", 22)),
        ("local", ":1:h:2", Forward("", "*", 1, "h", 2)),
        ("local", "*:1:h:2", Forward("", "*", 1, "h", 2)),
        ("local", "[::1]:1:[2001:db8::1]:2", Forward("", "::1", 1, "2001:db8::1", 2)),
        ("local", "1:/run/x.sock", Forward("", None, 1, host_socket="/run/x.sock")),
        ("local", "lo:1:/run/x", Forward("", "lo", 1, host_socket="/run/x")),
        ("local", "/run/a:h:2", Forward("", host="h", host_port=2, listen_socket="/run/a")),
        ("local", "/a:/b", Forward("", listen_socket="/a", host_socket="/b")),
        ("remote", "8080", Forward("", None, 8080)),
        ("remote", "0:h:2", Forward("", None, 0, "h", 2)),
        ("remote", "10.0.0.1:8080", Forward("", "10.0.0.1", 8080)),
        ("remote", "8080:h:80", Forward("", None, 8080, "h", 80)),
    ],
)
def test_forwards(side: Literal["local", "remote"], text: str, expected: Forward) -> None:
    found = parse_forward(text, side)
    assert str(found) == text
    assert found == Forward(
        text,
        expected.bind_address,
        expected.port,
        expected.host,
        expected.host_port,
        expected.listen_socket,
        expected.host_socket,
    )


@pytest.mark.parametrize(
    "text",
    ["", ":", "8080", "8080:h", "8080:h:", "x:h:1", "0:h:1", "1:h:0", "1:h:65536", "1:2:3:4:5",
     "1:::1:2", "1:-x:2", "1:a b:2", "[::1:1:h:2", "::1:1:h:2", "1:h:٣", "/a:1:h:2", "1:h;x:2",
     "[]x:1:h:2", "1:[h]:2]"],
)  # fmt: skip
def test_bad_local_forwards(text: str) -> None:
    with pytest.raises(ValueError):
        parse_forward(text, "local")


@pytest.mark.parametrize("text", ["", "65536", "a:b", "1:h:0", "a:b:c:d:e"])
def test_bad_remote_forwards(text: str) -> None:
    with pytest.raises(ValueError):
        parse_forward(text, "remote")

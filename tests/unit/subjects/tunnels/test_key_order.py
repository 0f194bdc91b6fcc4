"""Which key ssh asks for first; the lab's ssh is asked in tests/lab/test_tunnels.py."""

from __future__ import annotations

import pytest

from nethygiene.subjects.tunnels.key_order import asked_before, follows_known_hosts

DEFAULT = (
    "ssh-ed25519-cert-v01@openssh.com,rsa-sha2-512-cert-v01@openssh.com,ssh-ed25519,"
    "ecdsa-sha2-nistp256,sk-ssh-ed25519@openssh.com,rsa-sha2-512,rsa-sha2-256"
)


@pytest.mark.parametrize(
    ("algorithms", "known", "ahead"),
    [
        (DEFAULT, {"ssh-rsa"}, ("ssh-ed25519", "ecdsa-sha2-nistp256")),
        (DEFAULT, {"ssh-ed25519"}, ()),
        (DEFAULT, {"ssh-ed25519", "ssh-rsa"}, ()),
        ("rsa-sha2-512,ssh-ed25519", {"ssh-rsa"}, ()),
        ("sk-ssh-ed25519@openssh.com,ssh-ed25519", {"ssh-ed25519"}, ()),
        ("rsa-sha2-512,rsa-sha2-256,ssh-ed25519", {"ssh-ed25519"}, ("ssh-rsa",)),
        ("ssh-ed25519", {"ssh-rsa"}, ()),
        ("", {"ssh-rsa"}, ()),
    ],
)
def test_types_that_stand_ahead(algorithms: str, known: set[str], ahead: tuple[str, ...]) -> None:
    assert asked_before(algorithms, known) == ahead


@pytest.mark.parametrize(
    ("effective", "settings", "version", "follows"),
    [
        (DEFAULT, [], (9, 2), True),
        (DEFAULT, [], None, True),
        (DEFAULT + ",ssh-rsa", ["+ssh-rsa"], (9, 2), True),
        (DEFAULT + ",ssh-rsa", ["+ssh-rsa"], (8, 2), True),
        (DEFAULT + ",ssh-rsa", ["+ssh-rsa"], (8, 1), False),
        (DEFAULT + ",ssh-rsa", ["+ssh-rsa"], None, False),
        ("ssh-ed25519,rsa-sha2-512", ["ssh-ed25519,rsa-sha2-512"], (9, 2), False),
        ("ssh-ed25519", ["ssh-*"], (9, 2), False),
        # What ssh comes to is longer than the line lists: that one is for other hosts.
        (DEFAULT, ["ssh-ed25519,rsa-sha2-512"], (9, 2), True),
        (DEFAULT, [DEFAULT], (9, 2), False),
        ("ssh-ed25519," + DEFAULT, ["^ssh-ed25519"], (9, 2), False),
        (DEFAULT, ["^ssh-ed25519"], (9, 2), True),
        ("ssh-ed25519," + DEFAULT, ["+ssh-rsa", "^ssh-ed25519"], (9, 2), False),
    ],
)
def test_whether_known_types_come_first(
    effective: str, settings: list[str], version: tuple[int, int] | None, follows: bool
) -> None:
    assert follows_known_hosts(effective, settings, version) is follows

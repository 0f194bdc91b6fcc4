"""The errors of both SSH connections for a way that ends before the login."""

from __future__ import annotations

from nethygiene.errors import ConnectError

BUSY = ("Exceeded MaxStartups", "Not allowed at this time")
"""What sshd writes instead of its version when it is busy (MaxStartups, a source's penalty): the
one refusal that goes away by itself."""

_SHOWN = 80
# A part of what a jump host's sshd says of a destination that it cannot reach, and the code.
_NOT_FORWARDED = (
    ("refused", "refused"),
    ("no route", "no-route"),
    ("unreachable", "no-route"),
    ("timed out", "timeout"),
    ("not known", "name-resolution"),
    ("resol", "name-resolution"),
)


def closed(where: str, when: str, words: str, *, proxy: bool = False) -> ConnectError:
    """The error for a server that ended the connection, with its words if it had any.

    `proxy`: the words are a ProxyCommand's.
    """
    said = f" ({words})" if words else ""
    cure = "see the host's sshd log; raise its MaxStartups, or lower --forks"
    if proxy:
        said = f": its ProxyCommand said {words!r}"
        cure = "run the ProxyCommand of ssh_config by hand, and see why it ends"
    return ConnectError("closed", f"{where} closed the connection {when}{said}", cure)


def not_ssh(where: str, first_line: bytes) -> ConnectError:
    """The error for a server of another protocol, with its first line."""
    return ConnectError(
        "banner",
        f"{where} does not speak SSH: its first line is {first_line[:_SHOWN]!r}",
        "correct ansible_port, or see what listens there",
    )


def not_forwarded(jump: str, where: str, words: str) -> ConnectError:
    """The error for a jump host that did not connect to the next hop; `words` are its sshd's."""
    if "prohibited" in words:
        return ConnectError(
            "refused",
            f"{jump} may not forward to {where}: {words}",
            "allow it there: AllowTcpForwarding, PermitOpen",
        )
    code = next((code for text, code in _NOT_FORWARDED if text in words.lower()), "refused")
    return ConnectError(
        code,
        f"{jump} cannot connect to {where}: {words}",
        "see that the host is up and that the jump host may reach it",
    )

"""Parses what OpenSSH's client logs at level DEBUG1.

Source: the messages of ssh.c, sshconnect.c, sshconnect2.c, kex.c and packet.c, 7.x to 10.x.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from nethygiene.transport.dial import place

# ssh's messages about its own end, which never say why it ends.
_EPILOGUE = ("Authenticated", "Transferred: sent", "Bytes per second", "Killed by signal")


class Phase(StrEnum):
    """What an ssh process was waiting for when its log ends."""

    RESOLUTION = "name resolution"
    TCP = "the TCP connection"
    BANNER = "the SSH banner"
    KEX = "the key exchange"
    AUTHENTICATION = "authentication"
    SHELL = "a shell after the login"


@dataclass(frozen=True, slots=True)
class ClientLog:
    """The log of one ssh process.

    Attributes:
        phase: what it was waiting for at its end.
        host_key: fingerprint of the key that the server showed, None before that.
        address: what it connected to, None behind a proxy.
        preamble: the server's first line, if that is no SSH banner.
        accepted_key: the last key that the server would have accepted, None without one.
        exited: the remote command's status arrived.
        errors: ssh's own messages, without the debugging ones.
    """

    phase: Phase
    host_key: str | None
    address: str | None
    preamble: str | None
    accepted_key: str | None
    exited: bool
    errors: str

    @property
    def authenticated(self) -> bool:
        """Whether the login succeeded."""
        return self.phase is Phase.SHELL


def read_log(text: str) -> ClientLog:
    """Parse a log."""
    key = re.search(r"^debug1: Server host key: \S+ (SHA256:\S+)", text, re.MULTILINE)
    connects = re.findall(r"^debug1: Connecting to \S+ \[([^]]+)\] port (\d+)", text, re.MULTILINE)
    heard = re.search(r"^debug1: \S+_identification: banner line 0: (.*)$", text, re.MULTILINE)
    accepted = re.findall(r"^debug1: Server accepts key: (.+?) \S+ SHA256:", text, re.MULTILINE)
    errors = [line.strip() for line in text.splitlines() if not line.startswith("debug1:")]
    return ClientLog(
        phase=_phase(text, host_key=key is not None),
        host_key=key[1] if key else None,
        address=place(connects[-1][0], int(connects[-1][1])) if connects else None,
        preamble=heard[1].strip() if heard else None,
        accepted_key=accepted[-1] if accepted else None,
        exited="rtype exit-s" in text,
        errors="\n".join(line for line in errors if line and not line.startswith(_EPILOGUE)),
    )


def _phase(text: str, *, host_key: bool) -> Phase:
    if "\nAuthenticated to " in text:
        return Phase.SHELL
    if host_key:
        return Phase.AUTHENTICATION
    if "debug1: Remote protocol version" in text:
        return Phase.KEX
    if "debug1: Connection established" in text or "debug1: Executing proxy command" in text:
        return Phase.BANNER
    return Phase.TCP if "debug1: Connecting to " in text else Phase.RESOLUTION

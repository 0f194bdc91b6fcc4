"""The errors on our side of a connection, as one tree.

::

    NethygieneError
    ├── UsageError          something the user wrote: exit status 4, never a traceback
    │   ├── InventoryError  an inventory, all of its errors at once
    │   └── EvidenceError   an evidence file
    └── ConnectError        a host that could not be reached: its host-reachable fails

A fact that a *host* does not give raises nothing of this tree: it is
:class:`nethygiene.engine.outcomes.Unreadable`, a value.
"""

from __future__ import annotations

from dataclasses import dataclass


class NethygieneError(Exception):
    """Base of all errors that this package raises on purpose."""


class UsageError(NethygieneError):
    """Something in the command line or a file of the user's is wrong."""


class EvidenceError(UsageError):
    """An evidence file that cannot be read or trusted."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong in an inventory.

    Attributes:
        file: the file, as the user would name it.
        line: 1-based, or None where the file has no lines (a directory, an executable's output).
        path: the keys that lead there, as ``all.children.web.vars.nethygiene.services``.
        message: the error, with the offending value.
        fix: the cure, as an instruction.
    """

    file: str
    line: int | None
    path: str
    message: str
    fix: str

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        where = f" at {self.path}" if self.path else ""
        return f"{place}: {self.message}{where}\n    fix: {self.fix}"


class InventoryError(UsageError):
    """An inventory that cannot be used, with all of its problems."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        super().__init__("\n".join(str(problem) for problem in problems))


class ConnectError(NethygieneError):
    """A connection that could not be made, or not be trusted.

    Attributes:
        code: a short stable word, such as ``refused``, ``timeout``, ``unknown-host-key``,
            ``changed-host-key``, ``authentication``, ``no-route``, ``name-resolution``.
        message: one line naming the cause.
        cure: one line naming what to do about it.
        host_key: SHA256 fingerprint of the key that was offered, where one was seen.
    """

    def __init__(self, code: str, message: str, cure: str, host_key: str | None = None) -> None:
        self.code = code
        self.message = message
        self.cure = cure
        self.host_key = host_key
        super().__init__(f"{message} ({cure})" if cure else message)

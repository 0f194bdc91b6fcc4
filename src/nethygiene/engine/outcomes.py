"""The five outcomes of a check, and the codes that say why it is unknown or not applicable."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from pydantic import Field


class Outcome(StrEnum):
    """The outcome of a rule for one host and item."""

    PASSED = "passed"
    FAILED = "failed"
    UNKNOWN = "unknown"
    NOT_APPLICABLE = "not-applicable"
    WAIVED = "waived"


class Severity(StrEnum):
    """How much a failure matters, from least to most."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """0 for low to 3 for critical: `--fail-on` compares these."""
        return list(Severity).index(self)


class Kind(StrEnum):
    """What a rule looks at: a setting, a state at one moment, or a rate over the window."""

    SETTING = "setting"
    STATE = "state"
    RATE = "rate"


class Reason(StrEnum):
    """Why a result is unknown or not applicable; stable codes of the results file."""

    UNREACHABLE = "unreachable"
    PERMISSION = "permission"
    TOOL_MISSING = "tool-missing"
    COMMAND_FAILED = "command-failed"
    TIMEOUT = "timeout"
    CUT_OFF = "cut-off"
    UNPARSABLE = "unparsable"
    ABSENT = "absent"
    NOT_COLLECTED = "not-collected"
    UNDECIDABLE = "undecidable"
    NOTHING_CHECKED = "nothing-checked"
    NO_SECOND_SAMPLE = "no-second-sample"
    RULE_CRASHED = "rule-crashed"
    FROM_EVIDENCE = "from-evidence"
    INTERRUPTED = "interrupted"
    NOT_DECLARED = "not-declared"
    NOT_THIS_KERNEL = "not-this-kernel"
    NOT_THIS_HOST = "not-this-host"
    POLICY_ANY = "policy-any"


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A fact that is unreadable, and why; reading it makes a rule unknown.

    Attributes:
        reason: the code.
        source: the command or file that was asked, as ``ss -lntm``.
        detail: one line in the host's or parser's words.
    """

    reason: Reason
    source: str
    detail: str

    def __str__(self) -> str:
        return f"{self.source}: {self.detail}" if self.source else self.detail


@dataclass(frozen=True, slots=True)
class Observation:
    """One thing that was looked at.

    Attributes:
        what: its name, as ``net.core.somaxconn``.
        source: the file or command that it was read from; empty for a declared value.
        expected: the expectation in words, None where it was only read.
        actual: the value.
        host: the host where it was looked at, in a rule over several hosts: its expectations in
            their order are the way of a connection. None for the judged host itself.
    """

    what: str
    source: Annotated[str, Field(description="file or command that it was read from")]
    expected: Annotated[str | None, Field(description="null where it was only read")]
    actual: str
    host: Annotated[
        str | None,
        Field(
            description="where it was looked at, on the way of a connection; absent elsewhere",
            exclude_if=lambda host: host is None,
        ),
    ] = None

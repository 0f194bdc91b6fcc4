"""The results of a run: the models of the results file, which are all that reports see.

The JSON Schema of the file is generated from these models and ships with the package.
"""

from __future__ import annotations

import hashlib
import inspect
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from nethygiene.engine.outcomes import Kind, Observation, Outcome, Reason, Severity


def storable(text: str) -> str:
    r"""The text with escapes, as ``\udcff``, for bytes that are not UTF-8.

    Paths and arguments may hold such bytes. Python keeps them as lone surrogates, which no JSON in
    UTF-8 can hold.
    """
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


class _Record(BaseModel):
    # Readers ignore unknown keys, so that a file of a later version can still be read.
    model_config = ConfigDict(frozen=True, extra="ignore")

    @model_validator(mode="before")
    @classmethod
    def _storable(cls, values: object) -> object:
        if isinstance(values, dict):
            for name, value in values.items():
                if isinstance(value, str):
                    values[name] = storable(value)
        return values


class ToolRecord(_Record):
    """The program that made the run."""

    name: str = "nethygiene"
    version: str


class PlaceRecord(_Record):
    """A line of a file of the inventory."""

    file: str
    line: int | None = Field(None, description="counted from 1; null in JSON")


class HostRecord(_Record):
    """One host of the run."""

    name: str
    address: str = Field(description="what was connected to")
    groups: tuple[str, ...] = ()
    declared_at: PlaceRecord | None = Field(
        None, description="where the inventory declares it; null where evidence alone names it"
    )
    os: str = Field("", description="PRETTY_NAME of os-release, empty if not known")
    kernel: str = Field("", description="kernel release, empty if not known")
    boot_id: str = Field("", description="id of the boot, empty if not known")
    uptime: float | None = Field(None, description="seconds since boot, null if not known")
    privileged: bool = Field(False, description="root, or become was asked for and sudo obeyed")
    reachable: bool
    error: str | None = Field(None, description="why its facts were not all collected")
    collected_at: str = Field("", description="RFC 3339, UTC")
    collect_seconds: float = Field(0.0, description="the round trip, connection included")


class GroupRecord(_Record):
    """A group of the inventory that was judged as one."""

    name: str = Field(description="`all` stands for all hosts of the run")
    members: tuple[str, ...] = Field(description="its hosts that are part of the run")
    left_out: tuple[str, ...] = Field((), description="its hosts that --limit left out")


class RuleRecord(_Record):
    """One rule of the run, with its documentation."""

    id: str
    version: int
    title: str
    severity: Severity
    kind: Kind
    incidents: tuple[str, ...]
    why: str
    remedy: str
    references: tuple[str, ...]


class WaiverRecord(_Record):
    """The waiver that covers a result."""

    name: str
    until: str = Field(description="last day that it holds, UTC")
    owner: str
    reason: str

    @property
    def terms(self) -> str:
        """Its end, its owner and its reason, for people."""
        return f"until {self.until} by {self.owner}: {self.reason}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One verdict. (rule, host or group, item) is its identity.

    It is a plain class with slots, not a model: a fleet has hundreds of thousands of results.
    """

    rule: str
    host: Annotated[str | None, Field(description="null for a result of a group")] = None
    group: Annotated[str | None, Field(description="null for a result of a host")] = None
    item: str | None = None
    fingerprint: Annotated[
        str, Field(description="hash of the identity, stable across runs and versions")
    ]
    outcome: Outcome
    reason: Annotated[Reason | None, Field(description="why it is unknown or not applicable")] = (
        None
    )
    severity: Severity
    message: str
    remedy: Annotated[
        str,
        Field(description="the remedy of this failure; if it is empty, the rule's remedy holds"),
    ] = ""
    waiver: WaiverRecord | None = None
    observations: tuple[Observation, ...] = ()

    @property
    def where(self) -> str:
        """The host or the group for people: ``web-1``, ``group web``."""
        return f"group {self.group}" if self.host is None else self.host


class Summary(_Record):
    """The numbers of results by outcome."""

    passed: int = 0
    failed: int = 0
    unknown: int = 0
    not_applicable: int = Field(0, alias="not-applicable")
    waived: int = 0


class Run(_Record):
    """The results file."""

    schema_: Literal[2] = Field(2, alias="schema")
    tool: ToolRecord
    run_id: str
    labels: dict[str, str] = Field(default_factory=dict)
    started: str
    finished: str
    inventory: str
    policy_sha256: str
    window: float
    hosts: tuple[HostRecord, ...]
    groups: tuple[GroupRecord, ...] = Field((), description="those that a rule judged as one")
    rules: tuple[RuleRecord, ...]
    results: tuple[Result, ...]
    summary: Summary
    exit_status: int
    cut_short: str | None = Field(
        None, description="why not all that was selected was judged; null where all was"
    )


def fingerprint(rule: str, host: str | None, item: str | None, *, group: str | None = None) -> str:
    """Hash of a result's identity: 16 hexadecimal digits, stable across runs and versions."""
    # No name holds NUL, and no host's name is empty. None differs from an empty item.
    place = host if host is not None else f"\0{group}"
    identity = "\0".join([rule, place] if item is None else [rule, place, item])
    return hashlib.sha256(identity.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def summarize(results: tuple[Result, ...]) -> Summary:
    """Count the results by outcome."""
    counts = {outcome.value: 0 for outcome in Outcome}
    for result in results:
        counts[result.outcome] += 1
    return Summary.model_validate(counts)


def results_json_schema() -> dict[str, object]:
    """JSON Schema (2020-12) of the results file."""
    schema = Run.model_json_schema(by_alias=True, mode="serialization")
    for kind in (Observation, Result):
        # Older versions of pydantic leave out what a plain class says of itself.
        definition = schema["$defs"][kind.__name__]
        told = {"description": inspect.cleandoc(kind.__doc__ or "")}
        schema["$defs"][kind.__name__] = told | definition
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "nethygiene results file",
        **{key: value for key, value in schema.items() if key != "title"},
    }

"""The lines of evidence files: the header of a run, and the transcript of each host."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, PlainValidator

from nethygiene.transcript import Cut, HostFailure, Section, Transcript


def _from_base64(value: object) -> bytes:
    if not isinstance(value, str):
        raise ValueError("not a string in base64")  # noqa: TRY004 - pydantic reports ValueError
    try:
        return base64.b64decode(value, validate=True)
    except binascii.Error as error:
        raise ValueError(f"not base64: {error}") from None


_Bytes = Annotated[
    bytes,
    PlainValidator(_from_base64),
    PlainSerializer(lambda data: base64.b64encode(data).decode("ascii"), return_type=str),
]


class EvidenceLine(BaseModel):
    """A line of an evidence file."""

    # Readers ignore unknown keys: evidence outlives the version that wrote it.
    # NaN compares with nothing, and would be written as null.
    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)


class EvidenceHeader(EvidenceLine):
    """The first line: which run this was; `redacted` has pseudonyms for addresses and names."""

    evidence: Literal[1] = 1
    tool: str
    run_id: str
    window: float
    inventory_sha256: str
    hosts: int | None = Field(None, ge=0)  # so many lines follow, unless the run was cut short
    redacted: bool = False

    def unnamed(self) -> Self:
        """The header of the run's redacted evidence, without the hash that shows the inventory."""
        return self.model_copy(update={"inventory_sha256": "", "redacted": True})


class _Section(EvidenceLine):
    stdout: _Bytes
    stderr: _Bytes = b""
    status: int | None
    cut: Cut | None = None


class _Failure(EvidenceLine):
    code: str
    message: str
    cure: str


class EvidenceHost(EvidenceLine):
    """One host's line. `policy` and `groups` are the resolved ones of the run that wrote it."""

    host: str
    address: str
    groups: tuple[str, ...] = ()
    group_sizes: dict[str, int] = Field(default_factory=dict)  # hosts of each in the inventory
    group_policies: dict[str, dict[str, Any]] = Field(default_factory=dict)  # as one, by group
    collected_at: str
    sent: float | None = None  # by the clock of the machine that audited, in seconds since 1970
    received: float | None = None
    seconds: float
    window: float
    boot_id: str = ""
    uptime: float | None = None
    policy: dict[str, Any] = Field(default_factory=dict)
    privileged: bool
    host_key: str | None
    probes: dict[str, int]
    sections: dict[str, _Section]
    failure: _Failure | None = None

    @classmethod
    def of(
        cls,
        transcript: Transcript,
        *,
        groups: tuple[str, ...],
        group_sizes: Mapping[str, int] | None = None,
        group_policies: Mapping[str, dict[str, Any]] | None = None,
        policy: Mapping[str, Any],
        boot_id: str,
        uptime: float | None,
    ) -> Self:
        """The line for a transcript."""
        failure = transcript.failure
        return cls(
            host=transcript.host,
            address=transcript.address,
            groups=groups,
            group_sizes=dict(group_sizes or {}),
            group_policies=dict(group_policies or {}),
            collected_at=transcript.collected_at,
            sent=transcript.sent,
            received=transcript.received,
            seconds=round(transcript.seconds, 3),
            window=transcript.window,
            boot_id=boot_id,
            uptime=uptime,
            policy=dict(policy),
            privileged=transcript.privileged,
            host_key=transcript.host_key,
            probes=dict(transcript.probes),
            # model_construct: the bytes are ours, not base64 that must be checked.
            sections={
                name: _Section.model_construct(
                    stdout=section.stdout,
                    stderr=section.stderr,
                    status=section.status,
                    cut=section.cut,
                )
                for name, section in transcript.sections.items()
            },
            failure=_Failure(code=failure.code, message=failure.message, cure=failure.cure)
            if failure
            else None,
        )

    def transcript(self) -> Transcript:
        """The transcript that the line holds."""
        failure = self.failure
        return Transcript(
            host=self.host,
            address=self.address,
            collected_at=self.collected_at,
            sent=self.sent,
            received=self.received,
            seconds=self.seconds,
            window=self.window,
            privileged=self.privileged,
            host_key=self.host_key,
            probes=self.probes,
            sections={
                name: Section(section.stdout, section.stderr, section.status, section.cut)
                for name, section in self.sections.items()
            },
            failure=HostFailure(failure.code, failure.message, failure.cure) if failure else None,
        )

"""Evidence files: transcripts kept as JSON Lines, to be judged again without any connection.

The first line is a header, each further line a host. Sections are base64, byte for byte.
Reading trusts nothing: an evidence file comes from elsewhere.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import json
import os
import re
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, PlainValidator, ValidationError

from nethygiene.errors import EvidenceError
from nethygiene.transcript import Cut, HostFailure, Section, Transcript

VERSION = 1
# A host's streams are capped at 68 MiB together, of which base64 makes 91.
_LONGEST_LINE = 128 * 1024 * 1024
_HALF_CHARACTER = re.compile(rb"\\u[dD][89a-fA-F]")


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


class _Line(BaseModel):
    # Readers ignore unknown keys: evidence outlives the version that wrote it.
    # NaN compares with nothing, and would be written as null.
    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)


class EvidenceHeader(_Line):
    """The first line: which run this was; `redacted` has pseudonyms for addresses and names."""

    evidence: Literal[1] = 1
    tool: str
    run_id: str
    window: float
    inventory_sha256: str
    hosts: int | None = Field(None, ge=0)  # so many lines follow, unless the run was cut short
    redacted: bool = False

    def unnamed(self) -> Self:
        """The header of the same run's redacted evidence: the inventory's hash would tell it."""
        return self.model_copy(update={"inventory_sha256": "", "redacted": True})


class _Section(_Line):
    stdout: _Bytes
    stderr: _Bytes = b""
    status: int | None
    cut: Cut | None = None


class _Failure(_Line):
    code: str
    message: str
    cure: str


class EvidenceHost(_Line):
    """One host's line. `policy` and `groups` are the resolved ones of the run that wrote it."""

    host: str
    address: str
    groups: tuple[str, ...] = ()
    collected_at: str
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
            collected_at=transcript.collected_at,
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
                    stdout=one.stdout, stderr=one.stderr, status=one.status, cut=one.cut
                )
                for name, one in transcript.sections.items()
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
            seconds=self.seconds,
            window=self.window,
            privileged=self.privileged,
            host_key=self.host_key,
            probes=self.probes,
            sections={
                name: Section(one.stdout, one.stderr, one.status, one.cut)
                for name, one in self.sections.items()
            },
            failure=HostFailure(failure.code, failure.message, failure.cure) if failure else None,
        )


class EvidenceWriter:
    """Writes an evidence file, host by host as they finish; readable by its owner alone."""

    def __init__(self, path: Path, header: EvidenceHeader) -> None:
        """Open the file anew and write the header.

        Raises:
            EvidenceError: the file cannot be written.
        """
        self._path = path
        self._whole = 0  # bytes of whole lines
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = _open_for_owner(path)
        except OSError as error:
            raise self._cannot_write(error) from None
        try:
            self._write(header)
        except EvidenceError:
            self.close()
            raise

    def add(self, host: EvidenceHost) -> None:
        """Append a host's line.

        Raises:
            EvidenceError: the file cannot be written to its end.
        """
        self._write(host)

    def _write(self, line: _Line) -> None:
        text = (line.model_dump_json() + "\n").encode()
        rest = memoryview(text)
        try:
            while rest:
                rest = rest[self._file.write(rest) :]
        except OSError as error:
            raise self._cannot_write(error) from None
        else:
            self._whole += len(text)
        finally:
            if rest:
                # No line half-written: the hosts before it can still be judged.
                with contextlib.suppress(OSError):
                    self._file.truncate(self._whole)

    def _cannot_write(self, error: OSError) -> EvidenceError:
        return EvidenceError(f"--evidence={self._path}: cannot be written: {error.strerror}")

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def _open_for_owner(path: Path) -> FileIO:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    file = FileIO(descriptor, "w")
    try:
        # An older file keeps its mode when it is opened: set it. But not that of /dev/null.
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.fchmod(descriptor, 0o600)
    except OSError:
        file.close()
        raise
    return file


@dataclass(frozen=True, slots=True)
class EvidenceLine:
    """A host's line, and where it stands: by number for people, by offset to read it again."""

    number: int
    offset: int
    host: EvidenceHost


def read_evidence(path: Path) -> tuple[EvidenceHeader, Iterator[EvidenceHost]]:
    """Read an evidence file: its header at once, its hosts as they are asked for.

    Raises:
        EvidenceError: the file cannot be read or is not what it should be; names the line. It
            may come while the hosts are read.
    """
    header, lines = read_lines(path)
    return header, (line.host for line in lines)


def read_lines(path: Path) -> tuple[EvidenceHeader, Iterator[EvidenceLine]]:
    """The same with each host's place in the file.

    Raises:
        EvidenceError: as :func:`read_evidence`.
    """
    lines = _numbered_lines(path)
    try:
        number, _, first = next(lines)
    except StopIteration:
        raise EvidenceError(f"{path}: is empty, not an evidence file") from None
    try:
        header = EvidenceHeader.model_validate(_json(path, number, first))
    except ValidationError as error:
        raise EvidenceError(
            f"{path}:1: not the header of an evidence file of version {VERSION}: {_first(error)}"
        ) from None
    return header, _hosts(path, lines)


def read_again(path: Path, line: EvidenceLine) -> EvidenceHost:
    """Read one host's line once more, by its place.

    Raises:
        EvidenceError: the file cannot be read, or no longer holds that host there.
    """
    try:
        with path.open("rb") as file:
            file.seek(line.offset)
            text = file.readline(_LONGEST_LINE + 1)
    except OSError as error:
        raise EvidenceError(f"{path}: cannot be read: {error.strerror}") from None
    host = _host(path, line.number, text)
    if host.host != line.host.host:
        raise EvidenceError(f"{path}:{line.number}: the file has changed since this run began")
    return host


def _hosts(path: Path, lines: Iterator[tuple[int, int, bytes]]) -> Iterator[EvidenceLine]:
    seen: set[str] = set()
    for number, offset, text in lines:
        host = _host(path, number, text)
        if host.host in seen:
            raise EvidenceError(f"{path}:{number}: a second line for host {host.host!r}")
        seen.add(host.host)
        yield EvidenceLine(number, offset, host)


def _host(path: Path, number: int, text: bytes) -> EvidenceHost:
    try:
        return EvidenceHost.model_validate(_json(path, number, text))
    except ValidationError as error:
        raise EvidenceError(f"{path}:{number}: not a host's line: {_first(error)}") from None


def _numbered_lines(path: Path) -> Iterator[tuple[int, int, bytes]]:
    """Number, offset and text of each line that is not empty."""
    offset = 0
    try:
        with path.open("rb") as file:
            lines = iter(lambda: file.readline(_LONGEST_LINE + 1), b"")
            for number, line in enumerate(lines, 1):
                if len(line) > _LONGEST_LINE:
                    raise EvidenceError(
                        f"{path}:{number}: the line is longer than {_LONGEST_LINE >> 20} MiB: "
                        "no run writes such a line"
                    )
                if line.strip():
                    yield number, offset, line
                offset += len(line)
    except OSError as error:
        raise EvidenceError(f"{path}: cannot be read: {error.strerror}") from None


def _json(path: Path, number: int, line: bytes) -> object:
    try:
        parsed: object = json.loads(line)
        if _HALF_CHARACTER.search(line):
            # Half a character could be judged, but never be written into a report.
            json.dumps(parsed, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        whole = line.endswith(b"\n")
        cut = "the line is cut off: the run was interrupted? delete it to judge the others"
        cut = "" if whole else f" ({cut})"
        if number == 1 and not line.startswith(b"{"):
            cut = ": name a file that --evidence wrote"
        raise EvidenceError(f"{path}:{number}: not JSON: {error}{cut}") from None
    return parsed


def _first(error: ValidationError) -> str:
    one = error.errors()[0]
    where = ".".join(str(part) for part in one["loc"])
    return f"{where}: {one['msg']}" if where else str(one["msg"])

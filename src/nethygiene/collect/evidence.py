"""Evidence files: transcripts kept as JSON Lines, to be judged again without any connection.

The first line is a header, each further line a host. Sections are base64, byte for byte.
Reading trusts nothing: an evidence file comes from elsewhere.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import Self

from pydantic import ValidationError

from nethygiene.collect.evidence_lines import EvidenceHeader, EvidenceHost, EvidenceLine
from nethygiene.errors import EvidenceError

VERSION = 1
# A host's streams are capped at 68 MiB together, of which base64 makes 91.
_LONGEST_LINE = 128 * 1024 * 1024
_HALF_CHARACTER = re.compile(rb"\\u[dD][89a-fA-F]")


class EvidenceWriter:
    """Writes an evidence file, host by host as they finish; readable by its owner alone."""

    def __init__(self, path: Path, header: EvidenceHeader) -> None:
        """Open the file, empty it and write the header.

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
            self.add(header)
        except EvidenceError:
            self.close()
            raise

    def add(self, line: EvidenceLine) -> None:
        """Append a line.

        Raises:
            EvidenceError: the file cannot be written to its end.
        """
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
                # Cut off the half-written line: the hosts before it can still be judged.
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
        # A file that exists keeps its mode when it is opened. /dev/null keeps it in any case.
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.fchmod(descriptor, 0o600)
    except OSError:
        file.close()
        raise
    return file


@dataclass(frozen=True, slots=True)
class LinePlace:
    """The place of a host's line: its number for people, and its offset to read it again."""

    number: int
    offset: int


def read_evidence(path: Path) -> tuple[EvidenceHeader, Iterator[EvidenceHost]]:
    """Read an evidence file: its header at once, its hosts as they are asked for.

    Raises:
        EvidenceError: the file cannot be read or is not what it should be; names the line. It
            may come while the hosts are read.
    """
    header, lines = read_lines(path)
    return header, (host for _, host in lines)


def read_lines(path: Path) -> tuple[EvidenceHeader, Iterator[tuple[LinePlace, EvidenceHost]]]:
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


def read_again(path: Path, place: LinePlace, name: str) -> EvidenceHost:
    """Read the line of the host `name` once more.

    Raises:
        EvidenceError: the file cannot be read, or no longer holds that host there.
    """
    try:
        with path.open("rb") as file:
            file.seek(place.offset)
            text = file.readline(_LONGEST_LINE + 1)
    except OSError as error:
        raise EvidenceError(f"{path}: cannot be read: {error.strerror}") from None
    host = _host(path, place.number, text)
    if host.host != name:
        raise EvidenceError(f"{path}:{place.number}: the file has changed since this run began")
    return host


def _hosts(
    path: Path, lines: Iterator[tuple[int, int, bytes]]
) -> Iterator[tuple[LinePlace, EvidenceHost]]:
    seen: set[str] = set()
    for number, offset, text in lines:
        host = _host(path, number, text)
        if host.host in seen:
            raise EvidenceError(f"{path}:{number}: a second line for host {host.host!r}")
        seen.add(host.host)
        yield LinePlace(number, offset), host


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
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    return f"{where}: {first['msg']}" if where else str(first["msg"])

"""Cutting what a host answered into sections, by the run's boundary."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass, field

from nethygiene.transcript import Cut, Section

# A script writes far fewer marks: a host that sees the script could write them without end.
_MOST_MARKS = 100_000
_LONGEST_MARK = 65_536


@dataclass(slots=True)
class _Frame:
    """What one stream held between the begin and end marks of a section."""

    body: bytes
    statuses: tuple[bytes, ...] | None  # None: the end mark is missing


@dataclass(frozen=True, slots=True)
class Framed:
    """The sections of one answer.

    Attributes:
        sections: name to section, in the order in which they were run.
        complete: the script came to its end.
    """

    sections: dict[str, Section] = field(default_factory=dict)
    complete: bool = False


def cut_into_sections(
    stdout: bytes,
    stderr: bytes,
    boundary: str,
    cut: Cut | None,
    asked: Container[str] | None = None,
) -> Framed:
    """Cut both streams of an answer into sections.

    Text before the first mark, such as a shell's greeting, belongs to no section.

    Args:
        stdout: all that came on standard output.
        stderr: all that came on standard error, with the same marks.
        boundary: the boundary of the script that was sent.
        cut: why the answer ended early; a section without an end was cut for that reason.
        asked: names of the sections that the script holds; others are dropped, as a host that sees
            the script could make them up by the million. None takes all.
    """
    out, complete = _frames(stdout, boundary, asked)
    err, _ = _frames(stderr, boundary, asked)
    sections: dict[str, Section] = {}
    for name, frame in out.items():
        complaints = err.get(name, _Frame(b"", None))
        status, section_cut = _ending(frame, complaints, cut)
        said = complaints.body + (_NO_HEAD if _lacks_head(frame) else b"")
        sections[name] = Section(frame.body, said, status, section_cut)
    return Framed(sections, complete)


def _ending(frame: _Frame, complaints: _Frame, cut: Cut | None) -> tuple[int | None, Cut | None]:
    # Lost complaints count as well: "permission denied" unheard would read as "no such file".
    if frame.statuses is None or complaints.statuses is None:
        return None, cut or Cut.CLOSED
    if len(frame.statuses) == 1 and frame.statuses[0].isdigit() and len(frame.statuses[0]) <= 3:
        return int(frame.statuses[0]), None
    if _lacks_head(frame):
        return 127, None
    # "head 1": the output was lost on its way, whatever the command's own status.
    return None, Cut.CLOSED


_NO_HEAD = b"\nhead: not found\n"


def _lacks_head(frame: _Frame) -> bool:
    """Whether the output was lost for want of head(1), which the host does not have."""
    statuses = frame.statuses or ()
    return (b"head", b"127") in {statuses[:2], statuses[-2:]}


def _frames(
    stream: bytes, boundary: str, asked: Container[str] | None
) -> tuple[dict[str, _Frame], bool]:
    frames: dict[str, _Frame] = {}
    complete = False
    # The line break before a mark belongs to the mark: a command's own last line may lack one.
    parts = stream.split(f"\n{boundary} ".encode(), _MOST_MARKS)
    for part in parts[1:]:
        mark, ended, body = part.partition(b"\n")
        if not ended or len(mark) > _LONGEST_MARK:
            break  # the answer was cut off within the mark: "end ss 1" may have been 127
        words = mark.split()
        if words[:1] == [b"begin"] and len(words) == 2:
            # Only a host that plays tricks sends a section twice: the first one stands.
            name = words[1].decode("ascii", "replace")
            if asked is None or name in asked:
                frames.setdefault(name, _Frame(body, None))
        elif words[:1] == [b"end"] and len(words) >= 2:
            frame = frames.get(words[1].decode("ascii", "replace"))
            if frame is not None and frame.statuses is None:
                frame.statuses = tuple(words[2:])
        elif words == [b"done"]:
            complete = True
    return frames, complete

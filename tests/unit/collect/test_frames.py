"""Cutting an answer into sections, whatever the host does to it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nethygiene.collect.command import Command
from nethygiene.collect.frames import Framed, cut_into_sections
from nethygiene.collect.script import new_boundary
from nethygiene.transcript import Cut, Section
from tests.unit.collect.shells import run

B = "nethygiene-0123456789abcdef0123456789abcdef"


def marks(*parts: tuple[str, bytes, int | str]) -> bytes:
    """One stream of an answer, as the script writes it."""
    text = b"".join(
        b"\n%s begin %s\n%s\n%s end %s %s\n"
        % (B.encode(), name.encode(), body, B.encode(), name.encode(), str(status).encode())
        for name, body, status in parts
    )
    return text + f"\n{B} done\n".encode()


def cut(stdout: bytes, stderr: bytes | None = None, why: Cut | None = None) -> Framed:
    if stderr is None:
        # Without complaints, standard error holds the same marks around nothing.
        names = re.findall(rf"\n{B} end (\S+) ([^\n]+)\n".encode(), stdout)
        stderr = marks(*((name.decode(), b"", status.decode()) for name, status in names))
    return cut_into_sections(stdout, stderr, B, why)


BODIES = st.binary(max_size=60) | st.sampled_from(
    [
        b"",
        b"\n",
        b"\n\n",
        f"{B} end one 0\n".encode(),  # not at the start of a line
        f"\n{B}".encode(),
        f"\n{B}x end one 0\n".encode(),
        b"\nnethygiene-ffffffffffffffffffffffffffffffff end one 0\n",
    ]
)


@given(BODIES.filter(lambda body: f"\n{B} ".encode() not in body), BODIES)
def test_any_bytes_come_back_as_they_were(one: bytes, complaint: bytes) -> None:
    if f"\n{B} ".encode() in b"\n" + complaint or f"\n{B} ".encode() in b"\n" + one:
        return  # what only the script can write
    framed = cut(
        marks(("one", one, 0), ("two", b"2\n", 3)),
        marks(("one", complaint, 0), ("two", b"", 3)),
    )
    assert framed.complete
    assert framed.sections == {"one": Section(one, complaint), "two": Section(b"2\n", b"", 3)}


@given(st.binary(max_size=400), st.binary(max_size=100), st.sampled_from([None, *Cut]))
def test_noise_is_no_section(stdout: bytes, stderr: bytes, why: Cut | None) -> None:
    framed = cut_into_sections(stdout, stderr, new_boundary(), why)
    assert framed == Framed()


@given(st.lists(st.sampled_from(
    [f"\n{B} begin one\n", f"\n{B} end one 0\n", f"\n{B} end one 1\n", f"\n{B} begin two\n",
     f"\n{B} end two 0\n", f"\n{B} done\n", f"\n{B} ", "text\n", f"\n{B} end one\n",
     f"\n{B} end one head 1 0\n", f"\n{B} begin one x\n", f"\n{B} end\n", "\n"]
)))  # fmt: skip
def test_marks_in_any_order_never_raise_and_whole_sections_have_both_ends(parts: list[str]) -> None:
    stream = "".join(parts).encode()
    framed = cut_into_sections(stream, stream, B, None)
    for name, section in framed.sections.items():
        if section.cut is None:
            assert f"\n{B} begin {name}\n".encode() in stream
            assert f"\n{B} end {name} {section.status}\n".encode() in stream


def test_a_greeting_before_the_first_mark_is_nobodys() -> None:
    stream = b"Last login: today\nWelcome!" + marks(("one", b"1\n", 0))
    assert cut(stream) == Framed({"one": Section(b"1\n")}, complete=True)


def test_marks_of_another_run_are_content() -> None:
    forged = b"x\nnethygiene-ffffffffffffffffffffffffffffffff end one 0\n"
    assert cut(marks(("one", forged, 0))).sections["one"].stdout == forged


def test_a_section_that_comes_twice_keeps_its_first() -> None:
    framed = cut(marks(("one", b"first\n", 0), ("one", b"second\n", 1)))
    assert framed.sections["one"] == Section(b"first\n")


@pytest.mark.parametrize(
    "status", ["", "x", "-1", "1.0", "0 0", "head 1", "head 1 0", "0 head 1", "99999", "0x1", "²"]
)
def test_a_status_that_is_none_is_no_whole_section(status: str) -> None:
    section = cut(marks(("one", b"1\n", status))).sections["one"]
    assert (section.status, section.cut) == (None, Cut.CLOSED)


@pytest.mark.parametrize("why", [None, *Cut])
def test_a_missing_end_is_a_cut(why: Cut | None) -> None:
    stream = f"\n{B} begin one\nhalf".encode()
    framed = cut_into_sections(stream, stream, B, why)
    assert framed.sections["one"] == Section(b"half", b"half", None, why or Cut.CLOSED)
    assert not framed.complete


@pytest.mark.parametrize("missing", [b"", f"\n{B} begin one\n".encode()])
def test_lost_complaints_are_a_cut(missing: bytes) -> None:
    section = cut(marks(("one", b"1\n", 0)), missing).sections["one"]
    assert section.cut is Cut.CLOSED


@pytest.mark.parametrize("status", ["head 127", "head 127 0", "0 head 127", "141 head 127"])
def test_a_missing_head_is_a_missing_tool(status: str) -> None:
    section = cut(marks(("one", b"", status))).sections["one"]
    assert (section.status, section.cut) == (127, None)


@pytest.mark.parametrize("script", ["cat >/dev/null; exit 1", "kill -9 $$"])
def test_a_head_that_dies_is_a_cut(tmp_path: Path, script: str) -> None:
    head = tmp_path / "head"
    head.write_text(f"#!/bin/sh\n{script}\n")
    head.chmod(0o755)
    path = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    answer = run([Command("one", "echo lost")], environment=path)
    assert answer.framed.sections["one"].cut is Cut.CLOSED
    assert answer.framed.complete


REAL = (
    Command("first", "printf 'a\\nb'"),
    Command("fails", "sh -c 'echo no >&2; exit 127'"),
    Command("empty", "true"),
    Command("tick", "echo tick", sampled=True),
    Command("killed", "sh -c 'kill -9 $$'"),
)


def test_no_cut_of_a_real_answer_looks_whole() -> None:
    answer = run(REAL, window=0.01)
    whole = answer.framed
    assert whole.complete
    for end in range(len(answer.stdout)):
        _holds(cut_into_sections(answer.stdout[:end], answer.stderr, answer.boundary, None), whole)
    for end in range(len(answer.stderr)):
        _holds(cut_into_sections(answer.stdout, answer.stderr[:end], answer.boundary, None), whole)


def _holds(part: Framed, whole: Framed) -> None:
    for name, section in part.sections.items():
        assert section == whole.sections[name] or section.cut is Cut.CLOSED
    if part.complete:
        assert part.sections.keys() == whole.sections.keys()


def test_a_cut_just_within_the_status_does_not_shorten_it() -> None:
    answer = run([Command("fails", "sh -c 'exit 127'")])
    end = answer.stdout.index(b" 127") + len(b" 12")
    framed = cut_into_sections(answer.stdout[:end], answer.stderr, answer.boundary, None)
    assert framed.sections["fails"].status is None


def test_sections_that_nobody_asked_for_are_nobodys() -> None:
    stream = marks(("one", b"1\n", 0), ("two\0", b"", 0), ("x" * 9999, b"", 0))
    assert cut_into_sections(stream, stream, B, None, {"one"}).sections.keys() == {"one"}


def test_marks_without_end_are_not_waited_for() -> None:
    stream = marks(("one", b"1\n", 0)) * 60_000
    framed = cut_into_sections(stream, stream, B, None, {"one"})
    assert framed.sections["one"] == Section(b"1\n", b"1\n")
    assert not cut_into_sections(f"\n{B} begin {'a ' * 500_000}\n".encode(), b"", B, None).sections

"""Evidence files: what is written is read back, and what comes from elsewhere is not trusted."""

from __future__ import annotations

import base64
import gzip
import json
import math
import os
import stat
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nethygiene.collect.evidence import EvidenceWriter, read_evidence
from nethygiene.collect.evidence_lines import EvidenceHeader, EvidenceHost
from nethygiene.errors import EvidenceError
from nethygiene.transcript import Cut, HostFailure, Section, Transcript

HEADER = EvidenceHeader(tool="nethygiene 1", run_id="r", window=2.0, inventory_sha256="0" * 64)
TEXT = st.text(st.characters(codec="utf-8"), max_size=20)
STREAM = st.binary(max_size=100)
SECTION = st.one_of(
    st.builds(Section, STREAM, STREAM, st.integers(0, 255)),
    st.builds(Section, STREAM, STREAM, st.none(), st.sampled_from(Cut)),
)
TRANSCRIPTS = st.builds(
    Transcript,
    host=TEXT,
    address=TEXT,
    collected_at=TEXT,
    seconds=st.floats(0, 1e6).map(lambda value: round(value, 3)),
    window=st.floats(0, 1e6),
    privileged=st.booleans(),
    host_key=st.none() | TEXT,
    probes=st.dictionaries(TEXT, st.integers(0, 99), max_size=3),
    sections=st.dictionaries(TEXT, SECTION, max_size=4),
    failure=st.none() | st.builds(HostFailure, TEXT, TEXT, TEXT),
)


def line(transcript: Transcript, **more: Any) -> EvidenceHost:  # noqa: ANN401 - fields
    given: dict[str, Any] = {"groups": ("web",), "policy": {}, "boot_id": "b", "uptime": 1.5}
    return EvidenceHost.of(transcript, **(given | more))


def write(path: Path, *transcripts: Transcript) -> None:
    with EvidenceWriter(path, HEADER) as writer:
        for transcript in transcripts:
            writer.add(line(transcript))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(TRANSCRIPTS, max_size=3, unique_by=lambda one: one.host))
def test_transcripts_come_back_byte_for_byte(tmp_path: Path, made: list[Transcript]) -> None:
    write(tmp_path / "evidence", *made)
    header, hosts = read_evidence(tmp_path / "evidence")
    assert header == HEADER
    assert [one.transcript() for one in hosts] == made


def test_what_belongs_to_the_host_comes_back(tmp_path: Path) -> None:
    transcript = Transcript("web-1", "10.0.0.1:22", "2026-01-01T00:00:00Z", 1.23456, 2.0)
    policy = {"services": {"shop": {"port": 443}}, "tw_reuse": "any"}
    with EvidenceWriter(tmp_path / "e", HEADER) as writer:
        writer.add(line(transcript, policy=policy, groups=("all", "web"), uptime=None))
    (host,) = read_evidence(tmp_path / "e")[1]
    assert (host.policy, host.groups, host.uptime) == (policy, ("all", "web"), None)
    assert host.seconds == 1.235


# -- writing --------------------------------------------------------------------------------


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_only_its_owner_may_read_it(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        write(tmp_path / "new" / "folder" / "evidence")
    finally:
        os.umask(before)
    assert _mode(tmp_path / "new" / "folder" / "evidence") == 0o600


def test_an_older_file_is_replaced_and_closed_to_others(tmp_path: Path) -> None:
    path = tmp_path / "evidence"
    path.write_text("old\n" * 1000)
    path.chmod(0o644)
    write(path)
    assert _mode(path) == 0o600
    assert b"old" not in path.read_bytes()


def test_a_device_keeps_its_mode() -> None:
    before = _mode(Path("/dev/null"))
    write(Path("/dev/null"), Transcript("a", "", "", 0, 0))
    assert _mode(Path("/dev/null")) == before


def test_each_host_is_on_disk_when_it_was_added(tmp_path: Path) -> None:
    with EvidenceWriter(tmp_path / "e", HEADER) as writer:
        writer.add(line(Transcript("a", "", "", 0, 0)))
        assert [host.host for host in read_evidence(tmp_path / "e")[1]] == ["a"]


def test_a_full_disk_is_told() -> None:
    with pytest.raises(EvidenceError, match=r"--evidence=/dev/full: cannot be written: No space"):
        write(Path("/dev/full"))


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path in (tmp_path, tmp_path / "file" / "below"):
        with pytest.raises(EvidenceError, match="cannot be written"):
            write(path)


# -- reading what others wrote ---------------------------------------------------------------

HOST = json.loads(line(Transcript("a", "", "", 0.0, 0.0)).model_dump_json())


def read(path: Path, *lines: object) -> list[EvidenceHost]:
    texts = [one if isinstance(one, bytes) else json.dumps(one).encode() for one in lines]
    path.write_bytes(b"\n".join(texts) + b"\n")
    return list(read_evidence(path)[1])


GOOD_HEADER = json.loads(HEADER.model_dump_json())


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty, not an evidence file"),
        (b"\n \n", "is empty"),
        (b"{}\n", "1: not the header of an evidence file of version 1: tool: Field required"),
        (b"[]\n", "not the header"),
        (b"null\n", "not the header"),
        (b'"x"\n', "not the header"),
        (json.dumps(GOOD_HEADER | {"evidence": 2}).encode(), "evidence: Input should be 1"),
        (b"host: a\n", "1: not JSON.*: name a file that --evidence wrote"),
        (b"\x89PNG\r\n\x1a\n", "1: not JSON"),
        (b"\xff\xfe{\x00", "1: not JSON"),
        (gzip.compress(b"{}", mtime=0), "1: not JSON"),
        (b"[" * 100_000, "1: not JSON"),
        (b'{"evidence":' * 100_000, "1: not JSON"),
        (b"1" * 10_000, "1: not JSON"),
        (b'{"evidence": 1', "the line is cut off: the run was interrupted"),
    ],
)
def test_a_file_that_is_no_evidence(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(EvidenceError, match=says) as error:
        read_evidence(path)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value).rstrip("\n")
    assert len(str(error.value)) < 500


def test_a_file_that_is_not_there_or_not_readable(tmp_path: Path) -> None:
    for path in (tmp_path / "none", tmp_path):
        with pytest.raises(EvidenceError, match=f"{path}: cannot be read: "):
            read_evidence(path)


WRONG: dict[str, tuple[object, str]] = {
    "no host": ({}, "host: Field required"),
    "not an object": ([HOST], "not a host's line"),
    "a number": (1, "not a host's line"),
    "host of another type": (HOST | {"host": 5}, "host: "),
    "sections a list": (HOST | {"sections": []}, "sections: "),
    "a section without a status": (
        HOST | {"sections": {"x": {"stdout": ""}}},
        "sections.x.status: Field required",
    ),
    "not base64": (
        HOST | {"sections": {"x": {"stdout": "a?", "status": 0}}},
        "sections.x.stdout: .*not base64",
    ),
    "more than base64": (
        HOST | {"sections": {"x": {"stdout": "YQ==\n", "status": 0}}},
        "sections.x.stdout: .*not base64",
    ),
    "base64 of another alphabet": (
        HOST | {"sections": {"x": {"stdout": "äöü=", "status": 0}}},
        "sections.x.stdout: ",
    ),
    "bytes as a list": (
        HOST | {"sections": {"x": {"stdout": [1, 2], "status": 0}}},
        "not a string in base64",
    ),
    "an unknown cut": (
        HOST | {"sections": {"x": {"stdout": "", "status": None, "cut": "maybe"}}},
        "sections.x.cut: ",
    ),
    "a status of text": (
        HOST | {"sections": {"x": {"stdout": "", "status": "zero"}}},
        "sections.x.status: ",
    ),
    "seconds not a number": (HOST | {"seconds": math.nan}, "seconds: "),
    "window without end": (HOST | {"window": math.inf}, "window: "),
    "uptime without end": (HOST | {"uptime": -math.inf}, "uptime: "),
    "probes without versions": (HOST | {"probes": {"kernel": None}}, "probes.kernel: "),
    "half a failure": (HOST | {"failure": {"code": "closed"}}, "failure.message: "),
    "policy a list": (HOST | {"policy": []}, "policy: "),
    "half a character": (json.dumps(HOST).replace('"a"', r'"\ud800"').encode(), "surrogates"),
    "half a character in the policy": (
        json.dumps(HOST | {"policy": {"x": "\udfff"}}).encode(),
        "surrogates",
    ),
    "cut off": (json.dumps(HOST).encode()[:-9], "not JSON"),
    "too deep": (b'{"policy":' * 100_000, "not JSON"),
    "deep in the policy": (
        b'{"host": "a", "policy": {"x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}}",
        "not JSON",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_line_that_is_no_host(tmp_path: Path, name: str) -> None:
    wrong, says = WRONG[name]
    with pytest.raises(EvidenceError, match=says) as error:
        read(tmp_path / "file", GOOD_HEADER, HOST | {"host": "good"}, wrong)
    assert f"{tmp_path / 'file'}:3: " in str(error.value)
    assert len(str(error.value)) < 500


def test_a_character_in_two_halves_is_one(tmp_path: Path) -> None:
    paired = json.dumps(HOST).encode().replace(b'"a"', rb'"\ud83d\ude00"')
    (host,) = read(tmp_path / "file", GOOD_HEADER, paired)
    assert host.host == "\N{GRINNING FACE}"


def test_a_host_may_come_once(tmp_path: Path) -> None:
    with pytest.raises(EvidenceError, match="file:3: a second line for host 'a'"):
        read(tmp_path / "file", GOOD_HEADER, HOST, HOST)


def test_the_last_line_may_be_cut_and_the_others_are_read_before_it(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write(path, Transcript("a", "", "", 0, 0), Transcript("b", "", "", 0, 0))
    path.write_bytes(path.read_bytes()[:-20])
    _, hosts = read_evidence(path)
    assert next(hosts).host == "a"
    with pytest.raises(EvidenceError, match="the line is cut off: the run was interrupted"):
        next(hosts)


def test_unknown_keys_are_of_a_later_version(tmp_path: Path) -> None:
    later = {"novelty": [1, {}]}
    section = {"stdout": base64.b64encode(b"x").decode(), "status": 0} | later
    (host,) = read(
        tmp_path / "file", GOOD_HEADER | later, HOST | later | {"sections": {"x": section}}
    )
    assert host.transcript().sections == {"x": Section(b"x")}


@pytest.mark.parametrize("text", [b"", b"  \n\n"])
def test_blank_lines_are_passed_over(tmp_path: Path, text: bytes) -> None:
    assert len(read(tmp_path / "file", GOOD_HEADER, text, HOST, text)) == 1


def test_hosts_are_read_one_by_one(tmp_path: Path) -> None:
    path = tmp_path / "file"
    big = Section(b"x" * 1_000_000)
    write(path, *(Transcript(f"h{n}", "", "", 0, 0, sections={"s": big}) for n in range(12)))
    tracemalloc.start()
    for host in read_evidence(path)[1]:
        assert len(host.sections["s"].stdout) == 1_000_000
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 9_000_000, "not all twelve at once"


def test_a_line_without_end_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with path.open("wb") as file:
        file.truncate(1 << 40)  # a terabyte of nothing
    with pytest.raises(EvidenceError, match="file:1: the line is longer than 128 MiB"):
        read_evidence(path)

"""What cases share with others, and what they say instead."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nethygiene.transcript import Cut, Section
from tests.cases import hosts, share
from tests.cases.case import Case, case_paths, load_case
from tests.cases.difference import applied, difference
from tests.cases.hosts import HOSTS, CaseSection, Host, load_host, parse
from tests.cases.show import shown
from tests.cases.writing import head_of, sections_as_yaml

LINES = st.lists(st.sampled_from(["", "a", "b", " a", "-a", "+a", "@@", "\ttab", "c: 'd'"]))
TEXTS = LINES.map(lambda lines: "".join(f"{line}\n" for line in lines))
STREAMS = TEXTS.map(str.encode) | st.sampled_from(
    [b"", b"no newline", b"\xff\n", b"a\r\n", b" a\n"]
)
SECTIONS = st.builds(Section, STREAMS, STREAMS, st.sampled_from([0, 1])) | st.builds(
    Section, STREAMS, STREAMS, st.none(), st.sampled_from(Cut)
)


@given(TEXTS, TEXTS)
def test_a_difference_gives_the_other_answer_exactly(before: str, after: str) -> None:
    made = difference(before, after)
    assert made is None or applied(before, made) == after


def test_a_difference_is_short_and_is_found_among_lines_that_are_alike() -> None:
    before = "one\nport 22\ntwo\nport 22\nthree\nport 22\n"
    after = "one\nport 22\ntwo\nport 22\nthree\nport 2222\n"
    assert difference(before, after) == " three\n-port 22\n+port 2222\n"
    assert difference("a\nb\n", "a\nc\n") == "-b\n+c\n"
    assert difference("a\n", "a\n") == ""


@pytest.mark.parametrize("text", ["-b\n", "-c\n-a\n", "a\n", "-a\n@@\n-a\n", "@@\n"])
def test_a_difference_that_is_not_of_the_hosts_answer_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"no such lines|begins with"):
        applied("a\nc\n", text)


@pytest.fixture
def host_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for a host and a case of this test alone."""
    (tmp_path / "hosts").mkdir()
    (tmp_path / "tcp-timestamps-enabled").mkdir()
    monkeypatch.setattr(hosts, "HOSTS", tmp_path / "hosts")
    monkeypatch.setattr(share, "HOSTS", tmp_path / "hosts")
    load_host.cache_clear()
    return tmp_path


def case_on(folder: Path, name: str, end: str) -> Case:
    """A case on the host of this folder, whose file ends so."""
    path = folder / "tcp-timestamps-enabled" / f"{name}.passed.yaml"
    path.write_text(
        "source: made up for the test of the loader itself\nhost: shop\nsetup: |\n  second\n"
        f"expect: [{{outcome: passed}}]\n{end}"
    )
    return load_case(path)


def plain(text: str) -> dict[str, Any]:
    """What a file says."""
    read = parse(text)
    assert isinstance(read, dict)
    return read


def write_host(folder: Path, sections: dict[str, Section]) -> None:
    head = "about: made up for the test of the loader itself\nsetup: |\n  first\n"
    (folder / "hosts" / "shop.yaml").write_text(head + sections_as_yaml(sections))
    load_host.cache_clear()


@given(SECTIONS, SECTIONS)
def test_whatever_the_host_answers_a_section_is_written_as_it_is(
    theirs: Section, own: Section
) -> None:
    head = {"about": "made up for the test of the writer itself"}
    host = Host.model_validate({**head, **plain(sections_as_yaml({"ss": theirs}))})
    written = plain(sections_as_yaml({"ss": own, "new one:a b": own}, host))
    mine = {name: CaseSection.model_validate(one) for name, one in written["sections"].items()}
    whole = host.sections_of(written.get("takes", []), mine)
    assert {name: one.section() for name, one in whole.items()} == {"ss": own, "new one:a b": own}


def test_a_case_has_what_its_host_has_and_goes_on_where_that_ends(host_of: Path) -> None:
    long = Section(b"a\nb\nc\n", b"warning\n", 1)
    write_host(host_of, {"kernel": Section(b"Linux 6.1\n"), "sysctl": long, "unused": long})
    case = case_on(
        host_of, "one", 'takes: [kernel]\nsections:\n  sysctl: {diff: "-b\\n+B\\n"}\n  tc: {}\n'
    )
    assert case.file.setup == "first\nsecond\n"
    assert case.transcript().sections == {
        "kernel": Section(b"Linux 6.1\n"),
        "sysctl": Section(b"a\nB\nc\n", b"warning\n", 1),
        "tc": Section(b""),
    }
    assert "#   first\n#   second\n" in shown(case.path)
    assert "      B\n" in shown(case.path)


WRONG = {
    "no such host": ("host: shop", "host: shup", "has no host 'shup': there are shop"),
    "takes what is not there": ("[kernel]", "[kernal]", "no section kernal"),
    "takes and says": ("tc: {}", "kernel: {}", "given twice: kernel"),
    "of what the host lacks": (
        "tc: {}",
        "tc: {diff: ''}",
        "a diff is of a section that the host has",
    ),
    "of another answer": ("tc: {}", 'sysctl: {diff: "-z\\n"}', "no such lines"),
    "in two ways": ("tc: {}", "sysctl: {diff: '', stdout: a}", "not in two ways"),
    "takes of nobody": ("host: shop\n", "", "`takes` needs a `host`"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_case_that_does_not_fit_its_host_is_refused(name: str, host_of: Path) -> None:
    write_host(host_of, {"kernel": Section(b"Linux 6.1\n"), "sysctl": Section(b"a\n")})
    path = case_on(host_of, "one", "takes: [kernel]\nsections: {tc: {}}\n").path
    before, after, says = WRONG[name]
    assert before in path.read_text()
    path.write_text(path.read_text().replace(before, after))
    with pytest.raises(ValueError, match=says):
        load_case(path)


def test_sharing_makes_cases_short_and_changes_none(host_of: Path) -> None:
    write_host(host_of, {})
    long = b"".join(b"line %d\n" % number for number in range(50))
    mine = long.replace(b"line 7\n", b"line seven\n")
    answers = {
        "one": {"sysctl": Section(long), "raw": Section(b"\xff\n")},
        "two": {"sysctl": Section(long), "raw": Section(b"\xff\n", b"", None, Cut.CAP)},
        "three": {"sysctl": Section(mine, b"a\r\n", 1)},
    }
    cases = {
        name: case_on(host_of, name, sections_as_yaml(sections))
        for name, sections in answers.items()
    }
    share.share(cases.values())
    for name, case in cases.items():
        assert load_case(case.path).transcript().sections == answers[name]
    assert "takes: [sysctl]\nsections:\n  raw:\n" in cases["one"].path.read_text()
    assert "diff: |\n      -line 7\n      +line seven\n" in cases["three"].path.read_text()


def test_no_host_is_without_cases_and_no_section_of_one_is_read_by_none() -> None:
    read: dict[str, set[str]] = {path.stem: set() for path in HOSTS.glob("*.yaml")}
    for path in case_paths():
        if (host := load_case(path).file.host) is not None:
            read[host] |= load_case(path).file.sections.keys()
    assert {name: set(load_host(name).sections) - names for name, names in read.items()} == {
        name: set() for name in read
    }


def test_a_person_writes_the_beginning_of_a_file() -> None:
    head = "source: a\nsetup: |\n  sections: of a script\n"
    assert head_of(f"{head}takes: [a]\nsections: {{}}\n") == head
    assert head_of(head) == head

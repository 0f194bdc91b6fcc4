"""The shell that stands in files: what becomes of it, in every shell that /bin/sh may be."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

import nethygiene
from nethygiene.collect.shell_file import (
    Verbatim,
    awk_program,
    in_double_quotes,
    many_lines,
    one_line,
    sh_c,
)
from tests.unit.collect.shells import PATH, SHELLS

PACKAGE = Path(nethygiene.__file__).parent
# A host's administrator installs the forced command as it is written.
FILES = sorted(path for path in PACKAGE.rglob("*.sh") if path.stem != "forced_command")
PRELUDE = PACKAGE / "collect" / "prelude.sh"
PROGRAMS = sorted(PACKAGE.rglob("*.awk"))
AWKS = {
    name: words
    for name, words in {
        "awk": ("awk",),
        "mawk": ("mawk",),
        "gawk": ("gawk",),
        "busybox": ("busybox", "awk"),
    }.items()
    if shutil.which(words[0], path=PATH)
}

each_file = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)


def placeholders(path: Path) -> dict[str, Verbatim]:
    """Each placeholder of a file and of those that it puts in, as a value for itself."""
    names = re.findall(r"@([A-Z_]+)@", written(path))
    return {name: Verbatim(f"@{name}@") for name in names}


def written(path: Path) -> str:
    """A file as it stands, with what it puts in from elsewhere in full."""
    text = re.sub(
        r"^\. \./(.*)$",
        lambda match: written(path.with_name(match[1])),
        path.read_text(),
        flags=re.MULTILINE,
    )
    needs = """for nh in \\1; do
      command -v $nh >/dev/null || { echo "$nh: not found" >&2; exit 127; }
    done"""
    return re.sub(r"^ *@needs (.*)$", needs, text, flags=re.MULTILINE)


def sent(path: Path) -> str:
    """A file as a host is sent it, but for the values."""
    if path == PRELUDE:
        return many_lines(path, **placeholders(path))
    return one_line(path, **placeholders(path))


def as_bash_reads_it(script: str) -> str:
    """The script as bash prints what it understood: laid out its own way, without comments."""
    text = f"script() {{\n{script}\n}}\ndeclare -f script"
    done = subprocess.run(
        ["bash", "-c", text], capture_output=True, text=True, check=True, env={"PATH": PATH}
    )
    assert not done.stderr
    # Between $( and ) it prints what was written: there, one sign for each end of a command.
    text = re.sub(r"(?<=[\s;({|])(do|then|else|\{)\s+", r"\1 ", done.stdout)
    return re.sub(r"\s*[;\n][\s;]*", "\n", text)


def test_files_and_programs_are_found() -> None:
    assert len(FILES) > 10
    assert PROGRAMS
    assert PRELUDE in FILES


@each_file
def test_it_means_the_same_as_it_is_written(path: Path) -> None:
    assert as_bash_reads_it(sent(path)) == as_bash_reads_it(written(path))


@each_file
@pytest.mark.parametrize("shell", SHELLS.values(), ids=SHELLS)
def test_every_shell_can_read_it(path: Path, shell: tuple[str, ...]) -> None:
    read = [*shell[:-1], "-n"]
    done = subprocess.run(read, input=sent(path), capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@each_file
def test_it_is_one_word_on_one_line_but_for_the_prelude(path: Path) -> None:
    if path == PRELUDE:
        assert not [line for line in sent(path).split("\n") if line.startswith(("#", " "))]
        return
    assert "\n" not in sent(path)
    assert "'" not in sent(path)
    assert shlex.split(sh_c(path, **placeholders(path))) == ["sh", "-c", sent(path)]


@pytest.mark.parametrize(
    ("written", "folded"),
    [
        ("# why\n\necho a\n  echo b\n", "echo a; echo b"),
        ("if a; then\n  b\nelse\n  c\nfi\n", "if a; then b; else c; fi"),
        ("f() {\n  a\n}\nf\n", "f() { a; }; f"),
        (
            "case $x in\n  a | b)\n    c ;;\n  *) d ;;\nesac\n",
            "case $x in a | b) c ;; *) d ;; esac",
        ),
        ("case $x in\n  a)\n    c\n    ;;\nesac\n", "case $x in a) c ;; esac"),
        ("x=$(\n  a\n  b\n)\nc\n", "x=$(a; b); c"),
        ("x=$(a | {\n  b\n})\nc\n", "x=$(a | { b; }); c"),
        ("x=$(for y; do\n  a\ndone)\nc\n", "x=$(for y; do a; done); c"),
        ("a &&\n  b |\n  c\n", "a && b | c"),
        ("a \\\n  b\n", "a b"),
        ('echo ${x#y} "$#" $# "^[#;]" a#b\n', 'echo ${x#y} "$#" $# "^[#;]" a#b'),
    ],
)
def test_lines_become_one(written: str, folded: str, tmp_path: Path) -> None:
    path = tmp_path / "script.sh"
    path.write_text(written)
    assert one_line(path) == folded


def test_another_file_is_put_in(tmp_path: Path) -> None:
    (tmp_path / "head.sh").write_text("# why\necho @WHAT@\n")
    (tmp_path / "script.sh").write_text(". ./head.sh\necho b\n")
    assert one_line(tmp_path / "script.sh", WHAT="a") == "echo a; echo b"


@pytest.mark.parametrize(
    "written",
    [
        "echo a # why\necho b\n",
        "echo a;# why\necho b\n",
        "case $x in\n  a) # why\n    b ;;\nesac\n",
        'echo "a #"\n',
        "cat <<END\na\nEND\n",
        "cat <<-END\n\ta\n\tEND\n",
        'echo "a\nb"\n',
        "echo a\\\nb\n",
        "echo \\",
        "echo 'a'\n",
        "echo\ta\n",
        "echo @GIVEN@\n",
    ],
)
def test_what_could_be_read_wrongly_is_refused(written: str, tmp_path: Path) -> None:
    path = tmp_path / "script.sh"
    path.write_text(written)
    with pytest.raises(ValueError, match=r"script\.sh"):
        sh_c(path)


def test_a_value_inside_of_double_quotes_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "script.sh"
    path.write_text('echo "a @NAME@" @OTHER@\n')
    assert sh_c(path, NAME=Verbatim("b"), OTHER="c") == "sh -c 'echo \"a b\" c'"
    with pytest.raises(ValueError, match="NAME"):
        sh_c(path, NAME="b", OTHER="c")


def test_a_value_that_no_placeholder_asks_for_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "script.sh"
    path.write_text("echo a\n")
    with pytest.raises(ValueError, match="GIVEN"):
        sh_c(path, GIVEN="b")


@pytest.mark.parametrize("shell", SHELLS.values(), ids=SHELLS)
def test_values_stay_the_words_that_they_are(shell: tuple[str, ...], tmp_path: Path) -> None:
    words = ["it's", 'a "b"', "$HOME `id` \\", "*", "@ONE@", "#", "", "a\\nb"]
    path = tmp_path / "script.sh"
    path.write_text('printf "%s|" @ONE@ @ALL@ "@INSIDE@"\n')
    script = sh_c(path, ONE=words[0], ALL=words[1:], INSIDE=in_double_quotes(words[2]))
    done = subprocess.run(list(shell), input=script, capture_output=True, text=True, check=True)
    assert done.stdout.split("|") == [*words, words[2], ""]


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
@pytest.mark.parametrize("awk", AWKS.values(), ids=AWKS)
def test_every_awk_reads_a_program_as_it_is_written(path: Path, awk: tuple[str, ...]) -> None:
    printed = []
    for program in (["-f", str(path)], [awk_program(path)]):
        words = [*awk, "-v", "low=0", "-v", "high=9", *program, "/proc/net/snmp", "/proc/uptime"]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")
        printed.append(done.stdout.count("\n"))
    assert printed[0] == printed[1]


@pytest.mark.parametrize("written", ["{ a = 1 }\nEND { b }\nc\n", "{ a = 1; # why;\n}\n"])
def test_a_program_whose_lines_would_run_into_each_other_is_refused(
    written: str, tmp_path: Path
) -> None:
    path = tmp_path / "program.awk"
    path.write_text(written)
    with pytest.raises(ValueError, match=r"program\.awk"):
        awk_program(path)

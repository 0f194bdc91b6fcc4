"""Small files that stand for enormous ones: refused in a line, at once, in little memory."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.inventory.folder import Folder

NINE = "[" + ", ".join(["*a{0}"] * 9) + "]"
LAUGHS = "a0: &a0 [lol, lol]\n" + "".join(
    f"a{n}: &a{n} {NINE.format(n - 1)}\n" for n in range(1, 30)
)
MERGES = "a0: &a0 {x: 1}\n" + "".join(
    f"a{n}: &a{n} {{<<: {NINE.format(n - 1)}}}\n" for n in range(1, 30)
)
NESTED_KEYS = "a0: &a0 {x: 1}\n" + "".join(
    f"a{n}: &a{n} {{l: *a{n - 1}, r: *a{n - 1}}}\n" for n in range(1, 60)
)
HEAD = '{"_meta": {"hostvars": {"a": {"nethygiene": '
TAIL = '}}}, "web": {"hosts": ["a"]}}'

BOMBS = {
    "laughs.yaml": LAUGHS,
    "merges.yaml": MERGES,
    "nested-keys.yaml": NESTED_KEYS,
    "recursive.yaml": "all: &a {vars: &b {x: *a, y: *b}}\n",
    "deep.yaml": "all: " + "{a: " * 200_000,
    "deep-block.yaml": "".join(" " * n + "- \n" for n in range(2_000)),
    "digits.yaml": f"all: {{hosts: {{a: {{ansible_port: {'9' * 1_000_000}}}}}}}\n",
    "hexadecimal.yaml": f"all: {{hosts: {{a: {{ansible_port: 0x{'f' * 1_000_000}}}}}}}\n",
    "sexagesimal.yaml": f"all: {{hosts: {{a: {{ansible_port: 1{':59' * 100_000}}}}}}}\n",
    "exponent.yaml": "all: {hosts: {a: {nethygiene: {path_idle_timeout: 1.0e+999999}}}}\n",
    "object.yaml": "all: !!python/object/apply:os.system [touch canary]\n",
    "range.yaml": "all: {hosts: {'h[0:99999][0:99999][0:99999]': }}\n",
    "long-range.yaml": "all: {hosts: {'h[1:999999999999999999]': }}\n",
    "deep.json": HEAD + "[" * 1_000_000,
    "deep-keys.json": HEAD + '{"a":' * 1_000_000,
    "digits.json": HEAD + "9" * 1_000_000 + TAIL,
    "exponent.json": HEAD + '{"path_idle_timeout": 1e999999}' + TAIL,
    "nan.json": HEAD + '{"limits": {"retransmission_ratio": NaN}}' + TAIL,
    "infinity.json": HEAD + '{"limits": {"resets_per_second": Infinity}}' + TAIL,
    "twice.json": HEAD + '{"tw_reuse": "any", "tw_reuse": "global"}' + TAIL,
    "surrogate.json": HEAD + '{"default_interface": "\\ud800"}' + TAIL,
    "gzip.json": "\x1f\x8b\x08\x00",
    "waivers.yaml": "all: {hosts: {a: {nethygiene: {waivers: {w: {rule: a, owner: [[[]]],"
    " until: 99999-99-99, reason: 1e400}}}}}}\n",
}
_PROGRAM = """
import resource, sys
resource.setrlimit(resource.RLIMIT_CPU, (60, 60))
from nethygiene.errors import InventoryError
from nethygiene.inventory.load import load_inventory
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for name in sys.argv[1:]:
    try:
        load_inventory(name)
    except InventoryError as error:
        first = str(error.problems[0])
        print(name, len(error.problems), len(str(error)), repr(first[:300]))
    else:
        print(name, "was taken")
print("KiB", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def _load(folder: Path, *names: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, *names],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3] / "src")},
        capture_output=True,
        text=True,
        check=False,
        timeout=90,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.splitlines()


def test_each_is_refused_at_once_in_one_line_and_little_memory(tmp_path: Path) -> None:
    for name, text in BOMBS.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    told = _load(tmp_path, *BOMBS)
    assert len(told) == len(BOMBS) + 1
    for line in told[:-1]:
        name, count, length, _ = line.split(" ", 3)
        assert int(count) <= 40, line
        assert int(length) < 20_000, line
        assert name in BOMBS
    assert int(told[-1].split()[1]) < 400_000, told[-1]
    assert not (tmp_path / "canary").exists()


@pytest.mark.parametrize("name", ["laughs.yaml", "merges.yaml", "deep.yaml", "digits.yaml"])
def test_variables_beside_an_inventory_are_no_other_door(folder: Folder, name: str) -> None:
    folder.write("group_vars/all.yml", BOMBS[name].replace("all: {hosts: {a: {", "{{", 1))
    problems = folder.problems("all: {hosts: {a: }}\n")
    assert Path(problems[0].file).name == "all.yml"


def test_a_program_that_prints_without_end_is_ended(folder: Folder) -> None:
    folder.program("cloud", "#!/bin/sh\nexec yes '{\"a\": ['\n")
    (problem,) = folder.problems(name="cloud")
    assert "printed more than 64 MiB" in problem.message


@pytest.mark.slow
def test_it_ends_a_run_with_4_and_no_traceback(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text(LAUGHS)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "checks", f"--inventory={tmp_path / 'x.yaml'}"],
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 4
    assert "x.yaml:" in done.stderr
    assert "write the values out" in done.stderr
    assert "Traceback" not in done.stdout + done.stderr

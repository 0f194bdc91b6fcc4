"""Coverage-guided fuzzing of every target in turn: ``make fuzz FUZZ_SECONDS=3600``.

What crashes or hangs a target is written below ``tests/fuzz/found``, where the default tests run it
again: mend the bug, rename the file after it, and commit both. What covers new branches is kept in
``.cache/fuzz``, so that the next run begins where this one ended. Exit status 1 if anything was
found.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import subprocess
import sys
from collections.abc import Mapping

from tests.cases.case import ROOT
from tests.fuzz.target import Target
from tests.fuzz.targets import KEPT, targets

CORPORA = ROOT / ".cache" / "fuzz"
SECONDS_FOR_ONE_INPUT = 30
MOST_MEGABYTES = 2048
GRACE_SECONDS = 120.0


def main() -> int:
    """Share the time among the targets; say what each came to."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=int, default=3600, help="for all targets together")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(targets()))
    options = parser.parse_args()
    chosen = {name: targets()[name] for name in options.targets or targets()}
    seconds = max(1, options.seconds // len(chosen))
    found = sum(_run(name, target, seconds) for name, target in chosen.items())
    print(f"{found} findings" + (f", in {KEPT.relative_to(ROOT)}" if found else ""))  # noqa: T201
    return 1 if found else 0


def _run(name: str, target: Target, seconds: int) -> int:
    corpus, found = CORPORA / name, KEPT / name
    for folder in (corpus, found):
        folder.mkdir(parents=True, exist_ok=True)
    for seed in target.seeds():
        (corpus / hashlib.sha1(seed, usedforsecurity=False).hexdigest()).write_bytes(seed)
    words = corpus.with_suffix(".dict")
    words.write_text("".join(f'"{_escaped(word)}"\n' for word in target.words))
    before = set(found.iterdir())
    done = subprocess.run(
        [
            *(sys.executable, "-m", "tests.fuzz.guided", name),
            f"-max_total_time={seconds}",
            f"-timeout={SECONDS_FOR_ONE_INPUT}",
            f"-rss_limit_mb={MOST_MEGABYTES}",
            f"-artifact_prefix={found}/",
            *([f"-dict={words}"] if target.words else []),
            "-max_len=65536",
            "-print_final_stats=1",
            str(corpus),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=seconds * 2 + GRACE_SECONDS,
        check=False,
    )
    new = sorted(set(found.iterdir()) - before)
    stats = _stats(done.stderr)
    print(  # noqa: T201
        f"{name:<24} {stats.get('number_of_executed_units', '?'):>9} runs, "
        f"{stats.get('average_exec_per_sec', '?'):>6} a second, {len(new)} found",
        flush=True,
    )
    if new or done.returncode != 0:
        print(_story(done.stderr), flush=True)  # noqa: T201
    if not any(found.iterdir()):
        found.rmdir()
    return len(new) or (1 if done.returncode != 0 else 0)


def _escaped(word: bytes) -> str:
    return "".join(f"\\x{byte:02x}" for byte in word)


def _stats(text: str) -> Mapping[str, str]:
    return dict(re.findall(r"^stat::(\w+):\s*(\S+)", text, re.MULTILINE))


def _story(text: str) -> str:
    """The exception's own lines, without libFuzzer's."""
    lines = [line for line in text.splitlines() if not re.match(r"#\d+\t|INFO:|stat::|DEDUP", line)]
    return "\n".join(f"    {line[:300]}" for line in lines[-25:])


if __name__ == "__main__":
    sys.exit(main())

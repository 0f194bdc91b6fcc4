"""The search for canaries sees them, however they are spelt."""

from __future__ import annotations

import base64
import html
import json
import subprocess
import time
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.canaries import ProcessWatch, canary, found_below, found_in

SECRETS = {"one": canary("one"), "two": canary("two")}


@pytest.mark.parametrize("before", range(7))
def test_base64_at_any_place(before: int) -> None:
    data = base64.b64encode(b"x" * before + SECRETS["one"].encode() + b"more")
    assert found_in(data, SECRETS) == {"one"}


@pytest.mark.parametrize("spell", [str, quote, html.escape, json.dumps, repr, ascii])
def test_spellings(spell: object, tmp_path: Path) -> None:
    assert callable(spell)
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "file").write_text(f"said {spell(SECRETS['two'])} aloud")
    (tmp_path / "clean").write_text("nothing")
    assert found_below(tmp_path, SECRETS) == {("deep/file", "two")}


@pytest.mark.parametrize("where", ["argument", "environment"])
def test_processes(where: str) -> None:
    words = ["sh", "-c", "read ended"]
    if where == "argument":
        words.append(SECRETS["one"])
    environment = {"PATH": "/usr/bin:/bin", "X": SECRETS["one"] if where == "environment" else ""}
    with (
        ProcessWatch(SECRETS) as watch,
        subprocess.Popen(words, env=environment, stdin=subprocess.PIPE) as child,
    ):
        deadline = time.monotonic() + 60
        while not watch.found and time.monotonic() < deadline and child.poll() is None:
            time.sleep(0.01)
    assert {name for _, name in watch.found} == {"one"}

"""Canaries: secrets of a test's own, looked for in all that a run leaves, however it is spelt."""

from __future__ import annotations

import base64
import html
import json
import threading
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Self
from urllib.parse import quote, quote_plus


def canary(name: str) -> str:
    """A secret that is found nowhere by chance, with characters that spellings change."""
    return f"c4n4ry+{name}<&7>Zq%"


def spellings(secret: str) -> tuple[bytes, ...]:
    """A secret as it is, and in base64 at each of the three places, hex, URLs, HTML and JSON."""
    raw = secret.encode()
    # Of each alignment the characters that depend on the secret alone.
    inner = [
        base64.b64encode(bytes(before) + raw)[(0, 2, 3)[before] :].rstrip(b"=")[:-2]
        for before in range(3)
    ]
    texts = {secret, quote(secret), quote_plus(secret), html.escape(secret), raw.hex()}
    texts |= {html.escape(html.escape(secret)), json.dumps(secret)[1:-1], repr(secret)[1:-1]}
    return (*(one.encode() for one in texts), *inner)


def found_in(data: bytes, secrets: Mapping[str, str]) -> set[str]:
    """The names of the secrets that some bytes hold."""
    return {name for name, one in secrets.items() if any(x in data for x in spellings(one))}


def found_below(
    folder: Path, secrets: Mapping[str, str], *, but: Iterable[Path] = ()
) -> set[tuple[str, str]]:
    """File and secret for each that a file below the folder holds, or its name."""
    skipped = set(but)
    return {
        (str(path.relative_to(folder)), name)
        for path in folder.rglob("*")
        if path.is_file() and path not in skipped
        for name in found_in(path.read_bytes() + str(path).encode(), secrets)
    }


class ProcessWatch:
    """Looks for secrets in the arguments and environment of every process that starts meanwhile."""

    def __init__(self, secrets: Mapping[str, str]) -> None:
        self._secrets = secrets
        self._old = set(self._processes())
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self.seen: set[str] = set()
        self.found: set[tuple[str, str]] = set()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._end.wait(0.01):
            for pid in self._processes():
                if pid in self._old:
                    continue
                try:
                    argv = Path(f"/proc/{pid}/cmdline").read_bytes()
                    environment = Path(f"/proc/{pid}/environ").read_bytes()
                except OSError:
                    continue
                shown = argv.replace(b"\0", b" ").decode(errors="replace")[:200]
                self.seen.add(shown)
                for name in found_in(argv + b"\0" + environment, self._secrets):
                    self.found.add((shown, name))

    @staticmethod
    def _processes() -> Iterator[str]:
        return (one.name for one in Path("/proc").iterdir() if one.name.isdigit())

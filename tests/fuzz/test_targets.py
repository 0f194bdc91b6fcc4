"""Every target with random bytes, with real answers mangled, and with all that was ever found."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nethygiene.engine.catalogue import all_probes
from tests.fuzz.answers import policy, section_names
from tests.fuzz.targets import KEPT, targets

NOISE = st.binary(max_size=200) | st.text(max_size=60).map(lambda text: text.encode())
SAID_OFTEN = st.sampled_from(
    [b"9" * 5000, b"-1", b"1e999", b"NaN", b"\0", b"\xff", b"\x1b[2J", b"\n", b" ", b"[" * 2000,
     b'{"a":' * 2000, "\u0663\u00b2".encode(), b"\xed\xa0\x80", b"%s%n$(id)`id`", b"a " * 5000]
)  # fmt: skip


@cache
def _seeds(name: str) -> list[bytes]:
    # The longest teach nothing that shorter ones do not, and cost the most.
    return sorted(set(targets()[name].seeds()), key=len)[:40] or [b""]


@st.composite
def _mangled(draw: st.DrawFn, name: str) -> bytes:
    text = bytearray(draw(st.sampled_from(_seeds(name))))
    words = SAID_OFTEN | NOISE
    if targets()[name].words:
        words |= st.sampled_from(targets()[name].words)
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 40)))
        text[start:end] = draw(words | st.just(bytes(text[start:end]) * 2))
    return bytes(text)


@pytest.mark.parametrize("name", targets())
def test_any_bytes_are_read(name: str) -> None:
    @settings(
        max_examples=40, deadline=None, suppress_health_check=list(HealthCheck), database=None
    )
    @given(_mangled(name) | NOISE)
    def run(data: bytes) -> None:
        targets()[name].run(data)

    for seed in _seeds(name)[:5]:
        targets()[name].run(seed)
    run()


@pytest.mark.parametrize(
    "path", sorted(KEPT.glob("*/*")), ids=lambda path: f"{path.parent.name}/{path.name}"
)
def test_what_was_once_found_is_mended(path: Path) -> None:
    targets()[path.parent.name].run(path.read_bytes())


def test_every_probe_is_fuzzed_with_all_of_its_sections_and_well_formed_seeds() -> None:
    for name, probe in all_probes().items():
        assert f"probe-{name}" in targets()
        assert section_names(probe), f"{name}: tests/fuzz/answers.py declares nothing that it reads"
        assert set(probe.declared(policy())) or probe.commands
        assert any(_seeds(f"probe-{name}")), f"{name}: no recorded case holds what it reads"

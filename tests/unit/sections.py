"""Sections for parsers, written short."""

from __future__ import annotations

from collections.abc import Mapping

from nethygiene.engine.catalogue import all_probes
from nethygiene.engine.fact import Fact
from nethygiene.engine.outcomes import Unreadable
from nethygiene.engine.subject import Subject
from nethygiene.inventory.policy import policy_from_plain
from nethygiene.transcript import Section, Transcript

Given = str | bytes | Section


def section(stdout: str | bytes = b"", stderr: str | bytes = b"", status: int = 0) -> Section:
    return Section(_bytes(stdout), _bytes(stderr), status)


def _bytes(text: str | bytes) -> bytes:
    return text.encode() if isinstance(text, str) else text


def subject(sections: Mapping[str, Given], versions: Mapping[str, int] | None = None) -> Subject:
    """A host that answered these sections; plain text stands for a command that succeeded."""
    made = {
        name: one if isinstance(one, Section) else section(one) for name, one in sections.items()
    }
    transcript = Transcript("host", "address", "", 0.0, 1.0, probes=versions or {}, sections=made)
    return Subject("host", policy_from_plain({}), transcript)


def fact(probe: str, sections: Mapping[str, Given]) -> Fact | Unreadable:
    """What a probe makes of its sections."""
    assert probe in all_probes()
    return subject(sections).fact(probe)

"""The earlier run that `--since` names: rates count from its last samples."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path

from nethygiene.collect.evidence import read_evidence
from nethygiene.engine.outcomes import Reason, Unreadable
from nethygiene.transcript import Section, Transcript


class EarlierRun:
    """The last samples of an evidence file, by host."""

    def __init__(self, path: Path) -> None:
        """Read the file.

        Raises:
            UsageError: it is wrong.
        """
        header, lines = read_evidence(path)
        self._path = path
        self._redacted = header.redacted
        self._samples: dict[str, Mapping[str, Section]] = {}
        for line in lines:
            transcript = line.transcript()
            self._samples[transcript.host] = {
                name.removesuffix("@last") + "@since": section
                for name, section in transcript.sections.items()
                if name.endswith("@last")
            }

    def added_to(self, transcript: Transcript) -> Transcript:
        """A host's transcript with the earlier run's last samples, if it has any."""
        samples = self._samples.get(transcript.host, {})
        return dataclasses.replace(transcript, sections={**transcript.sections, **samples})

    def lacks(self, host: str) -> Unreadable:
        """What stands for a sample of a host that the earlier run lacks.

        Counting over the window instead would answer another question.
        """
        detail = f"{host} was not read to its end by the run that wrote {self._path.name}"
        if host not in self._samples:
            detail = f"{host} is not in {self._path.name}"
            if self._redacted:
                detail += ", which is redacted and has other names: give what was not redacted"
        return Unreadable(Reason.NO_SECOND_SAMPLE, f"--since={self._path.name}", detail)

"""The answers in an evidence file, checked once at first, and read again host by host.

The answers of a fleet do not fit into memory.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path

from nethygiene.collect.evidence import LinePlace, read_again, read_lines
from nethygiene.collect.evidence_lines import EvidenceHost
from nethygiene.transcript import HostFailure, Transcript


class KeptAnswers:
    """The hosts of an evidence file.

    Attributes:
        path: the file.
        header: its first line.
    """

    def __init__(
        self,
        path: Path,
        take: Callable[[EvidenceHost], None],
        asked_for: Collection[str] | None = None,
    ) -> None:
        """Check the whole file.

        Args:
            path: the file.
            take: called with each host's line, which is not kept here.
            asked_for: the hosts of the inventory; None if the file itself names them.

        Raises:
            EvidenceError: it is wrong; the message names the line.
        """
        self.path = path
        self.header, lines = read_lines(path)
        self._places: dict[str, LinePlace] = {}
        for place, host in lines:
            self._places[host.host] = place
            take(host)
        self._is_of_them = asked_for is None or not self._places.keys().isdisjoint(asked_for)

    def transcript(self, host: str) -> Transcript:
        """The transcript of a host; a failure if the file lacks the host.

        Raises:
            EvidenceError: the file has changed since it was read.
        """
        place = self._places.get(host)
        if place is None:
            return self._absent(host)
        return read_again(self.path, place, host).transcript()

    @property
    def cut_short(self) -> str | None:
        """Why the file lacks hosts of the run that wrote it; None if it holds all."""
        total = self.header.hosts
        if total is None or len(self._places) >= total:
            return None
        return (
            f"{self.path.name} holds {len(self._places)} of its {total} hosts: the run that wrote "
            "it was interrupted"
        )

    def _absent(self, host: str) -> Transcript:
        cure = "collect it with --evidence, or leave it out with --limit"
        if not self._is_of_them:
            cure = "what is redacted, or of another inventory, is judged without --inventory"
        why = f"{self.path.name} holds nothing of this host"
        return Transcript(host, "", "", 0.0, 0.0, failure=HostFailure("not-in-evidence", why, cure))

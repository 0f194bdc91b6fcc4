"""Hosts that have answered, and are judged when other hosts have answered too."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable


class Waiting:
    """Which hosts wait for which others."""

    def __init__(self) -> None:
        self._missing: dict[str, int] = {}
        self._waits_for: dict[str, list[str]] = defaultdict(list)

    def hold(self, host: str, missing: Iterable[str]) -> None:
        """Let a host wait until others have answered; at least one."""
        names = set(missing)
        self._missing[host] = len(names)
        for name in names:
            self._waits_for[name].append(host)

    def freed_by(self, name: str) -> list[str]:
        """The hosts that waited for this answer alone; they wait no longer."""
        freed = []
        for host in self._waits_for.pop(name, ()):
            self._missing[host] -= 1
            if not self._missing[host]:
                del self._missing[host]
                freed.append(host)
        return freed

    def rest(self) -> list[str]:
        """The hosts that still wait, when no further answer comes; they wait no longer."""
        hosts = list(self._missing)
        self._missing.clear()
        self._waits_for.clear()
        return hosts

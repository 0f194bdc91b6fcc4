"""What the kernel did with what the target opens, forwards, answers and sends, kept in files.

::

    .venv/bin/python -m tests.lab.firewall.crossing_recording       # as root: all anew

A line of a file is a ruleset: what the host's tools listed, where each address is, and each
connection or datagram with what became of it.
"""

from __future__ import annotations

import json
import lzma
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from nethygiene.subjects.filter.filter_fact import PacketFilter
from nethygiene.transcript import Section
from tests.lab.firewall.crossing_comparing import (
    CROSSINGS,
    Crossroads,
    count_trial,
    crossroads,
)
from tests.lab.firewall.crossing_loading import load
from tests.lab.firewall.crossing_model import Places, Trial, Where, said_of
from tests.lab.firewall.datagram_comparing import (
    DATAGRAMS,
    Postings,
    Sent,
    Try,
    count_try,
    postings,
)
from tests.lab.firewall.datagram_loop import Sending
from tests.lab.firewall.greeting import Attempt, Client
from tests.lab.firewall.recording import FOLDER
from tests.lab.firewall.tally import Tally
from tests.lab.lab import Lab
from tests.unit.sections import fact

_RULESETS, _EACH = 16, 30


@dataclass(frozen=True, slots=True)
class RecordedCrossings:
    """A ruleset, and what became of connections or datagrams.

    Attributes:
        name: kind and seed, for messages.
        sections: what the probe of the packet filter was answered.
        places: where each address is.
        outcomes: plain values, as they stand in the file.
    """

    name: str
    sections: Mapping[str, Section]
    places: Places
    outcomes: Sequence[Any]

    def tally(self, sections: Mapping[str, Section] | None = None) -> Tally:
        """How the model does, by these listings or by others."""
        tally = Tally()
        found = fact("packet_filter", self.sections if sections is None else sections)
        assert isinstance(found, PacketFilter)
        for plain in self.outcomes:
            if self.name.startswith(DATAGRAMS):
                count_try(tally, self.name, found, _sent(plain))
            else:
                trial, answer, seen = _trial(plain)
                said = said_of(found, trial, self.places)
                count_trial(tally, self.name, trial, said, (answer, seen))
        return tally


def recorded(kind: str) -> Iterator[RecordedCrossings]:
    """The recorded rulesets of a kind."""
    with lzma.open(FOLDER / f"{kind}.jsonl.xz", "rt", encoding="utf-8") as lines:
        for line in lines:
            plain = json.loads(line)
            sections = {
                name: Section(stdout.encode(), stderr.encode(), status)
                for name, (stdout, stderr, status) in plain["sections"].items()
            }
            at = {int(address): Where(where) for address, where in plain["places"].items()}
            yield RecordedCrossings(plain["name"], sections, Places(at), plain["outcomes"])


def _write(kind: str, built: Crossroads, rulesets: Iterator[tuple[int, Any, list[Any]]]) -> None:
    lines = []
    for seed, sections, outcomes in rulesets:
        plain = {
            "name": f"{kind} {seed}",
            "sections": {
                name: (section.stdout.decode(), section.stderr.decode(), section.status)
                for name, section in sections.items()
            },
            "places": {str(address): where.value for address, where in built.places.at.items()},
            "outcomes": outcomes,
        }
        lines.append(json.dumps(plain, separators=(",", ":")) + "\n")
    path = FOLDER / f"{kind}.jsonl.xz"
    path.write_bytes(lzma.compress("".join(lines).encode()))
    print(path)  # noqa: T201 - what the command made


def _crossings(built: Crossroads, kind: str) -> Iterator[tuple[int, Any, list[Any]]]:
    for seed in range(_RULESETS):
        load(built.ground, seed)
        sections = built.ground.sections()
        found = built.ground.packet_filter(sections)
        trials = built.trials(Random(f"{kind} {seed}"), kind, _EACH)
        expected = [said_of(found, trial, built.places) for trial in trials]
        outcomes = [
            [trial.kind, *_plain(trial.attempt), answer, seen]
            for trial, (answer, seen) in zip(trials, built.tried(trials, expected), strict=True)
        ]
        yield seed, sections, outcomes


def _datagrams(built: Postings) -> Iterator[tuple[int, Any, list[Any]]]:
    for seed in range(_RULESETS):
        load(built.ground, seed)
        sections = built.ground.sections()
        found = built.ground.packet_filter(sections)
        random = Random(f"datagrams {seed}")
        sent = built.sent(found, built.tries(random, _EACH), random)
        yield seed, sections, [_plain_try(one) for one in sent]


def _plain(attempt: Attempt) -> list[Any]:
    client = attempt.client
    ends = [attempt.family, attempt.source, attempt.target, attempt.port, attempt.sport]
    return [client.name, client.interface, *ends]


def _trial(plain: Sequence[Any]) -> tuple[Trial, bool, tuple[str, int] | None]:
    kind, name, interface, family, source, target, port, sport, answer, seen = plain
    client = Client(name, Path("/nowhere"), interface)
    attempt = Attempt(client, family, source, target, port, sport)
    return Trial(attempt, kind), answer, None if seen is None else (seen[0], seen[1])


def _plain_try(sent: Sent) -> list[Any]:
    one, earlier, there = sent
    sending = one.sending
    kind = [sending.protocol, sending.icmp_type, sending.icmp_code]
    ends = [sending.host.name, sending.family, sending.source, sending.target]
    return [*ends, *kind, one.way, one.near, one.to, one.back, earlier, there]


def _sent(plain: Sequence[Any]) -> Sent:
    name, *rest, way, near, to, back, earlier, there = plain
    sending = Sending(Client(name, Path("/nowhere"), ""), *rest)
    return Try(sending, way, near, to, back), earlier, there


def main() -> None:
    """Record all kinds."""
    with Lab() as lab, crossroads(lab) as built:
        for kind in CROSSINGS:
            _write(kind, built, _crossings(built, kind))
        with postings(built) as posts:
            _write(DATAGRAMS, built, _datagrams(posts))


if __name__ == "__main__":
    main()

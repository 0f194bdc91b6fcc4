"""What the kernel did with connections under rulesets, kept in files: replayed without root.

A file holds the rulesets of one kind, each a line of JSON: what the host's tools listed, as the
probe reads it, and each connection with the kernel's answer. It is packed, for listings are long
and alike.

::

    .venv/bin/python -m tests.lab.firewall.recording            # as root: all kinds anew
    .venv/bin/python -m tests.lab.firewall.recording nft        # or some
"""

from __future__ import annotations

import json
import lzma
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from nethygiene.subjects.links.ip.families import Family
from nethygiene.transcript import Section
from tests.lab.firewall.comparing import Ground, ground
from tests.lab.firewall.greeting import Attempt, Client
from tests.lab.firewall.kinds import KINDS, load
from tests.lab.firewall.model import said
from tests.lab.lab import Lab

FOLDER = Path(__file__).parents[2] / "unit" / "subjects" / "filter" / "kernel"
RULESETS = {"single": 24, "nft": 16, "iptables": 10, "iptables-legacy": 6, "both": 6}
"""How many of each kind; of the others four."""
_OTHERS = 4
_CONNECTIONS = 45


@dataclass(frozen=True, slots=True)
class Recorded:
    """A ruleset, and what became of connections under it.

    Attributes:
        name: kind and seed, for messages.
        sections: what the probe of the packet filter was answered.
        answers: connections, and whether the kernel let each in.
    """

    name: str
    sections: Mapping[str, Section]
    answers: Sequence[tuple[Attempt, bool]]


def path_of(kind: str) -> Path:
    """The file of a kind."""
    return FOLDER / f"{kind}.jsonl.xz"


def read(kind: str) -> Iterator[Recorded]:
    """The recorded rulesets of a kind."""
    with lzma.open(path_of(kind), "rt", encoding="utf-8") as lines:
        for line in lines:
            plain = json.loads(line)
            sections = {
                name: Section(stdout.encode(), stderr.encode(), status)
                for name, (stdout, stderr, status) in plain["sections"].items()
            }
            answers = [(_attempt(*fields), bool(answer)) for *fields, answer in plain["answers"]]
            yield Recorded(plain["name"], sections, answers)


def write(kind: str, rulesets: Sequence[Recorded]) -> None:
    """Write the file of a kind."""
    lines = []
    for one in rulesets:
        sections = {
            name: (section.stdout.decode(), section.stderr.decode(), section.status)
            for name, section in one.sections.items()
        }
        answers = [(*_fields(attempt), int(answer)) for attempt, answer in one.answers]
        plain = {"name": one.name, "sections": sections, "answers": answers}
        lines.append(json.dumps(plain, separators=(",", ":")))
    FOLDER.mkdir(exist_ok=True)
    path_of(kind).write_bytes(lzma.compress("".join(f"{one}\n" for one in lines).encode()))


def _fields(one: Attempt) -> tuple[str, str, str, str, str, int, int]:
    client = one.client
    return client.name, client.interface, one.family, one.source, one.target, one.port, one.sport


def _attempt(
    name: str, interface: str, family: Family, source: str, target: str, port: int, sport: int
) -> Attempt:
    client = Client(name, Path("/nowhere"), interface)
    return Attempt(client, family, source, target, port, sport)


def record(built: Ground, kind: str, seed: int) -> Recorded:
    """Give the target a ruleset, and connect."""
    load(built, kind, seed)
    attempts = built.attempts(Random(seed), _CONNECTIONS)
    sections = built.sections()
    found = built.packet_filter(sections)
    answers = built.answers(attempts, [said(found, attempt) for attempt in attempts])
    return Recorded(f"{kind} {seed}", sections, list(zip(attempts, answers, strict=True)))


def main(kinds: Sequence[str]) -> None:
    """Record these kinds, or all."""
    with Lab() as lab, ground(lab) as built:
        for kind in kinds or KINDS:
            seeds = range(RULESETS.get(kind, _OTHERS))
            write(kind, [record(built, kind, seed) for seed in seeds])
            print(path_of(kind))  # noqa: T201 - what the command made


if __name__ == "__main__":
    main(sys.argv[1:])

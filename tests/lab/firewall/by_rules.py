"""What the two firewall rules say of the target, against what connections show."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Sequence
from random import Random
from typing import Any

from nethygiene.collect.frames import cut_into_sections
from nethygiene.collect.script import compose, new_boundary
from nethygiene.engine.catalogue import all_probes
from nethygiene.transcript import Transcript
from tests.cases.case import judge, rules
from tests.lab.firewall.comparing import FAMILIES, PORTS, Ground
from tests.lab.firewall.greeting import PATIENCE, Attempt
from tests.lab.firewall.tally import Tally

_PROBES = ("packet_filter", "listeners", "listener_owners")
_SPORTS = (0, 20, 53, 1023, 5432)
"""Somebody who wants in tries these; 0 is one that clients use."""
_CLIENTS_USE = {"eth0": ("outer", "lo", "any-ip"), "eth1": ("inner", "lo", "any-ip")}
"""The places that clients are told of, by the target's interface: its own, and those of none."""


def compare_rules(ground: Ground, name: str, tally: Tally, random: Random) -> None:
    """Judge a few blocked ports and a few services, and try whether it is so."""
    blocked = random.sample(PORTS, 3)
    services: dict[str, Any] = {}
    asked: dict[str, list[Attempt]] = {}
    for number in range(6):
        family = random.choice(FAMILIES)
        client, source = random.choice(
            [
                (client, source)
                for client, source in ground.topology.sources[family]
                if client.name != "box" and not source.startswith(("fe80:", "169.254."))
            ]
        )
        port = random.choice(PORTS)
        services[f"s{number}"] = {"port": port, "allow_from": [source]}
        asked[f"s{number}"] = [
            Attempt(client, family, source, place.address, port)
            for place in ground.topology.places[family]
            if place.name in _CLIENTS_USE[client.interface]
        ]
    policy = {"services": services, "blocked_ports": {port: {} for port in blocked}}
    transcript = _transcript(ground)
    for verdict in judge(rules()["firewall-blocks-port"], transcript, policy):
        tries = list(_intruders(ground, int(str(verdict.item).split("-")[-1].split(":")[-1])))
        _count(tally, verdict.outcome.value, verdict.message)
        # Whom a failure means need not be among these clients.
        if verdict.outcome.value == "passed" and (inside := _first_open(ground, tries)):
            tally.wrong.append(f"{name}: blocks-port passed, and {inside} gets in")
    for verdict in judge(rules()["firewall-allows-service"], transcript, policy):
        _count(tally, verdict.outcome.value, verdict.message)
        tries = asked[str(verdict.item)]
        out = _first_closed(ground, tries, surely=verdict.outcome.value == "passed")
        if verdict.outcome.value == "passed" and out:
            tally.wrong.append(f"{name}: allows-service passed, and {out} is kept out")
        if verdict.outcome.value == "failed" and not out:
            tally.wrong.append(f"{name}: {tries[0]} and the like get in: {verdict.message}")


def _count(tally: Tally, outcome: str, message: str) -> None:
    tally.verdicts += 1
    tally.kernel[outcome] += 1
    if outcome == "unknown":
        tally.unknown += 1
        tally.reasons[message] += 1


def _transcript(ground: Ground) -> Transcript:
    commands = dict.fromkeys(one for name in _PROBES for one in all_probes()[name].commands)
    boundary = new_boundary()
    script = compose(tuple(commands), boundary=boundary, window=0)
    done = subprocess.run(
        ground.target._entering("/bin/sh", "-s"), input=script, capture_output=True, check=False
    )
    framed = cut_into_sections(done.stdout, done.stderr, boundary, None)
    assert framed.complete
    return Transcript("host", "address", "", 0.0, 0.1, sections=framed.sections)


def _intruders(ground: Ground, port: int) -> Iterable[Attempt]:
    for family in FAMILIES:
        ways = dict.fromkeys(ground.ways(family))
        for _, client, source, place in ways:
            # Who serves a port behind the host without NAT is told there, and not judged.
            if place.name != "box":
                for sport in _SPORTS:
                    yield Attempt(client, family, source, place.address, port, sport)


def _first_open(ground: Ground, attempts: Sequence[Attempt]) -> Attempt | None:
    ground.topology.forget()
    answers = ground.loop.connect(attempts)
    return next((one for one, answer in zip(attempts, answers, strict=True) if answer), None)


def _first_closed(ground: Ground, attempts: Sequence[Attempt], *, surely: bool) -> Attempt | None:
    ground.topology.forget()
    answers = ground.loop.connect(attempts)
    closed = [one for one, answer in zip(attempts, answers, strict=True) if not answer]
    for one in closed:
        ground.topology.forget()
        if not surely or not ground.loop.connect([one], patience=PATIENCE)[0]:
            return one
    return None

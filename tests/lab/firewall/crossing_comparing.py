"""The target as a client and as a router: what the model says, and what connections show.

Some connections come by the target in one direction alone. What a far host opens to a near one
goes straight there from their router, and its answers come by the target. What a near host opens
to a far one comes by the target, and its answers go straight back.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random

from nethygiene.subjects.filter.crossing import CrossingConnection
from nethygiene.subjects.filter.model.addresses import holds, parse_address
from nethygiene.subjects.links.ip.families import Family
from tests.lab.firewall.comparing import FAMILIES, PORTS, Ground, ground
from tests.lab.firewall.crossing_loading import load
from tests.lab.firewall.crossing_model import Places, Trial, Where, said_of
from tests.lab.firewall.greeting import PATIENCE, Attempt, Client
from tests.lab.firewall.model import Said
from tests.lab.firewall.tally import Tally, mistake
from tests.lab.firewall.topology import TARGET_INNER, VIPS
from tests.lab.lab import Lab

_QUIET = (
    "sysctl -qw net.ipv4.conf.all.accept_redirects=0 net.ipv6.conf.all.accept_redirects=0"
    " net.ipv4.conf.all.send_redirects=0 net.ipv4.tcp_synack_retries=0;"
    " for one in /proc/sys/net/ipv4/conf/*/*_redirects /proc/sys/net/ipv6/conf/*/accept_redirects;"
    " do echo 0 >$one; done"
)
"""Redirects would tell hosts another way than by the target.

An answer that is sent again would ask for the target, and so tell it the address of who answers.
"""
_AGAIN = 16
CROSSINGS = ("opened", "forwarded", "answers")
"""The kinds of connections that the target opens, forwards, or sees one direction of."""
_SPORTS = (20, 53, 123, 1023, 1024, 5432)


@dataclass(frozen=True)
class Crossroads:
    """The hosts, where each address is, and who may connect to what by the target."""

    ground: Ground
    places: Places
    ways: Mapping[str, Sequence[tuple[Client, Family, str, str]]]

    def trials(self, random: Random, kind: str, count: int) -> list[Trial]:
        """Connections to be tried, of one kind."""
        ways = list(self.ways[kind])
        found: list[Trial] = []
        while len(found) < count:
            random.shuffle(ways)
            for client, family, source, target in ways[: count - len(found)]:
                sport = random.choice(_SPORTS) if random.random() < 0.08 else 0
                attempt = Attempt(client, family, source, target, random.choice(PORTS), sport)
                found.append(Trial(attempt, kind))
        return list(dict.fromkeys(found))

    def compare(self, name: str, tally: Tally, trials: Sequence[Trial]) -> None:
        """Connect for real, and compare each answer with the model's."""
        found = self.ground.packet_filter()
        expected = [said_of(found, trial, self.places) for trial in trials]
        for trial, one, answer in zip(trials, expected, self.tried(trials, expected), strict=True):
            count_trial(tally, name, trial, one, answer)

    def tried(self, trials: Sequence[Trial], expected: Sequence[Said]) -> list[Outcome]:
        """Connect for real. It tries again where the outcome is not expected."""
        attempts = [trial.attempt for trial in trials]
        self.ground.topology.forget()
        loop = self.ground.loop
        answers = loop.connect(attempts)
        outcomes = [(answer, loop.seen.get(number)) for number, answer in enumerate(answers)]
        doubted = [
            number
            for number, ((answer, _), one) in enumerate(zip(outcomes, expected, strict=True))
            if mistake(attempts[number], one, answer=answer)
        ]
        for number in doubted[:_AGAIN]:
            self.ground.topology.forget()
            answer = loop.connect([attempts[number]], patience=PATIENCE)[0]
            outcomes[number] = (answer, loop.seen.get(0))
        return outcomes


Outcome = tuple[bool, tuple[str, int] | None]
"""Whether a connection got the greeting, and the client's address and port that the service saw."""


def count_trial(tally: Tally, name: str, trial: Trial, said: Said, outcome: Outcome) -> None:
    """Count a connection, and whether it comes from where the model says."""
    answer, seen = outcome
    tally.count(name, trial.attempt, said, answer=answer)
    if said.verdict != "open" or seen is None or said.left is None:
        return
    if said.left.source is None:
        tally.kernel["source unknown"] += 1
    if told := _astray(said.left, seen):
        tally.wrong.append(f"{name}: {trial.attempt}: {told}")


def _astray(left: CrossingConnection, seen: tuple[str, int]) -> str:
    """What the model got wrong of where a connection comes from, as the service saw it."""
    if left.source in {None, _number(seen[0])} and holds(left.source_ports, seen[1]):
        return ""
    return f"the model says that it comes from {left}, the service saw {seen}"


@contextmanager
def crossroads(lab: Lab) -> Iterator[Crossroads]:
    """The ground, with services on all hosts, and no redirects."""
    with ground(lab) as built:
        topology = built.topology
        built.target.shell("for one in 172.20.0.2 fd20::2; do ip neigh del $one dev br0; done")
        for host in topology.hosts:
            command = ["nsenter", f"--net={host}", "sh", "-c", _QUIET]
            subprocess.run(command, check=True, capture_output=True)
        clients = {client for family in FAMILIES for client, _ in topology.sources[family]}
        for client in clients:
            if client.name != "box":
                built.loop.listen(client.namespace, PORTS)
        yield Crossroads(built, _places(built), _ways(built))


def _where(client: Client) -> Where:
    return Where.FAR if client.name == "far" else Where(client.interface)


def _places(built: Ground) -> Places:
    at: dict[int, Where] = {}
    for family in FAMILIES:
        for client, address in built.topology.sources[family]:
            at[_number(address)] = _where(client)
        for place in built.topology.places[family]:
            if place.name != "box":
                at[_number(place.address)] = Where.TARGET
        at[_number("127.0.0.1" if family == "ipv4" else "::1")] = Where.TARGET
    return Places(at)


def _ways(built: Ground) -> dict[str, list[tuple[Client, Family, str, str]]]:
    target = Client("target", built.topology.namespace, "")
    ways: dict[str, list[tuple[Client, Family, str, str]]] = {kind: [] for kind in CROSSINGS}
    for family in FAMILIES:
        ends = [
            (client, address)
            for client, address in built.topology.sources[family]
            if not address.startswith(("fe80:", "169.254."))
        ]
        six = family == "ipv6"
        own = built.target.address6 if six else built.target.address
        inner = TARGET_INNER[six].partition("/")[0]
        for address in _own(built, family):
            ways["opened"] += [(target, family, source, address) for source in ("", inner)]
        for client, address in ends:
            sources = ("", "", own, inner, VIPS[six])
            ways["opened"] += [(target, family, source, address) for source in sources]
            for other, source in ends:
                pair = (_where(other), _where(client))
                if pair == (Where.FAR, Where.OUTER):
                    ways["answers"] += [(other, family, source, address)] * 2
                elif pair == (Where.OUTER, Where.FAR):
                    ways["answers"].append((other, family, source, address))
                elif pair[0] is not pair[1]:
                    ways["forwarded"].append((other, family, source, address))
    return ways


def _own(built: Ground, family: Family) -> list[str]:
    """Addresses of the target itself, to which it connects over lo."""
    places = [place for place in built.topology.places[family] if place.name != "box"]
    own = [place.address for place in places if not place.address.startswith(("fe80:", "169."))]
    return [*own, "127.0.0.1" if family == "ipv4" else "::1"]


def _number(text: str) -> int:
    parsed = parse_address(text)
    assert parsed is not None, text
    return parsed[0]


def judge_crossings(built: Crossroads, kind: str, seed: int, *, count: int) -> Tally:
    """Load the ruleset of this seed, and compare so many connections of one kind."""
    tally = Tally()
    load(built.ground, seed)
    trials = built.trials(Random(f"{kind} {seed}"), kind, count)
    built.compare(f"{kind} {seed}", tally, trials)
    return tally

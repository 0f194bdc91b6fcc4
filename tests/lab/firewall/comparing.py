"""The target with a ruleset, and the comparison of the model with what its kernel does."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random

from nethygiene.collect.frames import cut_into_sections
from nethygiene.collect.script import compose, new_boundary
from nethygiene.engine.catalogue import all_probes
from nethygiene.engine.outcomes import Unreadable
from nethygiene.subjects.filter.filter_fact import PacketFilter
from nethygiene.subjects.links.ip.families import Family
from nethygiene.transcript import Section
from tests.lab.firewall.greeting import PATIENCE, Attempt, Client, Loop
from tests.lab.firewall.model import Said, said
from tests.lab.firewall.routing_rules import FORGET
from tests.lab.firewall.tally import Tally, mistake
from tests.lab.firewall.topology import Place, Topology, topology
from tests.lab.host import LabHost
from tests.lab.lab import Lab
from tests.unit.sections import fact

PORTS = tuple(range(2000, 2024))
"""The ports that are listened on, and that the rules are about."""
_AGAIN = 16
"""So many of the mistakes are looked at once more: one is enough to fail."""
FLUSH = (
    "nft flush ruleset; for t in filter nat mangle raw security; do for f in iptables ip6tables; do"
    " grep -qx $t /proc/net/${f%tables}_tables_names 2>/dev/null || continue;"
    " for c in INPUT PREROUTING FORWARD OUTPUT POSTROUTING; do"
    " $f-legacy -t $t -P $c ACCEPT 2>/dev/null; done; $f-legacy -t $t -F; $f-legacy -t $t -X;"
    " done; done; true"
)

THOROUGH = bool(os.environ.get("NETHYGIENE_TRUTH"))
"""Whether the whole comparison runs: ``make truth`` sets it."""


@dataclass(frozen=True)
class Ground:
    """The hosts, and the loop that connects them."""

    topology: Topology
    loop: Loop

    @property
    def target(self) -> LabHost:
        """The host with the filter."""
        return self.topology.target

    def flush(self) -> None:
        """Take all rules away, and the routing rules that no host has by itself."""
        self.target.shell(f"{FORGET}; {FLUSH}")

    def load(self, text: str, *command: str) -> str:
        """Load a ruleset, without the lines that the tool refuses: `command` reads it.

        Returns the text that was taken.
        """
        lines = text.split("\n")
        for _ in range(60):
            done = self.target.run(*command, text="\n".join(lines), check=False)
            if done.returncode == 0:
                return "\n".join(line for line in lines if line)
            refused = _REFUSED.search(done.stderr)
            assert refused, done.stderr
            number = int(refused[1] or refused[2] or refused[3]) - 1
            # COMMIT fails as a whole for a rule that only the kernel refuses.
            assert lines[number] != "COMMIT", f"{done.stderr}\n{text}"
            lines[number] = ""
        raise AssertionError(f"nothing is left: {text}")

    def sections(self) -> Mapping[str, Section]:
        """What the target answers to the probe, by the script that hosts are sent."""
        commands = all_probes()["packet_filter"].commands
        boundary = new_boundary()
        script = compose(commands, boundary=boundary, window=0)
        done = subprocess.run(
            self.target._entering("/bin/sh", "-s"), input=script, capture_output=True, check=False
        )
        framed = cut_into_sections(done.stdout, done.stderr, boundary, None)
        assert framed.complete
        return framed.sections

    def packet_filter(self, sections: Mapping[str, Section] | None = None) -> PacketFilter:
        """The fact, as the target is now unless it has answered already."""
        found = fact("packet_filter", self.sections() if sections is None else sections)
        assert isinstance(found, PacketFilter), found
        assert not isinstance(found._host, Unreadable), found._host
        return found

    def attempts(
        self,
        random: Random,
        count: int,
        *,
        ports: Sequence[int] = PORTS,
        more: Sequence[Place] = (),
    ) -> list[Attempt]:
        """Connections to be tried: every source to some address of each kind, at some ports.

        Args:
            random: chooses them.
            count: how many, or a few less.
            ports: which are connected to.
            more: places beside those that the target always has.
        """
        ways = [way for family in FAMILIES for way in self.ways(family, more)]
        found: list[Attempt] = []
        while len(found) < count:
            random.shuffle(ways)
            for family, client, source, place in ways[: count - len(found)]:
                sport = random.choice(_SPORTS) if random.random() < _OWN_PORT else 0
                port = random.choice(ports)
                found.append(Attempt(client, family, source, place.address, port, sport))
        return list(dict.fromkeys(found))

    def ways(
        self, family: Family, more: Sequence[Place] = ()
    ) -> Iterator[tuple[Family, Client, str, Place]]:
        """Who may connect to what, as often as it is to be tried."""
        others = [one for one in more if (":" in one.address) is (family == "ipv6")]
        for client, source in self.topology.sources[family]:
            for place in (*self.topology.places[family], *others):
                if _has_a_way(client, source, place):
                    for _ in range(_WEIGHT.get(place.name, 1)):
                        yield family, client, source, place

    def compare(self, name: str, tally: Tally, attempts: Sequence[Attempt]) -> None:
        """Connect for real, and compare each answer with the model's."""
        found = self.packet_filter()
        expected = [said(found, attempt) for attempt in attempts]
        answers = self.answers(attempts, expected)
        for attempt, answer, one in zip(attempts, answers, expected, strict=True):
            tally.count(name, attempt, one, answer=answer)

    def answers(self, attempts: Sequence[Attempt], expected: Sequence[Said]) -> list[bool]:
        """Connect for real: whether each gets in. It tries again where that is not expected."""
        answers = self._tried(attempts)
        doubted = [
            number
            for number, (answer, one) in enumerate(zip(answers, expected, strict=True))
            if mistake(attempts[number], one, answer=answer)
        ]
        for number in doubted[:_AGAIN]:
            # At leisure, and alone: neighbours that others made known are flushed.
            self.topology.forget()
            answers[number] = self.loop.connect([attempts[number]], patience=PATIENCE)[0]
        return answers

    def _tried(self, attempts: Sequence[Attempt]) -> list[bool]:
        """Each attempt's answer; those on one link and those that go through are tried apart.

        Else the one would make known to the neighbours what the other needs to ask for.
        """
        answers = [False] * len(attempts)
        on_link = [self._is_on_link(attempt) for attempt in attempts]
        for half in (True, False):
            numbers = [number for number, one in enumerate(on_link) if one is half]
            self.topology.forget()
            found = self.loop.connect([attempts[number] for number in numbers])
            for number, answer in zip(numbers, found, strict=True):
                answers[number] = answer
        return answers

    def _is_on_link(self, attempt: Attempt) -> bool:
        return attempt.client.name != "far" and any(
            attempt.client.interface in place.on_link
            for place in self.topology.places[attempt.family]
            if place.address == attempt.target
        )


def _has_a_way(client: Client, source: str, place: Place) -> bool:
    if place.only and (client.name == "far" or client.interface not in place.only):
        return False
    if client.name == "box" and place.name == "box":
        return False
    # Link-local clients talk to link-local addresses.
    return place.name == "link-local" or not source.startswith(("169.254.", "fe80:"))


FAMILIES: tuple[Family, ...] = ("ipv4", "ipv6")
_WEIGHT = {"outer": 4, "inner": 2, "lo": 2}
_OWN_PORT = 0.08
_SPORTS = (20, 53, 80, 123, 443, 1023, 1024, 5432)
_REFUSED = re.compile(
    r"stdin:(\d+):|line (\d+)(?: failed|: RULE_APPEND)|Error occurred at line: (\d+)"
)


@contextmanager
def ground(lab: Lab) -> Iterator[Ground]:
    """The hosts, with nothing filtered, and services at all ports of the target and its box."""
    with topology(lab) as built:
        loop = Loop()
        try:
            for namespace in (built.namespace, built.box):
                loop.listen(namespace, PORTS)
            built.target.run("ipset", "restore", text=IPSETS)
            yield Ground(built, loop)
        finally:
            loop.close()


IPSETS = """\
create four hash:net family inet
add four 198.18.200.2
add four 10.77.0.0/30
create six hash:net family inet6
add six fd42:198:18::c2
add six fd77::/126
create pairs hash:net,port family inet
add pairs 198.18.200.0/24,tcp:2001
add pairs 10.77.0.9,tcp:2002
create sixpairs hash:net,port family inet6
add sixpairs fd77::/64,tcp:2001
create ports bitmap:port range 2000-2100
add ports 2003
add ports 2005-2008
create vips hash:ip family inet
add vips 192.0.2.21
create banned hash:ip family inet timeout 3600
add banned 203.0.113.7
"""

"""The target, its clients, and the comparison of the model with what its kernel does."""

from __future__ import annotations

import os
import re
import subprocess
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from nethygiene.collect.frames import cut_into_sections
from nethygiene.collect.script import compose, new_boundary
from nethygiene.facts.packet_filter import PacketFilter
from nethygiene.firewall.addresses import parse_address
from nethygiene.outcomes import Unreadable
from nethygiene.probes import all_probes
from tests.lab.firewall.connecting import Attempt, connect, listen
from tests.lab.firewall.rulesets import FOUR, IPSETS, PORTS, SIX
from tests.lab.host import LabHost
from tests.lab.lab import Lab
from tests.unit.probes.sections import fact

_QUICK, _SURE = 0.35, 2.5
FLUSH = (
    "nft flush ruleset; for t in filter nat mangle raw; do for f in iptables ip6tables; do"
    " grep -qx $t /proc/net/${f%tables}_tables_names 2>/dev/null || continue;"
    " $f-legacy -t $t -P INPUT ACCEPT 2>/dev/null; $f-legacy -t $t -P PREROUTING ACCEPT"
    " 2>/dev/null; $f-legacy -t $t -F; $f-legacy -t $t -X; done; done; true"
)


@dataclass
class Tally:
    """How the model did.

    Attributes:
        verdicts: how many (ruleset, source, port) were compared.
        unknown: those that the model leaves open.
        wrong: one line for each that it got wrong.
        answers: what the kernel did.
    """

    verdicts: int = 0
    unknown: int = 0
    wrong: list[str] = field(default_factory=list)
    answers: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        share = 100 * self.unknown / max(1, self.verdicts)
        return (
            f"{self.verdicts} verdicts, {len(self.wrong)} wrong, {self.unknown} unknown "
            f"({share:.1f} %); the kernel: {dict(self.answers)}"
        )


@dataclass(frozen=True)
class Ground:
    """The host with the filter, and the host with all the sources."""

    target: LabHost
    client: LabHost
    addresses: Mapping[str, str]

    def flush(self) -> None:
        """Take all rules away."""
        self.target.shell(FLUSH)

    def load(self, text: str, *command: str) -> None:
        """Load a ruleset, without the lines that the tool refuses: `command` reads it."""
        lines = text.split("\n")
        for _ in range(60):
            done = self.target.run(*command, text="\n".join(lines), check=False)
            if done.returncode == 0:
                return
            refused = _REFUSED.search(done.stderr)
            assert refused, done.stderr
            number = int(refused[1] or refused[2] or refused[3]) - 1
            # COMMIT fails as a whole for a rule that only the kernel refuses.
            assert lines[number] != "COMMIT", f"{done.stderr}\n{text}"
            lines[number] = ""
        raise AssertionError(f"nothing is left: {text}")

    def packet_filter(self) -> PacketFilter:
        """The fact, by the script that hosts are sent."""
        commands = all_probes()["packet_filter"].commands
        boundary = new_boundary()
        script = compose(commands, boundary=boundary, window=0)
        done = subprocess.run(
            self.target._entering("/bin/sh", "-s"), input=script, capture_output=True, check=False
        )
        framed = cut_into_sections(done.stdout, done.stderr, boundary, None)
        assert framed.complete
        found = fact("packet_filter", framed.sections)
        assert isinstance(found, PacketFilter), found
        assert not isinstance(found._host, Unreadable), found._host
        return found

    def compare(self, name: str, tally: Tally, *, sources: Sequence[str] = FOUR + SIX) -> None:
        """Connect for real, and compare each answer with the model's."""
        found = self.packet_filter()
        attempts: list[Attempt] = [
            (source, self.addresses[source], port) for source in sources for port in PORTS
        ]
        answers = connect(self.client, attempts, _QUICK)
        said = [_model(found, attempt) for attempt in attempts]
        # A busy machine may answer late: ask again, at leisure, before calling it a mistake.
        late = [
            number
            for number, (answer, verdict) in enumerate(zip(answers, said, strict=True))
            if verdict[0] == "open" and answer == "silent"
        ]
        if late:
            again = connect(self.client, [attempts[number] for number in late], _SURE)
            for number, answer in zip(late, again, strict=True):
                answers[number] = answer
        for attempt, answer, (verdict, why) in zip(attempts, answers, said, strict=True):
            tally.verdicts += 1
            tally.answers[answer] += 1
            if verdict == "unknown":
                tally.unknown += 1
            elif (answer == "open") is not (verdict == "open"):
                told = f"the kernel {answer}, the model {verdict}: {why}"
                tally.wrong.append(f"{name}: {attempt}: {told}")


def _model(found: PacketFilter, attempt: Attempt) -> tuple[str, str]:
    source, target, port = attempt
    number, family = parse_address(source) or (0, "ipv4")
    local = parse_address(target)
    assert local is not None
    paths = list(found.paths(family, ((number, number),), frozenset({local[0]}), None))
    assert len(paths) == 1, (attempt, paths)
    judged = found.judge(paths[0], port, ephemeral=True)
    assert judged.asked.bit_count() == 1
    if judged.surely_in:
        event = judged.pass_by(judged.asked)
        return "open", str(event.rule if event else None)
    if judged.undecided:
        return "unknown", str(judged.doubt(judged.asked))
    event = judged.loss(judged.asked)
    return "closed", str(event.rule if event else None)


@contextmanager
def ground(lab: Lab) -> Iterator[Ground]:
    """Two hosts on two networks, the one listening, the other with all the sources."""
    target, client = lab.hosts("filter-target", "filter-client")
    target.attach("lan2", "10.77.0.100/24", "fd77::100/64")
    client.attach("lan2", *(f"{one}/24" for one in FOUR if one.startswith("10.")))
    for one in FOUR:
        if one.startswith("198."):
            client.run("ip", "addr", "add", f"{one}/16", "dev", "eth0")
    for one in SIX:
        device = "eth1" if one.startswith("fd77") else "eth0"
        client.run("ip", "addr", "add", f"{one}/64", "dev", device, "nodad")
    target.run("ipset", "restore", text=IPSETS)
    addresses = dict.fromkeys(FOUR, target.address) | dict.fromkeys(SIX, target.address6)
    addresses |= {one: "10.77.0.100" for one in FOUR if one.startswith("10.")}
    addresses |= {one: "fd77::100" for one in SIX if one.startswith("fd77")}
    _acquaint(target, client, FOUR + SIX)
    _acquaint(client, target, tuple(dict.fromkeys(addresses.values())))
    listener = listen(target, PORTS)
    try:
        yield Ground(target, client, addresses)
    finally:
        listener.communicate()
        for host in (target, client):
            lab.remove(host)


def _acquaint(host: LabHost, other: LabHost, addresses: Sequence[str]) -> None:
    """Tell a host the other's MAC addresses: rules that drop neighbour discovery are not meant."""
    macs = {
        device: other.run("cat", f"/sys/class/net/{device}/address").stdout.strip()
        for device in ("eth0", "eth1")
    }
    for one in addresses:
        device = "eth1" if one.startswith(("10.", "fd77")) else "eth0"
        entry = (one, "lladdr", macs[device], "dev", device, "nud", "permanent")
        host.run("ip", "neigh", "replace", *entry)


_REFUSED = re.compile(
    r"stdin:(\d+):|line (\d+)(?: failed|: RULE_APPEND)|Error occurred at line: (\d+)"
)

THOROUGH = bool(os.environ.get("NETHYGIENE_TRUTH"))
"""Whether the whole comparison runs: ``make truth`` sets it."""

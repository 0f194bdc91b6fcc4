"""A host with a service, and a neighbour that connects to it: what rules say, and what is so."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any

from nethygiene.collect.frames import cut_into_sections
from nethygiene.collect.script import compose, new_boundary
from nethygiene.engine.catalogue import commands_for
from nethygiene.engine.decision import Verdict
from nethygiene.inventory.policy import policy_from_plain
from nethygiene.markup import Form, blocks
from nethygiene.transcript import Transcript
from tests.cases.case import judge, rules
from tests.lab.host import LabHost
from tests.lab.lab import Lab

ALLOWS, BLOCKS, LEGACY = (
    "firewall-allows-service",
    "firewall-blocks-port",
    "legacy-port-still-served",
)

_SERVE = r"""
import selectors, socket, sys
watch = selectors.DefaultSelector()
for one in sys.argv[1:]:
    address, _, port = one.rpartition("|")
    made = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if ":" in address:
        made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    made.bind(socket.getaddrinfo(address, int(port))[0][4])
    made.listen(64)
    watch.register(made, selectors.EVENT_READ)
watch.register(sys.stdin, selectors.EVENT_READ)
print("ready", flush=True)
held = []
while True:
    for key, _ in watch.select():
        if key.fileobj is sys.stdin:
            sys.exit(0)
        held.append(key.fileobj.accept()[0])
        held[-1].sendall(b"220 here\r\n")
"""
_CONNECT = r"""
import socket, sys
address, port, source, sport, seconds = sys.argv[1:6]
one = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
one.settimeout(float(seconds))
try:
    if source or sport != "0":
        name = source or ("::" if ":" in address else "0.0.0.0")
        one.bind(socket.getaddrinfo(name, int(sport), type=socket.SOCK_STREAM)[0][4])
    one.connect(socket.getaddrinfo(address, int(port), type=socket.SOCK_STREAM)[0][4])
    print("open" if one.recv(64) else "closed")
except OSError:
    print("closed")
"""
_LONG, _SHORT = 10.0, 1.6
_numbers = count(1)


@dataclass(frozen=True)
class Stage:
    """The host, its neighbour, and the programs that end with the test."""

    target: LabHost
    client: LabHost
    stack: ExitStack

    def serve(self, port: int, *addresses: str) -> None:
        """Have the host greet whoever connects, at all addresses unless some are named."""
        ends = [f"{one}|{port}" for one in addresses or ("0.0.0.0", "::")]
        self.stack.enter_context(self.target.program(_SERVE, *ends))

    def verdict(self, rule: str, policy: Mapping[str, Any]) -> Verdict:
        """What a rule says of the host as it is now."""
        judged = rules()[rule]
        commands = commands_for(judged.probes, policy_from_plain(dict(policy)))
        boundary = new_boundary()
        done = subprocess.run(
            self.target._entering("/bin/sh", "-s"),
            input=compose(commands, boundary=boundary, window=0),
            capture_output=True,
            check=True,
        )
        framed = cut_into_sections(done.stdout, done.stderr, boundary, None)
        assert framed.complete
        transcript = Transcript("host", "", "", 0.0, 0.0, privileged=True, sections=framed.sections)
        (verdict,) = judge(judged, transcript, policy)
        return verdict

    def mend(self, verdict: Verdict) -> None:
        """Run all commands of a finding's remedy, word for word."""
        commands = [
            line
            for block in blocks(verdict.remedy)
            if block.form is Form.COMMANDS
            for line in block.lines
        ]
        assert commands, verdict
        self.target.shell("\n".join(["set -e", *commands]))

    def reaches(self, port: int, to: str = "", source: str = "", sport: int = 0) -> bool:
        """Whether the neighbour gets the greeting, given time."""
        return self._connected(port, to, source, sport, _LONG)

    def is_kept_out(self, port: int, to: str = "", source: str = "", sport: int = 0) -> bool:
        """Whether it does not: a retransmitted SYN is waited for."""
        return not self._connected(port, to, source, sport, _SHORT)

    def _connected(self, port: int, to: str, source: str, sport: int, seconds: float) -> bool:
        arguments = (to or self.target.address, str(port), source, str(sport), str(seconds))
        return self.client.python(_CONNECT, *arguments).strip() == "open"


@contextmanager
def stage(lab: Lab) -> Iterator[Stage]:
    """Two fresh hosts on one network."""
    number = next(_numbers)
    target, client = lab.hosts(f"stage-{number}", f"neighbour-{number}")
    try:
        with ExitStack() as stack:
            yield Stage(target, client, stack)
    finally:
        for host in (target, client):
            lab.remove(host)

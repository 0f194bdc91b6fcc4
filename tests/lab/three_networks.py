"""A client, two routers and a server on three networks, and what the rule says of their way.

    client eth0 --+-- eth0 router eth1 --+-- eth0 server
                  +-- eth0 detour eth1 --+

The client's and the server's default routes lead to the router; the detour is another way.
"""

from __future__ import annotations

import subprocess
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import yaml

from nethygiene.collect.frames import cut_into_sections
from nethygiene.collect.script import compose, new_boundary
from nethygiene.engine.across import FactsOfRun
from nethygiene.engine.catalogue import commands_for, versions
from nethygiene.engine.decision import Verdict
from nethygiene.engine.evaluate_ends import evaluate_ends
from nethygiene.engine.judging import HostTask, judge_host
from nethygiene.engine.outcomes import Reason, Unreadable
from nethygiene.inventory.load import load_inventory
from nethygiene.inventory.naming import HostAddresses, addressed
from nethygiene.inventory.policy import Policy
from nethygiene.markup import Form, blocks
from nethygiene.transcript import Transcript
from tests.cases.case import rules
from tests.lab.host import Family, LabHost
from tests.lab.lab import Lab

PORT = 7432
CLIENT, SERVER = "client", "server"
NAMES = (CLIENT, "router", "detour", SERVER)
CLIENTS = {"client": 2, "router": 1, "detour": 3}
"""The hosts on the client's network, and the last part of their addresses there."""
SERVERS = {"server": 2, "router": 1, "detour": 3}

_GREET = r"""
import selectors, socket, sys
watch = selectors.DefaultSelector()
for end in sys.argv[1:]:
    address, _, port = end.rpartition("|")
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
_DIAL = r"""
import socket, sys
address, port, seconds = sys.argv[1:]
dialled = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
dialled.settimeout(float(seconds))
try:
    dialled.connect((address, int(port)))
    print("open" if dialled.recv(64) else "closed")
except OSError:
    print("closed")
"""
_LONG, _SHORT = 10.0, 1.6
_NEAR, _FAR = "paths-near", "paths-far"
_numbers = count(1)


@dataclass
class Networks:
    """The hosts, by name, and the programs that end with them."""

    hosts: Mapping[str, LabHost]
    number: int
    lab: Lab
    stack: ExitStack = field(default_factory=ExitStack)

    def client_side(self, name: str, family: Family) -> str:
        """A host's address on the client's network."""
        return _address(family, self.number, 1, CLIENTS[name])

    def server_side(self, name: str, family: Family) -> str:
        """A host's address on the server's network."""
        return _address(family, self.number, 2, SERVERS[name])

    def serve(self, *ends: str) -> None:
        """Have the server greet whoever connects, at all addresses unless some are named."""
        given = ends or (f"0.0.0.0|{PORT}", f"::|{PORT}")
        self.stack.enter_context(self.hosts[SERVER].program(_GREET, *given))

    def connects(self, address: str, *, expected: bool) -> bool:
        """Whether the client gets the greeting: a retransmitted SYN is waited for at least."""
        seconds = _LONG if expected else _SHORT
        said = self.hosts[CLIENT].python(_DIAL, address, str(PORT), str(seconds))
        return said.strip() == "open"

    def verdict(
        self,
        upstream: Mapping[str, Any],
        service: Mapping[str, Any] | None = None,
        outside: Collection[str] = (),
        hidden: Collection[tuple[str, str]] = (),
    ) -> Verdict:
        """What the rule says of the client.

        Args:
            upstream: more of the upstream.
            service: more of the service.
            outside: hosts that are not in the inventory.
            hidden: facts that cannot be read, by host and probe.
        """
        rule = rules()["upstream-reachable"]
        policies: dict[str, Any] = {
            CLIENT: {"upstreams": {"database": {"to": f"{SERVER}/pg", **upstream}}},
            SERVER: {"services": {"pg": {"port": PORT, **(service or {})}}},
        }
        inside = [name for name in NAMES if name not in outside]
        hosts = {name: {"nethygiene": policies.get(name, {})} for name in inside}
        path = self.lab.directory / f"networks-{self.number}.yaml"
        path.write_text(yaml.safe_dump({"all": {"hosts": hosts}}))
        inventory = load_inventory(path)
        facts, known = FactsOfRun(), {}
        for host in inventory.hosts:
            answer = self._answer(host.name, rule.probes)
            kept = judge_host(HostTask(host.policy, answer, (), rule.probes)).facts
            interfaces: Any = kept["interfaces"]
            known[host.name] = interfaces.addresses_for_others()
            unread = Unreadable(Reason.PERMISSION, "a command", "permission denied")
            facts.by_host[host.name] = {
                probe: unread if (host.name, probe) in hidden else fact
                for probe, fact in kept.items()
            }
        declared = next(host.policy for host in inventory.hosts if host.name == CLIENT)
        named: Mapping[str, HostAddresses] = known
        policy = addressed(declared, inventory.directory, named)
        (verdict,) = evaluate_ends(rule, CLIENT, policy.upstreams["database"], facts)
        return verdict

    def _answer(self, name: str, probes: Collection[str]) -> Transcript:
        commands = commands_for(sorted(probes), Policy())
        boundary = new_boundary()
        done = subprocess.run(
            self.hosts[name]._entering("/bin/sh", "-s"),
            input=compose(commands, boundary=boundary, window=0),
            capture_output=True,
            check=True,
        )
        framed = cut_into_sections(done.stdout, done.stderr, boundary, None)
        assert framed.complete
        return Transcript(
            *(name, "", "", 0.0, 0.0),
            privileged=True,
            probes=versions(probes),
            sections=framed.sections,
        )

    def mend(self, verdict: Verdict, host: str) -> None:
        """Run all commands of a finding's remedy on a host, word for word."""
        commands = [
            line
            for block in blocks(verdict.remedy)
            if block.form is Form.COMMANDS
            for line in block.lines
        ]
        assert commands, verdict
        self.hosts[host].shell("\n".join(["set -e", *commands]))


def _address(family: Family, number: int, network: int, last: int) -> str:
    if family == "ipv4":
        return f"10.{70 + network}.{number}.{last}"
    return f"fd7{network}:{number:x}::{last}"


@contextmanager
def networks(lab: Lab) -> Iterator[Networks]:
    """Fresh hosts on fresh networks; everything works."""
    number = next(_numbers)
    hosts: dict[str, LabHost] = {}

    def on(network: int, last: int) -> list[str]:
        families: tuple[tuple[Family, int], ...] = (("ipv4", 24), ("ipv6", 64))
        return [f"{_address(family, number, network, last)}/{bits}" for family, bits in families]

    try:
        for name in NAMES:
            first = on(2, SERVERS[name]) if name == SERVER else on(1, CLIENTS[name])
            hosts[name] = lab.host(
                f"{name}-{number}",
                addresses=first,
                bridge=_FAR if name == SERVER else _NEAR,
                known=False,
            )
        for name in ("router", "detour"):
            hosts[name].attach(_FAR, *on(2, SERVERS[name]))
            hosts[name].shell("sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1")
        made = Networks(hosts, number, lab)
        for family, option in (("ipv4", "-4"), ("ipv6", "-6")):
            six: Family = "ipv6" if family == "ipv6" else "ipv4"
            to_router = f"ip {option} route add default via"
            hosts[CLIENT].shell(f"{to_router} {made.client_side('router', six)}")
            hosts[SERVER].shell(f"{to_router} {made.server_side('router', six)}")
        with made.stack:
            yield made
    finally:
        for host in hosts.values():
            lab.remove(host)

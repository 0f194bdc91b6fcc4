"""All rows at once: one audit of a fleet in which most hosts have a fault, and a few have none."""

from __future__ import annotations

import contextlib
import secrets
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Literal

from tests.lab.audit import AuditRun, audit
from tests.lab.connections.faults.fault import Fault, Said
from tests.lab.connections.faults.network import UNKNOWN_NAME
from tests.lab.connections.faults.stage import Stage
from tests.lab.connections.faults.table import TABLE
from tests.lab.connections.servers import Keys
from tests.lab.footprint import VARIABLE, Footprint
from tests.lab.inventory import Policy, Variables, write_entries
from tests.lab.lab import Lab

Kind = Literal["paramiko", "ssh"]
KINDS: tuple[Kind, ...] = ("paramiko", "ssh")

CONNECT_SECONDS = 30.0
COMMAND_SECONDS = 10.0
WINDOW_SECONDS = 0.3
"""Deadlines of the fleet: ample, for all of it shares the machine with the hosts themselves."""

POLICY: Policy = {
    "services": {"ssh": {"port": 22, "backlog": 128, "keepalive": "any"}},
    "min_somaxconn": 128,
    "icmp_redirects": "accept",
    "rp_filter": "disabled",
}
"""Something to judge for many a rule."""

RULES = "reachability or accept_queue or counters or sysctl or keepalive or redirects or somaxconn"
"""Enough of all kinds; each further one would be judged for a hundred hosts."""

MARK = "NETHYGIENE_FAULTS_RUN"
"""Environment variable by which a run knows its processes, and theirs."""


class Hop(Enum):
    """Which host on the way has the fault."""

    ITSELF = ""
    BEHIND_JUMP = "-behind-jump"
    JUMP = "-jump"


@dataclass(frozen=True, slots=True)
class Row:
    """A fault, of one host, over one kind of connection."""

    fault: Fault
    kind: Kind
    hop: Hop = Hop.ITSELF

    @property
    def host(self) -> str:
        """The host's name in the inventory."""
        return f"{self.fault.name}{self.hop.value}-{self.kind}"

    @property
    def said(self) -> Said:
        """What host-reachable says of it."""
        if self.hop is Hop.BEHIND_JUMP and self.fault.behind is not None:
            return self.fault.behind
        return self.fault.paramiko if self.kind == "paramiko" else self.fault.ssh


ROWS = tuple(
    Row(fault, kind, hop)
    for fault in TABLE
    for kind in KINDS
    for hop in (Hop if fault.hops else (Hop.ITSELF,))
)

HEALTHY = ("healthy-paramiko", "healthy-ssh", "healthy-behind-jump-paramiko")


@dataclass(frozen=True, slots=True)
class Audited:
    """The audit of all rows.

    Attributes:
        run: what it came to.
        footprint: what its process took, and held at its end.
        orphans: command lines of processes that it left behind.
        variables: of each host, as the inventory has them.
        addresses: of what has the fault: the host itself, or its jump host.
        secrets: texts that must be in nothing that the audit wrote.
        written: all that it wrote: to the terminal, the results and the reports.
    """

    run: AuditRun = field(repr=False)
    footprint: Footprint
    orphans: list[str]
    variables: Mapping[str, Variables] = field(repr=False)
    addresses: Mapping[str, str]
    secrets: tuple[str, ...]
    written: str = field(repr=False)


def audit_all(lab: Lab, keys: Keys, directory: Path, stack: ExitStack) -> Audited:
    """Make every fault and audit them together; `stack` undoes what is made."""
    before = lab.known_hosts.read_text()
    stack.callback(lab.known_hosts.write_text, before)
    jump, *well = lab.hosts("healthy-jump", *HEALTHY)
    for host in (jump, *well):
        stack.callback(lab.remove, host)
    through = f"-J root@{jump.address}"
    entries: dict[str, Variables] = {}
    addresses: dict[str, str] = {}
    for host in well:
        entries[host.name] = {"ansible_host": host.address, "ansible_user": "root"}
    entries["healthy-ssh"] = {**entries["healthy-ssh"], "ansible_connection": "ssh"}
    entries[HEALTHY[2]] = {**entries[HEALTHY[2]], "ansible_ssh_common_args": through}
    for row in ROWS:
        made = row.fault.stages(Stage(lab, row.host, keys, stack))
        addresses[row.host] = str(made["ansible_host"])
        if row.hop is Hop.BEHIND_JUMP:
            made = {**made, "ansible_ssh_common_args": through}
        elif row.hop is Hop.JUMP:
            args = f"-J {made['ansible_user']}@{made['ansible_host']}"
            made = {**entries[HEALTHY[0]], "ansible_ssh_common_args": args}
        entries[row.host] = {**made, "ansible_connection": row.kind}
    inventory = directory / "faults.yaml"
    write_entries(inventory, {"nethygiene": POLICY}, entries)
    resolver = directory / "resolv.conf"
    resolver.write_text("nameserver 127.0.0.1\noptions timeout:30 attempts:1\n")
    stack.enter_context(name_server(lab))
    mark = secrets.token_hex(8)
    run = audit(
        lab,
        [],
        f"--ssh-identity-file={lab.identity}",
        f"--connect-timeout={CONNECT_SECONDS}",
        f"--command-timeout={COMMAND_SECONDS}",
        "--forks=200",
        f"--window={WINDOW_SECONDS}",
        *("-k", RULES),
        f"--html={directory / 'report.html'}",
        f"--junit-xml={directory / 'junit.xml'}",
        f"--evidence={directory / 'evidence.jsonl'}",
        *("-p", "tests.lab.footprint", "-p", "tests.lab.jumping_clock"),
        inventory=inventory,
        before=(
            *("unshare", "--mount", "sh", "-c"),
            'mount --bind "$0" /etc/resolv.conf && exec "$@"',
            str(resolver),
        ),
        variables={
            VARIABLE: str(directory / "footprint.json"),
            MARK: mark,
            "HOME": str(directory),
        },
    )
    files = ("report.html", "junit.xml")
    written = [run.stdout, run.stderr, *((directory / name).read_text() for name in files)]
    written.append((lab.directory / "results.json").read_text())
    return Audited(
        run,
        Footprint.read(directory / "footprint.json"),
        orphans_of(mark),
        entries,
        addresses,
        secrets=(_body(lab.identity), _body(keys("locked"))),
        written="\n".join(written),
    )


def _body(private_key: Path) -> str:
    """The text of a private key's file, from where it is its own."""
    return private_key.read_text().splitlines()[2]


def orphans_of(mark: str) -> list[str]:
    """Command lines of processes that were started by the run with this mark, and still are."""
    wanted = f"{MARK}={mark}".encode()
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if wanted in (process / "environ").read_bytes():
                found.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode())
    return found


@contextlib.contextmanager
def name_server(lab: Lab) -> Iterator[None]:
    """A name server on the lab's network that knows no name, and does not answer for the others."""
    with lab.inside():
        server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        server.bind(("127.0.0.1", 53))
    server.settimeout(0.2)
    over = threading.Event()
    thread = threading.Thread(target=_answer, args=(server, over))
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        server.close()


def _answer(server: socket.socket, over: threading.Event) -> None:
    label = UNKNOWN_NAME.partition(".")[0].encode()
    while not over.is_set():
        with contextlib.suppress(TimeoutError):
            question, asker = server.recvfrom(512)
            if label in question.lower():
                # The same question, as an answer with code 3: there is no such name.
                server.sendto(question[:2] + b"\x81\x83" + question[4:], asker)

"""A fleet too large for real hosts: most are the light server's, some have a fault of the table."""

from __future__ import annotations

import contextlib
import json
import random
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from tests.lab.audit import AuditRun, RuleItem, audit
from tests.lab.connections.faults.audited import MARK, POLICY, name_server, orphans_of
from tests.lab.connections.faults.fault import Fault
from tests.lab.connections.faults.stage import Stage
from tests.lab.connections.servers import Keys
from tests.lab.footprint import VARIABLE, Footprint
from tests.lab.inventory import Variables, write_entries
from tests.lab.lab import REPOSITORY, Lab

CONNECT_SECONDS = 30.0
COMMAND_SECONDS = 10.0
AUDIT_SECONDS = 900.0

REAL = "real"
"""The host that the others repeat."""


@dataclass(frozen=True, slots=True)
class Fleet:
    """The hosts of a load, standing.

    Attributes:
        lab: where they stand.
        inventory: lists them all, in an order as random as the faults.
        healthy: names of those without a fault, the real one first.
        faulty: the fault of each of the others, by name.
        directory: for what audits write.
        window: seconds of each audit.
    """

    lab: Lab
    inventory: Path
    healthy: tuple[str, ...]
    faulty: Mapping[str, Fault]
    directory: Path
    window: float

    @property
    def known_hosts(self) -> Path:
        """The keys of the healthy hosts alone."""
        return self.directory / "server" / "known_hosts"

    def resolving(self) -> tuple[str, ...]:
        """What a command line is put behind, to ask the name server of the faults."""
        return (
            *("unshare", "--mount", "sh", "-c"),
            'mount --bind "$0" /etc/resolv.conf && exec "$@"',
            str(self.directory / "resolv.conf"),
        )


@dataclass(frozen=True, slots=True)
class Loaded:
    """An audit of a fleet.

    Attributes:
        run: what it came to.
        footprint: what its process took, and held at its end.
        orphans: command lines of processes that it left behind.
    """

    run: AuditRun = field(repr=False)
    footprint: Footprint
    orphans: list[str]

    def by_host(self) -> dict[str, dict[RuleItem, str]]:
        """What each rule and item came to, by host."""
        found: dict[str, dict[RuleItem, str]] = {}
        for one in self.run.findings:
            if one.host is None:
                continue  # a rule on the run
            found.setdefault(one.host, {})[one.rule, one.item] = one.outcome
        return found

    def collect_seconds(self) -> dict[str, float]:
        """What each host's round trip took."""
        return {one["name"]: one["collect_seconds"] for one in self.run.document["hosts"]}


@contextlib.contextmanager
def standing(
    lab: Lab,
    directory: Path,
    *,
    hosts: int,
    window: float,
    faults: Sequence[Fault],
    share: float,
    seed: int,
) -> Iterator[Fleet]:
    """Make a fleet.

    Args:
        lab: where it stands.
        directory: for its files.
        hosts: how many.
        window: seconds that the audits will ask for.
        faults: what the faulty ones are drawn from.
        share: of the hosts that have a fault, from 0 to 1.
        seed: decides which hosts have which fault.
    """
    drawn = random.Random(seed)
    names = [f"load-{number:04}" for number in range(1, hosts)]
    ill = set(drawn.sample(names, round(share * hosts)))
    well = [name for name in names if name not in ill]
    chosen = [(name, drawn.choice(faults)) for name in sorted(ill)]
    faulty = {f"{name}-{fault.name}": fault for name, fault in chosen}
    keys = Keys(directory)
    with ExitStack() as stack:
        stack.callback(lab.known_hosts.write_text, lab.known_hosts.read_text())
        real = lab.host(REAL)
        stack.callback(lab.remove, real)
        # What the real host answers as itself, and what it answers for the others.
        entries: dict[str, Variables] = {
            REAL: {"ansible_host": real.address, "ansible_user": "root"}
        }
        for name, fault in faulty.items():
            entries[name] = fault.stages(Stage(lab, name, keys, stack))
        addresses = [f"127.1.{number // 250}.{number % 250 + 1}" for number in range(len(well))]
        for name, address in zip(well, addresses, strict=True):
            entries[name] = {"ansible_host": address, "ansible_user": "root"}
        stack.enter_context(_served(lab, directory, addresses, real.address, window))
        stack.enter_context(name_server(lab))
        (directory / "resolv.conf").write_text(
            "nameserver 127.0.0.1\noptions timeout:30 attempts:1\n"
        )
        order = sorted(entries)
        drawn.shuffle(order)
        inventory = directory / "load.yaml"
        write_entries(inventory, {"nethygiene": POLICY}, {name: entries[name] for name in order})
        fleet = Fleet(lab, inventory, (REAL, *well), faulty, directory, window)
        with fleet.known_hosts.open("a") as known:
            known.write(f"{real.address} {real.public_keys[0]}\n")
        yield fleet


@contextlib.contextmanager
def _served(
    lab: Lab, directory: Path, addresses: Sequence[str], real: str, window: float
) -> Iterator[None]:
    """The light server, for as long as the context lasts; ends with this process in any case."""
    folder = directory / "server"
    folder.mkdir()
    (folder / "addresses").write_text("\n".join(addresses))
    shutil.copy(lab.identity, folder / "identity")
    shutil.copy(lab.identity.with_suffix(".pub"), folder / "identity.pub")
    shutil.copy(lab.known_hosts, folder / "real")
    process = subprocess.Popen(
        lab.entering(sys.executable, "-m", "tests.lab.load.server", str(folder), real, str(window)),
        cwd=REPOSITORY,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    with process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n", "the light server did not start"
            with lab.known_hosts.open("a") as known:
                known.write((folder / "known_hosts").read_text())
            yield
        finally:
            process.kill()


def load(fleet: Fleet, *arguments: str, forks: int) -> Loaded:
    """Audit a fleet; `arguments` are more of pytest's."""
    mark = secrets.token_hex(8)
    footprint = fleet.directory / "footprint.json"
    run = audit(
        fleet.lab,
        [],
        f"--ssh-identity-file={fleet.lab.identity}",
        f"--connect-timeout={CONNECT_SECONDS:g}",
        f"--command-timeout={COMMAND_SECONDS:g}",
        f"--forks={forks}",
        f"--window={fleet.window}",
        *("-q", "-p", "tests.lab.footprint", *arguments),
        # Of the development tools, hypothesis alone costs a second at the end of each run.
        *("-p", "no:hypothesispytest"),
        inventory=fleet.inventory,
        before=fleet.resolving(),
        variables={VARIABLE: str(footprint), MARK: mark, "HOME": str(fleet.directory)},
        within=AUDIT_SECONDS,
    )
    assert footprint.exists(), run
    return Loaded(run, Footprint.read(footprint), orphans_of(mark))


def baseline(fleet: Fleet, *, forks: int, held: Mapping[str, float]) -> float:
    """Seconds that plain paramiko takes; `held` are those for which each faulty host holds it."""
    started = time.monotonic()
    subprocess.run(
        fleet.lab.entering(
            *(sys.executable, "-m", "tests.lab.load.baseline", str(fleet.inventory)),
            *(str(fleet.known_hosts), str(fleet.lab.identity), str(fleet.window), str(forks)),
        ),
        cwd=REPOSITORY,
        input=json.dumps(held).encode(),
        check=True,
        timeout=AUDIT_SECONDS,
    )
    return time.monotonic() - started

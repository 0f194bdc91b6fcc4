"""The lab: real hosts in network namespaces, each with its own sshd, sysctls, routes and firewall.

    with Lab() as lab:
        web = lab.host("web")
        web.sysctl("net.core.somaxconn", 128)
        web.run("ss", "-lnt")

Nothing of it is in the machine's own namespaces: the bridge, and the address that audits come
from, lie in the keeper's. Enter there with :meth:`Lab.inside`, or by a subprocess with
:meth:`Lab.entering`.
"""

from __future__ import annotations

import dataclasses
import json
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from ipaddress import ip_address, ip_interface
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.cases.of_sysctls import better_than_the_kernels
from tests.lab import keys, leftovers
from tests.lab.errors import LabError
from tests.lab.host import ENVIRONMENT, LabHost
from tests.lab.inventory import Policy, Variables, write_inventory
from tests.lab.kernel import Namespaces, setns
from tests.lab.keys import KeyPair, KeyType
from tests.lab.spec import HostSpec, Login

REPOSITORY = Path(__file__).resolve().parents[2]
KEEPER_START_SECONDS = 120.0
KEEPER_END_SECONDS = 120.0


class Lab:
    """A lab, alive between ``__enter__`` and ``__exit__``, in a directory of its own.

    Attributes:
        directory: holds the keys, known_hosts and inventories; removed at the end.
        identity: private key that every host lets in, as root and as audit.
        known_hosts: the keys of all hosts but those made with ``known=False``.
        client_address: where the hosts see audits come from.
        keeper_pid: process 1 of the lab; the lab's network is its.
        keeper_guardian_pid: its parent, which tidies up after it.
    """

    client_address = "198.18.0.1"
    client_address6 = "fd42:198:18::1"

    def __init__(self) -> None:
        self.directory = Path()
        self.keeper_pid = 0
        self.keeper_guardian_pid = 0
        self._count = 0

    @property
    def identity(self) -> Path:
        """See the class."""
        return self.directory / "identity"

    @property
    def known_hosts(self) -> Path:
        """See the class."""
        return self.directory / "known_hosts"

    def __enter__(self) -> Self:
        leftovers.sweep()
        self.directory = leftovers.new_directory()
        try:
            self._start_keeper()
            self._authorized = keys.generate(self.identity).public + "\n"
            self.known_hosts.touch()
            self._shared_keys = self._new_host_keys("shared", ("ed25519",))
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._close()

    def host(
        self,
        name: str,
        *,
        addresses: Sequence[str] | None = None,
        login: Login = "root",
        own_keys: Sequence[KeyType] = (),
        known: bool = True,
        sshd_options: Sequence[str] = (),
        sudoers: str | None = None,
        bridge: str = "lan",
    ) -> LabHost:
        """Make one host.

        Args:
            name: host name, also the inventory's.
            addresses: of eth0, in CIDR form; None picks the next free one of each family.
            login: what the inventory says to log in as. Both logins exist on every host.
            own_keys: types of host keys of its own, instead of the one that the lab's hosts share.
            known: write its key to known_hosts.
            sshd_options: lines of sshd_config, stronger than the lab's own.
            sudoers: rules for sudo, as ``audit ALL=(root) NOPASSWD: /usr/sbin/ss``.
            bridge: the bridge that eth0 hangs on; audits reach those on ``lan``.

        Raises:
            LabError: it could not be built.
        """
        self._count += 1
        pairs = self._shared_keys
        if own_keys:
            pairs = self._new_host_keys(str(self._count), own_keys)
        spec = HostSpec(
            name=name,
            index=self._count,
            addresses=self._next_addresses() if addresses is None else tuple(addresses),
            host_keys=tuple((pair.host_key_file, pair.private) for pair in pairs),
            authorized_keys=self._authorized,
            sshd_options=tuple(sshd_options),
            sudoers=sudoers,
            bridge=bridge,
        )
        return self._make([spec], login, pairs, known=known)[0]

    def hosts(self, *names: str, login: Login = "root") -> list[LabHost]:
        """Make plain hosts of these names side by side, at about 15 ms each.

        Raises:
            LabError: one could not be built.
        """
        pairs = tuple((pair.host_key_file, pair.private) for pair in self._shared_keys)
        specs = []
        for name in names:
            self._count += 1
            addresses = self._next_addresses()
            specs.append(HostSpec(name, self._count, addresses, pairs, self._authorized))
        return self._make(specs, login, self._shared_keys, known=True)

    def inventory(
        self,
        hosts: Sequence[LabHost],
        *,
        policy: Policy | None = None,
        policy_by_host: Mapping[str, Policy] | None = None,
        variables: Variables | None = None,
        variables_by_host: Mapping[str, Variables] | None = None,
        name: str = "inventory",
    ) -> Path:
        """Write a YAML inventory of hosts, and return its path.

        Args:
            hosts: those to list.
            policy: what `nethygiene` says for all of them.
            policy_by_host: what it says for one, by name.
            variables: more variables of the group all, as ``ansible_become``.
            variables_by_host: more variables of one, by name.
            name: of the file, without ending.
        """
        everywhere: dict[str, object] = {
            "ansible_port": 22,
            "ansible_ssh_private_key_file": str(self.identity),
            **(variables or {}),
        }
        if policy is not None:
            everywhere["nethygiene"] = policy
        path = self.directory / f"{name}.yaml"
        write_inventory(path, hosts, everywhere, policy_by_host or {}, variables_by_host or {})
        return path

    def entering(self, *argv: str) -> list[str]:
        """The command line that runs `argv` on the lab's network, from the client's address."""
        return ["nsenter", "-t", str(self.keeper_pid), "-n", "--", *argv]

    @contextmanager
    def inside(self) -> Iterator[None]:
        """Put this thread, and the threads and processes that it starts, on the lab's network."""
        with Path("/proc/thread-self/ns/net").open("rb") as outside:
            setns(Path(f"/proc/{self.keeper_pid}/ns/net"), Namespaces.NET)
            try:
                yield
            finally:
                setns(outside.fileno(), Namespaces.NET)

    def remove(self, host: LabHost) -> None:
        """End a host with all its processes; its address is not given out again."""
        self._ask(do="remove", host=host.lab_pid)

    def learn(self, host: LabHost) -> None:
        """Write a host's keys, as they are now, to known_hosts."""
        names = ",".join(str(ip_interface(address).ip) for address in host.spec.addresses)
        with self.known_hosts.open("a") as known:
            known.writelines(f"{names} {key}\n" for key in host.public_keys)

    def forget(self, host: LabHost) -> None:
        """Remove a host's keys from known_hosts."""
        lines = self.known_hosts.read_text().splitlines(keepends=True)
        kept = [line for line in lines if host.address not in line.split()[0].split(",")]
        self.known_hosts.write_text("".join(kept))

    def cable(self, host: int, cable: str, interface: str, bridge: str) -> None:
        """Plug a host (its process 1 as the lab sees it) into a bridge; LabHost.attach is the way.

        Raises:
            LabError: ip refused.
        """
        self._ask(do="cable", host=host, cable=cable, interface=interface, bridge=bridge)

    def _make(
        self, specs: list[HostSpec], login: Login, pairs: tuple[KeyPair, ...], *, known: bool
    ) -> list[LabHost]:
        # Else a rule that fails by the kernel's default would fail on every host that is well.
        well = tuple(better_than_the_kernels().items())
        specs = [dataclasses.replace(spec, sysctls=well) for spec in specs]
        births = self._ask(do="hosts", hosts=[spec.to_json() for spec in specs])["hosts"]
        made = [
            LabHost(self, spec, login, pairs, birth["pid"], birth["machine_pid"])
            for spec, birth in zip(specs, births, strict=True)
        ]
        if known:
            for host in made:
                self.learn(host)
        return made

    def _next_addresses(self) -> tuple[str, str]:
        # From .1.1 on: below lie the client and what tests choose by hand.
        number = 256 + self._count
        four = ip_address("198.18.0.0") + number
        return f"{four}/16", f"fd42:198:18::{number:x}/64"

    def _new_host_keys(self, stem: str, types: Sequence[KeyType]) -> tuple[KeyPair, ...]:
        return tuple(keys.generate(self.directory / f"host_{stem}_{one}", one) for one in types)

    def _start_keeper(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs, (self.directory / "keeper.log").open("w") as log:
            self._keeper = subprocess.Popen(
                [sys.executable, "-m", "tests.lab.keeper", str(self.directory)],
                cwd=REPOSITORY,
                # Its own PATH: ip and sshd lie where that of a plain user's su does not reach.
                env=ENVIRONMENT,
                stdin=theirs.fileno(),
                stdout=log,
                stderr=log,
                # Ctrl-C on the terminal goes to the test run alone, which ends the lab in order.
                start_new_session=True,
            )
        ours.settimeout(KEEPER_START_SECONDS)
        self._control = ours
        self.keeper_guardian_pid = self._keeper.pid
        self._replies = ours.makefile("r", encoding="utf-8")
        self.keeper_pid = int(self._hear()["pid"])
        leftovers.note_keeper(self.directory, self.keeper_pid)

    def _ask(self, **request: object) -> dict[str, Any]:
        self._control.sendall(json.dumps(request).encode() + b"\n")
        return self._hear()

    def _hear(self) -> dict[str, Any]:
        line = self._replies.readline()
        reply: dict[str, Any] = json.loads(line) if line else {"error": self._last_words()}
        if "error" in reply:
            raise LabError(f"the lab: {reply['error']}")
        return reply

    def _last_words(self) -> str:
        log = self.directory / "keeper.log"
        return f"its keeper died: {log.read_text() if log.exists() else 'it left no log'}"

    def _close(self) -> None:
        if hasattr(self, "_control"):
            self._replies.close()
            self._control.close()
            # It returns when every process of the lab is dead: that is how PID namespaces end.
            self._keeper.wait(KEEPER_END_SECONDS)
        shutil.rmtree(self.directory, ignore_errors=True)

"""Where a fault is made: real hosts of the lab, and real sockets on its network."""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass

from tests.lab.connections.servers import Keys, Relay, raw_server
from tests.lab.host import LabHost
from tests.lab.inventory import Variables
from tests.lab.lab import Lab
from tests.lab.spec import Login

SOON = "-o ConnectTimeout=6"
"""For a host that never answers: a deadline of its own, sooner than the fleet's."""


@dataclass(frozen=True, slots=True)
class Stage:
    """The surroundings of one host with a fault.

    Attributes:
        lab: where it stands.
        name: the host's, in the inventory.
        keys: makes key pairs.
        stack: undoes what was made.
    """

    lab: Lab
    name: str
    keys: Keys
    stack: ExitStack

    def host(
        self, *sshd_options: str, login: Login = "root", known: bool = True, own_key: bool = False
    ) -> LabHost:
        """Make a host; `own_key` gives it a host key that no other one has."""
        host = self.lab.host(
            self.name,
            login=login,
            known=known,
            own_keys=("ed25519",) if own_key else (),
            sshd_options=sshd_options,
        )
        self.stack.callback(self.lab.remove, host)
        return host

    def at(self, host: LabHost, **more: object) -> Variables:
        """The inventory's variables of a host of the lab."""
        return {"ansible_host": host.address, "ansible_user": host.login, **more}

    def shell(self, command: str, *, login: Login = "root") -> Variables:
        """A host that runs `command` with /bin/sh, whatever it is asked to run.

        What it was asked is ``$SSH_ORIGINAL_COMMAND``; ``$PPID`` is the session's sshd.
        """
        return self.at(self.host(f"ForceCommand {command}", login=login))

    def server(self, handle: Callable[[socket.socket], None], **more: object) -> Variables:
        """A socket on the lab's network that hands each connection to `handle`."""
        address = self.lab.client_address
        with self.lab.inside():
            port = self.stack.enter_context(raw_server(handle, address))
        return {
            "ansible_host": address,
            "ansible_port": port,
            "ansible_user": "root",
            **more,
        }

    def cut_after(self, bytes_: int) -> Variables:
        """A host whose connection ends after it sent so many bytes, in the midst of a stage."""
        host = self.host()
        relay = Relay(22, host.address)
        relay.limit = bytes_
        variables = self.server(relay.handle)
        self.trust(variables, host.public_keys[0])
        return variables

    def trust(self, variables: Variables, key: str, *, marker: str = "") -> None:
        """Write a key (type and text) to known_hosts for the address and port of a host."""
        name = f"[{variables['ansible_host']}]:{variables['ansible_port']}"
        self.write_known(f"{marker} {name} {key}".strip())

    def write_known(self, line: str) -> None:
        """Add a line to the lab's known_hosts."""
        with self.lab.known_hosts.open("a") as known:
            known.write(f"{line}\n")

"""Faults of a host's key: whether it is the host that was meant."""

from __future__ import annotations

from tests.lab.connections.faults.fault import Fault, Said
from tests.lab.connections.faults.network import both
from tests.lab.connections.faults.stage import Stage
from tests.lab.inventory import Variables


def unknown(stage: Stage) -> Variables:
    return stage.at(stage.host(known=False, own_key=True))


def changed(stage: Stage) -> Variables:
    host = stage.host(own_key=True)
    host.sshd.renew_host_keys()
    return stage.at(host)


def revoked(stage: Stage) -> Variables:
    host = stage.host(own_key=True)
    stage.write_known(f"@revoked * {host.public_keys[0]}")
    return stage.at(host)


def other_name(stage: Stage) -> Variables:
    host = stage.host(known=False, own_key=True)
    stage.write_known(f"web-1.example.com {host.public_keys[0]}")
    return stage.at(host)


def other_port(stage: Stage) -> Variables:
    host = stage.host(known=False, own_key=True)
    stage.write_known(f"[{host.address}]:2222 {host.public_keys[0]}")
    return stage.at(host)


CONSOLE = "compare the fingerprint with the host's own (on its console: ssh-keygen -lf"
OFFERS = "offers ssh-ed25519 SHA256:"

FAULTS = (
    Fault(
        "host-key-unknown",
        unknown,
        *both("unknown-host-key", OFFERS, "add its line to known_hosts", "it offers SHA256:"),
        hops=True,
    ),
    Fault(
        "host-key-changed",
        changed,
        Said("changed-host-key", "but another key is known for it at", CONSOLE),
        Said("changed-host-key", "HOST IDENTIFICATION HAS CHANGED", CONSOLE),
        hops=True,
    ),
    Fault(
        "host-key-revoked",
        revoked,
        *both(
            "revoked-host-key", "is revoked", "do not connect; give the host a new key", "evoked"
        ),
    ),
    Fault(
        "host-key-of-another-name",
        other_name,
        *both("unknown-host-key", "not known for it, but as web-1.example.com", "HostKeyAlias"),
    ),
    Fault(
        "host-key-of-another-port",
        other_port,
        *both("unknown-host-key", "]:2222", "HostKeyAlias"),
    ),
)

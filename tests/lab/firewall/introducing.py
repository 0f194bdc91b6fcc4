"""Has the target and its neighbours know each other for good, so that nobody has to ask."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.lab.firewall.comparing import Ground
from tests.lab.firewall.topology import BRIDGE, TARGET_INNER


def introduce(built: Ground) -> None:
    """Have the target and its neighbours know each other for good."""
    topology = built.topology
    inner4, inner6 = (address.partition("/")[0] for address in TARGET_INNER)
    own = {"eth0": built.target.address6, "eth1": inner6, "br0": BRIDGE[1]}
    own4 = {"eth0": built.target.address, "eth1": inner4, "br0": BRIDGE[0]}
    for host in topology.hosts[1:]:
        for device, six, four in _addresses(host):
            mine = _device_at(four)
            if mine is None:
                continue
            mac, theirs = _mac(topology.namespace, mine), _mac(host, device)
            for there in (own[mine], own4[mine]):
                _know(host, there, mac, device)
            for there in (six, four):
                _know(topology.namespace, there, theirs, mine)


def _device_at(four: str) -> str | None:
    starts = {"198.18.": "eth0", "10.77.": "eth1", "172.20.": "br0"}
    return next((device for start, device in starts.items() if four.startswith(start)), None)


def _addresses(host: Path) -> Iterator[tuple[str, str, str]]:
    listed = _inside(host, "ip -o addr show scope global")
    for device in sorted(set(re.findall(r"^\d+: (\S+) ", listed, re.MULTILINE))):
        four = re.search(rf"^\d+: {device} +inet (\S+)/", listed, re.MULTILINE)
        six = re.search(rf"^\d+: {device} +inet6 (\S+)/", listed, re.MULTILINE)
        if four and six:
            yield device, six[1], four[1]


def _mac(host: Path, device: str) -> str:
    found = re.search(r"link/ether (\S+)", _inside(host, f"ip -o link show {device}"))
    assert found
    return found[1]


def _know(host: Path, address: str, mac: str, device: str) -> None:
    _inside(host, f"ip neigh replace {address} lladdr {mac} dev {device} nud permanent")


def _inside(host: Path, command: str) -> str:
    done = subprocess.run(
        ["nsenter", f"--net={host}", "sh", "-c", command],
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout

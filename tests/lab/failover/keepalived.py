"""A real keepalived on each host of a group, and what it makes of their shared address."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from nethygiene.markup import Form, blocks
from tests.lab.host import LabHost

FILE = "/etc/keepalived/keepalived.conf"
ADDRESS = "198.18.250.100"
ADDRESS6 = "fd42:198:18::2:100"
SECONDS = 120.0
"""A deadline that only a hang meets: keepalived settles within a second here."""

# Advertisements ten times a second: VRRP 3 counts in hundredths.
_CONFIGURATION = """\
global_defs {{
    router_id {name}
    vrrp_version 3
}}
vrrp_instance VI_1 {{
    state BACKUP
    interface eth0
    virtual_router_id {vrid}
    priority {priority}
    advert_int 0.1
{more}
    virtual_ipaddress {{
        {address}
    }}
}}
"""
# A host of the lab has no systemd; a reload is what systemd's unit of keepalived does.
_SYSTEMCTL = """\
#!/bin/sh
[ "$*" = "reload keepalived" ] && kill -HUP "$(cat /run/keepalived.pid)"
"""


@dataclass
class Team:
    """Hosts that share an address by keepalived; the first has the highest priority.

    Attributes:
        hosts: them.
        address: what they share.
    """

    hosts: Sequence[LabHost]
    address: str = ADDRESS

    def start(
        self, more: Mapping[str, str] | str = "", *, vrids: Sequence[int] = (), prefix: str = ""
    ) -> None:
        """Start keepalived on all hosts, with more lines in the instance: one text, or by host."""
        for number, host in enumerate(self.hosts):
            lines = more if isinstance(more, str) else more.get(host.name, "")
            host.write_file(
                FILE,
                _CONFIGURATION.format(
                    name=host.name,
                    vrid=vrids[number] if vrids else 51,
                    priority=200 - 50 * number,
                    more=lines,
                    address=f"{self.address}{prefix}",
                ),
            )
            host.write_file("/usr/local/bin/systemctl", _SYSTEMCTL, 0o755)
            host.run("keepalived", "-t", "-f", FILE)
            host.run("keepalived", "-D")

    def stop(self, host: LabHost) -> None:
        """End keepalived of a host in order, and wait until it is gone."""
        host.shell('kill "$(cat /run/keepalived.pid)"')
        wait_for(lambda: not _lives(host), f"keepalived of {host.name} ends")

    def holders(self) -> list[str]:
        """The names of the hosts that have the address now."""
        return [host.name for host in self.hosts if self.address in addresses(host)]

    def settles(self, *holders: LabHost) -> None:
        """Wait until these hosts, and no others, have the address."""
        names = [host.name for host in holders]
        wait_for(lambda: self.holders() == names, f"held by {names}", self.holders)


def addresses(host: LabHost) -> set[str]:
    """The addresses of a host that are in use."""
    rows = host.run("ip", "-o", "addr").stdout.splitlines()
    return {row.split()[3].partition("/")[0] for row in rows if "tentative" not in row}


def _lives(host: LabHost) -> bool:
    return host.run("pgrep", "-x", "keepalived", check=False).returncode == 0


def wait_for(
    holds: Callable[[], bool], what: str, shown: Callable[[], object] = lambda: ""
) -> None:
    """Wait until a condition holds.

    Raises:
        AssertionError: it did not, for SECONDS.
    """
    deadline = time.monotonic() + SECONDS
    while not holds():
        assert time.monotonic() < deadline, f"it never came to this: {what}; it is {shown()}"
        time.sleep(0.05)


def follow(remedy: str, hosts: Iterable[LabHost]) -> None:
    """Do what a remedy for several hosts says, word for word.

    The sentence before each block names its host; commands are typed there, and lines go into the
    block of keepalived.conf that it names: as new ones, or in place of that of their keyword.

    Raises:
        AssertionError: there is nothing to do, or a sentence names no host.
    """
    said, done = "", False
    for block in blocks(remedy):
        if block.form is Form.TEXT:
            said = " ".join(block.lines)
            continue
        named = re.match(r"On ([\w-]+), ", said)
        assert named, f"{said!r} names no host: {remedy}"
        host = next(host for host in hosts if host.name == named[1])
        done = True
        if block.form is Form.COMMANDS:
            host.shell("\n".join(["set -e", *block.lines]))
            continue
        place = re.search(r" in `(vrrp_instance \S+)` of (\S+)", said)
        assert place, said
        lines = host.run("cat", place[2]).stdout.splitlines()
        if "correct this line" in said:
            keyword = block.lines[0].split()[0]
            lines = [line for line in lines if line.split()[:1] != [keyword]]
        start = lines.index(f"{place[1]} {{")
        lines[start + 1 : start + 1] = block.lines
        host.write_file(place[2], "\n".join([*lines, ""]))
    assert done, f"there is nothing to do: {remedy}"

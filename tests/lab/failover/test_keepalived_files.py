"""What a real keepalived makes of its files, beside what the probe reads from them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pytest

from nethygiene.subjects.failover.keepalived import KEEPALIVED, Keepalived, parse
from nethygiene.subjects.failover.keepalived_conf.configuration import VrrpInstance
from tests.lab.failover.keepalived import wait_for
from tests.lab.host import LabHost
from tests.lab.lab import Lab
from tests.unit.sections import section
from tests.unit.subjects.failover.test_keepalived_conf import CONFIGS

FOLDER = "/etc/keepalived"
DUMP = "/tmp/keepalived.data"


@dataclass(frozen=True)
class Dumped:
    """What keepalived says of an instance when it is asked by SIGUSR1.

    Attributes:
        lines: the lines about it.
    """

    lines: tuple[str, ...]

    def one(self, pattern: str) -> str | None:
        """The first group of the first line that matches."""
        found = (re.fullmatch(rf"\s*{pattern}", line) for line in self.lines)
        return next((match[1] for match in found if match), None)

    def below(self, title: str) -> list[str]:
        """The first words of the lines that stand below a title."""
        starts = [n for n, line in enumerate(self.lines) if re.match(rf"   {title}", line)]
        words: list[str] = []
        for line in self.lines[starts[0] + 1 :] if starts else ():
            if not line.startswith("     "):
                break
            words.append(line.split()[0])
        return words


def dump(host: LabHost, name: str) -> dict[str, Dumped]:
    """The instances of a keepalived that reads a file, by name; it is ended again."""
    host.shell(f"rm -f {DUMP}; keepalived -D -f {FOLDER}/{name}.conf")

    def told() -> bool:
        host.shell("kill -USR1 $(cat /run/vrrp.pid) || kill -0 $(cat /run/keepalived.pid)")
        return host.run("grep", "-q", "Interfaces >", DUMP, check=False).returncode == 0

    try:
        wait_for(told, f"keepalived says what it has read from {name}.conf")
        text = host.run("cat", DUMP).stdout
    finally:
        host.shell("kill $(cat /run/keepalived.pid)")
        wait_for(
            lambda: host.run("pgrep", "-x", "keepalived", check=False).returncode != 0, "it ends"
        )
    text = text.partition("VRRP Topology >")[2].partition("------<")[0]
    first, *rest = re.split(r"^ VRRP Instance = ", text, flags=re.MULTILINE)
    assert "Instance" not in first
    return {part.split("\n")[0]: Dumped(tuple(part.split("\n")[1:])) for part in rest}


def probed(host: LabHost, name: str) -> Mapping[str, VrrpInstance]:
    """What the probe reads where that is the default file."""
    host.shell(f"cp {FOLDER}/{name}.conf {FOLDER}/keepalived.conf")
    read = parse({KEEPALIVED.name: section(host.shell(KEEPALIVED.shell).stdout)})
    assert isinstance(read, Keepalived)
    return {instance.name: instance for instance in read.instances}


@pytest.fixture(scope="module")
def member(lab: Lab) -> Iterator[LabHost]:
    host = lab.host("node1")
    for number, name in enumerate(("eth0.5", "eth1", "eth2", "eth3", "eth4")):
        host.shell(
            f"set -e; ip link add {name} type veth peer name peer{number};"
            f" ip link set peer{number} up; ip link set {name} up;"
            f" ip addr add 10.1.{number}.1/24 dev {name}"
        )
    host.shell(
        "set -e; ip addr add 10.0.3.1/24 dev eth0; ip addr add 10.0.4.1/24 dev eth1;"
        " ip addr add fe80::1/64 dev eth2 nodad"
    )
    for path in CONFIGS.rglob("*"):
        if path.is_file():
            host.write_file(f"{FOLDER}/{path.relative_to(CONFIGS)}", path.read_bytes().decode())
    yield host
    lab.remove(host)


@pytest.mark.parametrize("name", ["plain", "unicast", "conditions", "including"])
def test_keepalived_reads_alike(member: LabHost, name: str) -> None:
    told = dump(member, name)
    read = probed(member, name)
    assert set(read) == set(told)
    for instance in read.values():
        said = told[instance.name]
        assert said.one(r"Virtual Router ID = (\d+)") == str(instance.vrid)
        assert said.one(r"VRRP Version = (\d)") == str(instance.version)
        # The members of a sync group begin as backups.
        state = "" if instance.sync_group else instance.state
        assert said.one(r"Wantstate = (\w+)") == (state or "BACKUP")
        if instance.priority is not None:
            assert said.one(r"Priority = (\d+)") == str(instance.priority)
        interval = said.one(r"Advert interval = (\d+ (?:sec|milli-sec))")
        unit = "sec" if instance.version == 2 else "milli-sec"
        seconds = instance.advert_int * (1 if unit == "sec" else 1000)
        assert interval == f"{seconds:.0f} {unit}"
        assert said.one(r"Interface = (?:[^,]+, vmac on )?([^ ,]+).*") == instance.interface
        assert (said.one(r"Use VMAC, (.*)") is None) is (instance.vmac is None)
        if instance.vmac is not None:
            assert said.one(r"Use VMAC, i/f name ([^ ,]+),.*") == instance.vmac.name
            base = said.one(r"Use VMAC, .*xmit_base = (true|false).*")
            assert base == str(instance.vmac.sends_from_base).lower()
        if instance.source is not None:
            assert said.one(r"Using src_ip = (\S+).*") == str(instance.source)
        if not instance.peers:
            assert said.one(r"Multicast address ([^ ,]+).*") == str(instance.group)
        assert said.below("Unicast Peer") == [str(peer.address) for peer in instance.peers]
        kinds = {"PASS": "SIMPLE_PASSWORD", "AH": "IPSEC_AH"}
        kind = kinds.get(instance.authentication, "none")
        assert (said.one(r"Authentication type = (\S+)") or "none") == kind
        own = [str(held.address) for held in instance.addresses if not held.excluded]
        excluded = [str(held.address) for held in instance.addresses if held.excluded]
        assert [word.partition("/")[0] for word in said.below(r"Virtual IP \(")] == own
        assert [word.partition("/")[0] for word in said.below("Virtual IP Exclu")] == excluded


def test_a_definition_with_a_comment_in_it_is_cut_there(member: LabHost) -> None:
    """So that what the probe says about it is that it cannot be read."""
    member.write_file(
        f"{FOLDER}/comment.conf",
        "$X= \\\n    virtual_router_id 7 \\\n    # a comment\n    priority 9\n"
        "vrrp_instance A {\n    interface eth1\n    $X\n    virtual_ipaddress {\n"
        "        10.0.1.100\n    }\n}\n",
    )
    assert dump(member, "comment")["A"].one(r"Priority = (\d+)") == "100"

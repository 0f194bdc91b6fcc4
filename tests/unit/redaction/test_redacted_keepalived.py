"""keepalived's configuration, redacted: it reads alike, and names nobody."""

from __future__ import annotations

import dataclasses
import re

import pytest

from nethygiene.redaction import keepalived
from nethygiene.redaction.addresses import AddressMap
from nethygiene.redaction.names import NameMap
from nethygiene.redaction.text import Pseudonyms
from nethygiene.subjects.failover.keepalived import KEEPALIVED, Keepalived, parse
from nethygiene.subjects.failover.keepalived_conf.configuration import Address, VrrpInstance
from tests.unit.sections import section
from tests.unit.subjects.failover.test_keepalived_answer import PROCESS
from tests.unit.subjects.failover.test_keepalived_conf import CONFIGS
from tests.unit.subjects.failover.test_probe_keepalived import answer, as_default

NAMES = ("VI_", "VG_1", "MANY", "SHARED", "SECOND", "PRIORITY", "node", "eth0:vip", "pieces")


def redactor() -> Pseudonyms:
    return Pseudonyms(AddressMap(b"a key of this test alone"), NameMap(b"k"), learning=False)


def instances(text: str) -> tuple[VrrpInstance, ...]:
    read = parse({KEEPALIVED.name: section(text)})
    assert isinstance(read, Keepalived)
    return read.instances


def expected(instance: VrrpInstance, read: VrrpInstance, given: Pseudonyms) -> VrrpInstance:
    """The instance with pseudonyms for its addresses, and the names that were read."""

    def pseudonym(address: Address) -> Address:
        return type(address)(given.address(str(address)))

    return dataclasses.replace(
        instance,
        name=read.name,
        sync_group=read.sync_group,
        source=None if instance.source is None else pseudonym(instance.source),
        peers=tuple(
            dataclasses.replace(peer, address=pseudonym(peer.address)) for peer in instance.peers
        ),
        addresses=tuple(
            dataclasses.replace(held, address=pseudonym(held.address), label=other.label)
            for held, other in zip(instance.addresses, read.addresses, strict=True)
        ),
    )


@pytest.mark.parametrize("name", ["plain", "unicast", "including"])
def test_it_reads_alike(name: str) -> None:
    text = as_default(answer(CONFIGS / f"{name}.conf").stdout, CONFIGS / f"{name}.conf").decode()
    given = redactor()
    redacted = keepalived.answer(text, given)
    before, after = instances(text), instances(redacted)
    assert after == tuple(
        expected(instance, read, given) for instance, read in zip(before, after, strict=True)
    )
    assert len({instance.name for instance in after}) == len(before)
    assert [one.sync_group == "" for one in after] == [one.sync_group == "" for one in before]
    lines = "\n".join(line for line in redacted.split("\n") if line.startswith("="))
    assert not [word for word in NAMES if word in lines]


def test_the_lines_of_each_member_stay_its_own() -> None:
    path = CONFIGS / "conditions.conf"
    text = as_default(answer(path).stdout, path).decode()
    text = re.sub("^name .*", "name node1", text, flags=re.MULTILINE)
    redacted = keepalived.answer(text, redactor())
    (one, two), before = instances(redacted), instances(text)
    assert (one.priority, one.state, len(one.peers)) == (150, "MASTER", 1)
    assert two.interface == before[1].interface
    assert not [word for word in NAMES if word in redacted]


def test_processes_keep_what_they_read() -> None:
    redacted = keepalived.answer(PROCESS, redactor())
    assert [len(one.addresses) for one in instances(redacted)] == [1]
    assert not [
        word for word in ("/srv", "main", "MAIN", "node1", "other.conf") if word in redacted
    ]


def test_an_include_outside_of_etc_is_found() -> None:
    text = PROCESS.replace(
        "from /\n",
        "from /srv\npattern more.conf\nmatch /srv/more.conf\nreadable /srv/more.conf\nfrom /\n",
    ).replace("=@main vrrp_instance", "=include more.conf\n=@main vrrp_instance")
    assert len(instances(text)) == len(instances(keepalived.answer(text, redactor()))) == 1


def test_the_mac_of_a_virtual_router_stays() -> None:
    given = redactor()
    assert given.in_text("00:00:5e:00:01:33 00:00:5e:00:02:07") == (
        "00:00:5e:00:01:33 00:00:5e:00:02:07"
    )
    assert given.in_text("00:00:5e:00:03:33") != "00:00:5e:00:03:33"

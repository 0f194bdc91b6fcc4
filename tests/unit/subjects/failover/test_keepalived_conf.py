"""keepalived.conf: what keepalived itself reads from it."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path

import pytest

from nethygiene.subjects.failover.keepalived_conf.configuration import (
    Configuration,
    HeldAddress,
    UnicastPeer,
    VrrpInstance,
)
from nethygiene.subjects.failover.keepalived_conf.files import (
    ConfigurationError,
    ConfigurationFiles,
    NotReadableError,
)
from nethygiene.subjects.failover.keepalived_conf.parser import read_configuration
from nethygiene.subjects.failover.keepalived_conf.statements import statements

CONFIGS = Path(__file__).with_name("configs")


def read(text: str, config_id: str = "node1") -> Configuration:
    return read_configuration(ConfigurationFiles({"/k": text}, {}), ["/k"], config_id)


def words(text: str, config_id: str = "node1") -> list[str]:
    files = ConfigurationFiles({"/k": text}, {})
    return [" ".join(line) for line in statements(files, ["/k"], config_id)]


def of_file(name: str, config_id: str = "node1") -> dict[str, VrrpInstance]:
    pieces = CONFIGS / "pieces"
    paths = [CONFIGS / name, *sorted(pieces.iterdir())]
    files = ConfigurationFiles(
        {str(path): path.read_bytes().decode() for path in paths},
        {
            (str(CONFIGS), "pieces/{first,none}*.conf"): (str(pieces / "first_1.conf"),),
            (str(CONFIGS), "pieces/second.conf"): (str(pieces / "second.conf"),),
            (str(CONFIGS), "pieces/addresses"): (str(pieces / "addresses"),),
            (str(pieces), "addresses"): (str(pieces / "addresses"),),
        },
    )
    read = read_configuration(files, [str(CONFIGS / name)], config_id)
    return {instance.name: instance for instance in read.instances}


def test_the_form_of_the_manual() -> None:
    first, second = of_file("plain.conf").values()
    assert (first.name, first.interface, first.vrid, first.priority) == ("VI_1", "eth0", 51, 150)
    assert (first.state, first.advert_int, first.version) == ("MASTER", 1.0, 2)
    assert (first.peers, first.source, first.vmac) == ((), None, None)
    assert (str(first.group), first.protocol, first.sync_group) == ("224.0.0.81", 112, "VG_1")
    assert first.addresses == (
        HeldAddress(ip_address("10.0.3.100"), 24, "eth0", label="eth0:vip"),
        HeldAddress(ip_address("10.0.3.101"), 32),
        HeldAddress(ip_address("10.0.4.100"), 32, "eth1", excluded=True),
        HeldAddress(ip_address("2001:db8:3::100"), 64, excluded=True),
    )
    assert (second.state, second.version, second.vrid) == ("BACKUP", 3, 52)
    assert second.vmac is not None
    assert (second.vmac.name, second.vmac.named) == ("vrrp52", True)
    assert second.vmac.mac == "00:00:5e:00:01:34"
    assert second.vmac.sends_from_base
    assert second.holds(ip_address("10.0.4.101")) == HeldAddress(ip_address("10.0.4.101"), 24)
    assert second.holds(ip_address("10.0.4.102")) is None


def test_peers_in_both_spellings() -> None:
    one, many, six = of_file("unicast.conf").values()
    assert one.peers == (UnicastPeer(ip_address("10.0.3.2")),)
    assert one.source == ip_address("10.0.3.1")
    assert one.interface == "eth0", "a second instance of the name is ignored"
    assert many.interface == "eth1"
    assert many.peers == (
        UnicastPeer(ip_address("10.0.4.2"), 64, 64),
        UnicastPeer(ip_address("10.0.4.3")),
    )
    assert many.protocol == 51
    assert (six.family, six.version, str(six.group)) == (6, 3, "ff02::12")
    assert [str(held.address) for held in six.addresses] == ["fe80::9", "2001:db8:9::100"]
    assert six.vmac is not None
    assert (six.vmac.mac, six.vmac.name) == ("00:00:5e:00:02:09", "vrrp.9")
    assert not six.vmac.sends_from_base


def test_an_id_that_is_none() -> None:
    (late,) = of_file("refused.conf").values()
    assert (late.family, late.vrid, late.addresses) == (6, None, ())


def test_an_authentication_without_password_is_none() -> None:
    """It stands on one line: the rest belongs to auth_type."""
    block = "authentication { auth_type AH auth_pass 1111 }"
    (one,) = read(f"vrrp_instance A {{\nvirtual_router_id 1\n{block}\n}}").instances
    assert (one.authentication, one.protocol) == ("", 112)


def test_lines_of_each_member_and_definitions() -> None:
    shared, second = of_file("conditions.conf").values()
    assert (shared.state, shared.priority, shared.vrid) == ("MASTER", 150, 61)
    assert str(shared.source) == "10.0.3.1"
    assert [str(peer.address) for peer in shared.peers] == ["10.0.3.2"]
    assert [str(held.address) for held in shared.addresses] == ["10.0.3.100"]
    assert shared.authentication == "PASS"
    assert (second.name, second.interface, second.vrid) == ("SECOND_node1", "eth0.5", 62)
    assert [str(held.address) for held in second.addresses] == ["10.1.3.100"]
    shared, second = of_file("conditions.conf", "node2").values()
    assert (shared.state, shared.priority, str(shared.source)) == ("BACKUP", 100, "10.0.3.2")
    assert [str(peer.address) for peer in shared.peers] == ["10.0.3.1"]
    assert [str(held.address) for held in shared.addresses] == ["10.0.3.100", "10.0.3.102"]
    shared, _ = of_file("conditions.conf", "node3").values()
    assert shared.source is None
    assert [str(peer.address) for peer in shared.peers] == ["10.0.3.1", "10.0.3.2"]


def test_files_that_are_included() -> None:
    first, second, last = of_file("including.conf").values()
    assert (first.name, first.interface, first.version) == ("FIRST", "eth3", 3)
    assert first.addresses == last.addresses == (HeldAddress(ip_address("10.0.5.100"), 24),)
    assert (second.interface, second.family, str(second.group)) == ("eth4", 6, "ff02::34")
    assert second.vmac is not None
    assert (second.vmac.mac, second.vmac.name) == ("00:00:5e:00:20:02", "vm.2")
    assert last.vmac is not None
    assert last.vmac.name == "vm.3"
    assert list(of_file("including.conf", "node2")) == ["FIRST", "LAST"]
    with pytest.raises(NotReadableError, match="/nowhere/at-all"):
        of_file("including.conf", "node9")


def test_a_load_balancer_has_no_instance() -> None:
    assert of_file("servers.conf") == {}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a b # c", ["a b"]),
        ("a b! c\n  ! d\n#e", ["a b"]),
        (r"a \# b \! c", ["a # b ! c"]),
        ('a "b # c" d', ["a b # c d"]),
        ('a "b { c" { d', ["a b { c", "{", "d"]),
        ('a "b { c', ["a"]),
        ("a{b}c", ["a", "{", "b", "}", "c"]),
        ("a\tb\r\n", ["a b"]),
        ("@node1 a\n@node2 b\n@^node2 c\n@node1", ["a", "c"]),
        ("$X=1\na $X\na ${X}2\na $X2\na $X,$X", ["a 1", "a 12", "a $X2", "a 1,1"]),
        ("$X=1\na ${Y}", ["a $", "{", "Y", "}"]),
        ("$X=$Y\n$Y=1\na $X\n$Y=2\na $X", ["a 1", "a 2"]),
        ("$X=\na $X b", ["a b"]),
        ("$X= \\\n a \\\n b $Y \\\n c\n$Y=1\n$X\n$Y=2\nq $X", ["a", "b 1", "c", "q a", "b 2", "c"]),
        ("$X= \\\n a \\\n\n b\n$X", ["b", "a"]),
        ("$I= \\\n 1 \\\n 2\n$O= \\\n ( \\\n $I \\\n )\n$O", ["(", "1", "2", ")"]),
        ("$IF=@node1\n$IF a\n$IF=@node2\n$IF b", ["a"]),
        ("a ${_INSTANCE} ${_HASH}x", ["a node1"]),
        ("$X=1\n$X\n $Y =2\n$1=3", ["1", "$Y =2", "$1=3"]),
    ],
)  # fmt: skip
def test_lines_as_keepalived_reads_them(text: str, expected: list[str]) -> None:
    assert words(text) == expected


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a {", "does not end"),
        ("a }", "closes no block"),
        ("{ a }", "no block begins"),
        ("$X=$X$X\na $X\n", "too long"),
        ("$X=a${Y}\n$Y=${X}b\n$X", "too long"),
        ("$X= \\\n $X \\\n a\n$X", "too long"),
        ("~SEQ(N, 1, 3) a $N", "~SEQ is not read"),
        ("include other.conf", "were not sent"),
        ("$X= \\\n a \\\n # no\n b\n$X", "a comment stands inside"),
        ("vrrp_instance A {\nvirtual_router_id *\n}", "not known"),
        ("vrrp_instance A {\ninterface ${_RANDOM 1 9}\n}", "not known"),
        ("vrrp_instance A {\nvirtual_ipaddress {\n${_ENV VIP}\n}\n}", "not known"),
        ("a {\n" * 60, "no block begins"),
    ],
)
def test_what_cannot_be_read_is_said(text: str, why: str) -> None:
    with pytest.raises(ConfigurationError, match=why):
        read(text)


def test_a_file_that_includes_itself_ends() -> None:
    files = ConfigurationFiles({"/d/k": "include k\n"}, {("/d", "k"): ("/d/k",)})
    with pytest.raises(ConfigurationError, match="more than"):
        read_configuration(files, ["/d/k"], "")

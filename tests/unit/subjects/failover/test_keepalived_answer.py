"""The answer of the keepalived probe: which daemons count, and what could not be read."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from nethygiene.engine.outcomes import Reason, Unreadable
from nethygiene.subjects.failover.keepalived import KEEPALIVED, Keepalived, parse
from tests.unit.sections import section

PROCESS = """self 0
name node1.example
mount proc /proc proc rw,relatime 0 0
listed 0
process 11
State:\tS (sleeping)
PPid:\t1
NSpid:\t11
option f other.conf
option i main
root other.conf
in /srv
from /srv
pattern other.conf
match /srv/other.conf
process 12
State:\tS (sleeping)
PPid:\t11
NSpid:\t12
option f other.conf
root other.conf
in /srv
from /
pattern /etc/keepalived/keepalived.conf
readable /srv/other.conf
file /srv/other.conf
=@main vrrp_instance MAIN {
=@main virtual_ipaddress { 10.0.3.100 }
=@main }
=file /etc/passwd
=listed 0
end
"""


def of(text: str) -> Keepalived | Unreadable:
    return parse({KEEPALIVED.name: section(text)})


def test_the_file_and_the_name_of_the_daemon_that_runs_count() -> None:
    read = of(PROCESS)
    assert isinstance(read, Keepalived)
    assert read.running
    assert [one.name for one in read.instances] == ["MAIN"]
    assert [one.name for one in read.holding(ip_address("10.0.3.100"))] == ["MAIN"]
    assert read.holding(ip_address("10.0.3.101")) == ()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("NSpid:\t11\n", "NSpid:\t11\nelsewhere\n"),
        ("State:\tS (sleeping)\nPPid:\t1\n", "State:\tZ (zombie)\nPPid:\t1\n"),
        ("option i main\n", "option i main\noption C\n"),
    ],
)
def test_a_daemon_of_somebody_else_does_not_run_here(old: str, new: str) -> None:
    read = of(PROCESS.replace(old, new, 1))
    assert isinstance(read, Keepalived)
    assert (read.running, read.instances) == (False, ())


def test_a_daemon_in_another_network_namespace_announces_nothing_here() -> None:
    read = of(PROCESS.replace("option i main", "option i main\noption s other"))
    assert isinstance(read, Keepalived)
    assert read.instances == ()


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("readable /srv", "hidden /srv", "could not be read"),
        ("match /srv/other.conf\n", "", "is not there"),
        ("match /srv/other.conf\n", "closed /srv\n", "were not sent"),
        ("option i main", "option ? --config-i=main", "--config-i=main"),
        ("=@main }\n", "", "does not end"),
        # A container may well share the host's network.
        ("NSpid:\t11\n", "NSpid:\t11\t1\n", "pid 11 runs in a container"),
    ],
)
def test_a_daemon_whose_file_cannot_be_read(old: str, new: str, why: str) -> None:
    read = of(PROCESS.replace(old, new, 1))
    assert isinstance(read, Keepalived)
    (daemon,) = read._daemons
    assert isinstance(daemon, Unreadable)
    assert why in str(daemon)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("listed 0", "listed 127", Reason.UNPARSABLE),
        ("mount proc /proc proc rw", "mount proc /proc proc rw,hidepid=2", None),
        ("self 0", "self x", Reason.UNPARSABLE),
        ("\nend\n", "\n", Reason.COMMAND_FAILED),
        ("readable /srv/other.conf", "many", Reason.CUT_OFF),
    ],
)
def test_an_answer_that_is_not_whole(old: str, new: str, reason: Reason | None) -> None:
    read = of(PROCESS.replace(old, new, 1))
    if reason is None:
        assert isinstance(read, Keepalived), "root sees all processes"
        read = of(PROCESS.replace(old, new, 1).replace("self 0", "self 1000"))
        reason = Reason.PERMISSION
    assert isinstance(read, Unreadable)
    assert read.reason is reason

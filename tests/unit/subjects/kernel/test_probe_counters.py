"""Counters: two samples of one boot and namespace, or no change is known."""

from __future__ import annotations

import pytest

from nethygiene.engine.ledger import Ledger, UnreadableFactError
from nethygiene.engine.outcomes import Reason, Unreadable
from nethygiene.engine.subject import Subject
from nethygiene.inventory.policy import policy_from_plain
from nethygiene.subjects.kernel.counters import Change, Counters, duration
from nethygiene.transcript import Cut, HostFailure, Section, Transcript
from tests.unit.sections import fact, section

BOOT = "ec638c4b-72fc-43db-b8b8-88a424cafb3d"
OTHER_BOOT = "00000000-72fc-43db-b8b8-88a424cafb3d"
OVERFLOWS = "TcpExtListenOverflows"


def sample(
    overflows: object = 7,
    uptime: object = "100.00",
    *,
    boot: str = BOOT,
    namespace: str = "net:[4026531840]\n",
    status: int = 0,
) -> Section:
    text = f"""{namespace}/proc/sys/kernel/random/boot_id:{boot}
/proc/uptime:{uptime} 6962.23
/proc/net/netstat:TcpExt: SyncookiesSent ListenOverflows ListenDrops
/proc/net/netstat:TcpExt: 0 {overflows} 9
/proc/net/netstat:IpExt: InNoRoutes
/proc/net/netstat:IpExt: 5
/proc/net/snmp:Icmp: InMsgs InRedirects
/proc/net/snmp:Icmp: 3 2
/proc/net/snmp:Tcp: MaxConn InErrs
/proc/net/snmp:Tcp: -1 0
/proc/net/snmp6:Icmp6InRedirects                \t4
"""
    return section(text, status=status)


def counters(**samples: Section) -> Counters:
    sections = {f"counters@{end}": one for end, one in samples.items()}
    found = fact("counters", sections)
    assert isinstance(found, Counters), found
    return found.bound_to(Ledger())


def why_not(one: Counters, name: str = OVERFLOWS) -> Unreadable:
    with pytest.raises(UnreadableFactError) as error:
        one.change(name)
    assert one.ledger.unreadable == [error.value.unreadable], "it is remembered"
    return error.value.unreadable


def test_a_change() -> None:
    one = counters(first=sample(7, "100.00"), last=sample(10, "102.50"))
    change = one.change(OVERFLOWS)
    assert change == Change(OVERFLOWS, 3, 2.5, 10, 102.5)
    assert str(change) == "+3 in 2.50 s (total 10 since boot, 1 min ago)"
    one.ledger.close()
    assert [(read.what, read.source) for read in one.ledger.observations] == [
        (OVERFLOWS, "/proc/net/netstat")
    ]


@pytest.mark.parametrize(
    ("name", "total", "file"),
    [
        ("IpExtInNoRoutes", 5, "/proc/net/netstat"),
        ("IcmpInRedirects", 2, "/proc/net/snmp"),
        ("TcpMaxConn", -1, "/proc/net/snmp"),
        ("Icmp6InRedirects", 4, "/proc/net/snmp6"),
    ],
)
def test_names_and_files_are_nstats(name: str, total: int, file: str) -> None:
    one = counters(first=sample(), last=sample(uptime="101.00"))
    assert one.change(name).total == total
    one.ledger.close()
    assert one.ledger.observations[0].source == file


def test_since_takes_the_place_of_the_first() -> None:
    one = counters(since=sample(1, "40.00"), first=sample(7), last=sample(7, "102.00"))
    assert one.change(OVERFLOWS) == Change(OVERFLOWS, 6, 62.0, 7, 102.0, since=True)


def test_a_since_that_is_unreadable_is_not_replaced_by_the_window() -> None:
    lost = Section(b"", b"", None, Cut.CLOSED)
    one = counters(since=lost, first=sample(7), last=sample(7, "102.00"))
    assert why_not(one).reason is Reason.CUT_OFF


@pytest.mark.parametrize(
    ("first", "last", "reason", "says"),
    [
        (sample(7), sample(6, "102.00"), Reason.UNDECIDABLE, "reset or wrapped"),
        (sample(7), sample(7, "100.00"), Reason.UNDECIDABLE, "in 0.00 s"),
        (sample(7), sample(7, "99.00"), Reason.UNDECIDABLE, "in -1.00 s"),
        (sample(2**32 - 1), sample(1, "102.00"), Reason.UNDECIDABLE, "wrapped"),
        (sample(boot=OTHER_BOOT), sample(), Reason.NO_SECOND_SAMPLE, "another boot"),
        (
            sample(namespace="net:[1]\n"),
            sample(uptime="102.00"),
            Reason.NO_SECOND_SAMPLE,
            "another network namespace",
        ),
        (sample("x"), sample(7, "102.00"), Reason.UNPARSABLE, "no number"),
        (sample(7), sample("9" * 21, "102.00"), Reason.UNPARSABLE, "no number"),
        (sample(7), sample("7.5", "102.00"), Reason.UNPARSABLE, "no number"),
        (sample(7), sample("\u0667", "102.00"), Reason.UNPARSABLE, "no number"),
        (sample("7 8"), sample(7, "102.00"), Reason.ABSENT, "no counter"),
        (sample(status=1), sample(uptime="102.00"), Reason.COMMAND_FAILED, "status 1"),
        (sample(status=139), sample(uptime="102.00"), Reason.COMMAND_FAILED, "status 139"),
        (sample(uptime="soon"), sample(uptime="102.00"), Reason.UNPARSABLE, "no uptime"),
        (sample(boot=""), sample(uptime="102.00"), Reason.UNPARSABLE, "boot id"),
        (section(""), sample(uptime="102.00"), Reason.UNPARSABLE, "no uptime"),
        (section(b"\xff\0\n"), sample(uptime="102.00"), Reason.UNPARSABLE, "no uptime"),
        (Section(b"", b"", None, Cut.CLOSED), sample(), Reason.CUT_OFF, "connection ended"),
    ],
)
def test_no_change_is_known(first: Section, last: Section, reason: Reason, says: str) -> None:
    why = why_not(counters(first=first, last=last))
    assert why.reason is reason
    assert says in why.detail


def test_a_host_lost_after_its_samples_is_not_short_of_a_run_that_nobody_named() -> None:
    sections = {"counters@first": sample(7), "counters@last": sample(9, "102.00")}
    lost = HostFailure("closed", "the connection ended", "see its log")
    transcript = Transcript("host", "", "", 0.0, 1.0, sections=sections, failure=lost)
    found = Subject("host", policy_from_plain({}), transcript).fact("counters")
    assert isinstance(found, Counters)
    assert found.change(OVERFLOWS).delta == 2


def test_a_counter_that_this_kernel_lacks_is_absent_not_zero() -> None:
    one = counters(first=sample(), last=sample(uptime="102.00"))
    assert why_not(one, "TcpExtPAWSPassive").reason is Reason.ABSENT


def test_one_sample_gives_no_change() -> None:
    why = why_not(counters(last=sample()))
    assert why.reason is Reason.NO_SECOND_SAMPLE
    assert "--window" in why.detail


def test_without_the_last_sample_there_is_no_fact() -> None:
    assert isinstance(fact("counters", {"counters@first": sample()}), Unreadable)


def test_a_kernel_without_ipv6_has_the_other_counters() -> None:
    text = sample().stdout.decode().replace("/proc/net/snmp6:", "/gone:")
    one = counters(first=section(text, status=2), last=sample(uptime="102.00", status=2))
    assert one.change(OVERFLOWS).delta == 0
    assert why_not(one, "Icmp6InRedirects").reason is Reason.ABSENT


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "0 s"), (59.9, "59 s"), (60, "1 min"), (3660, "1 h 1 min"), (277_200, "3 d 5 h")],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


DEVICES = """/proc/net/dev:Inter-|   Receive                            |  Transmit
/proc/net/dev: face |bytes    packets errs drop fifo|bytes    packets errs drop
/proc/net/dev:  eth0:    {} 50 3 0 0 4000 40 1 0
/proc/net/dev:eth0.100: 1 2 3 4 5 6 7 8
"""


def with_devices(octets: object, uptime: str) -> Section:
    return section(sample(uptime=uptime).stdout.decode() + DEVICES.format(octets))


def test_counters_of_interfaces_are_read_by_the_names_of_their_columns() -> None:
    one = counters(first=with_devices(100, "100.00"), last=with_devices(150, "102.00"))
    change = one.device_change("eth0", "rx_bytes")
    assert change == Change("eth0 rx_bytes", 50, 2.0, 150, 102.0)
    assert one.device_change("eth0", "tx_errs").total == 1
    one.ledger.close()
    assert one.ledger.observations[0].source == "/proc/net/dev"


@pytest.mark.parametrize(
    ("interface", "column", "reason"),
    [
        ("eth1", "rx_errs", Reason.NO_SECOND_SAMPLE),
        ("eth0", "rx_frame", Reason.ABSENT),
        ("eth0.100", "rx_errs", Reason.ABSENT),
    ],
)
def test_no_change_of_an_interface_is_known(interface: str, column: str, reason: Reason) -> None:
    one = counters(first=with_devices(100, "100.00"), last=with_devices(150, "102.00"))
    with pytest.raises(UnreadableFactError) as error:
        one.device_change(interface, column)
    assert error.value.unreadable.reason is reason


def test_a_wrapped_counter_of_an_interface_is_no_huge_number() -> None:
    one = counters(first=with_devices(2**32 - 5, "100.00"), last=with_devices(7, "102.00"))
    with pytest.raises(UnreadableFactError) as error:
        one.device_change("eth0", "rx_bytes")
    assert error.value.unreadable.reason is Reason.UNDECIDABLE


def test_evidence_without_interfaces_is_older_than_the_rule() -> None:
    one = counters(first=sample(), last=sample(uptime="102.00"))
    with pytest.raises(UnreadableFactError) as error:
        one.device_change("eth0", "rx_errs")
    assert error.value.unreadable.reason is Reason.NOT_COLLECTED

"""Descriptors: the three ways in which a host tells how many are open."""

from __future__ import annotations

import pytest

from nethygiene.engine.catalogue import all_probes
from nethygiene.engine.ledger import Ledger, UnreadableFactError
from nethygiene.engine.outcomes import Reason, Unreadable
from nethygiene.engine.subject import Subject
from nethygiene.inventory.policy import policy_from_plain
from nethygiene.subjects.sockets.descriptors import Descriptors, ProcessDescriptors
from nethygiene.transcript import Section, Transcript

POLICY = policy_from_plain({"services": {"shop": {"port": 80}}})
NEW = """/proc/self/fd 5 64321
/proc/1/fd 287 0
/proc/812/fd 19 33
/proc/999/fd 3 33
/proc/self/status:CapEff:\t0000000000000000
/proc/1/limits:open files            32768
/proc/812/limits:open files            1024
"""
OLD = """/proc/self/fd 0 64321
/proc/1/fd 0 0
/proc/812/fd 0 33
/proc/self/status:CapEff:\t000001ffffffffff
/proc/1/status:FDSize:\t256
/proc/812/status:FDSize:\t64
/proc/1/fd/ 101
/proc/1/limits:open files            32768
/proc/812/limits:open files            1024
"""


def descriptors(text: str) -> Descriptors | Unreadable:
    sections = {"descriptors": Section(text.encode())}
    transcript = Transcript("host", "address", "", 0.0, 1.0, sections=sections)
    found = Subject("host", POLICY, transcript).fact("descriptors")
    assert isinstance(found, Descriptors | Unreadable)
    return found


def test_a_kernel_that_tells_the_number() -> None:
    found = descriptors(NEW)
    assert isinstance(found, Descriptors)
    assert found._processes == {
        1: ProcessDescriptors(0, 287, None, 32768),
        812: ProcessDescriptors(33, 19, None, 1024),
    }
    assert (found.uid, found.may_trace) == (64321, False)


def test_a_kernel_before_6_2() -> None:
    found = descriptors(OLD)
    assert isinstance(found, Descriptors)
    assert found._processes == {
        1: ProcessDescriptors(0, 101, 256, 32768),
        812: ProcessDescriptors(33, None, 64, 1024),
    }
    assert found.may_trace


@pytest.mark.parametrize("pid", [999, 5])
def test_a_process_that_is_not_seen_is_unreadable(pid: int) -> None:
    found = descriptors(NEW)
    assert isinstance(found, Descriptors)
    with pytest.raises(UnreadableFactError) as error:
        found.bound_to(Ledger()).of(pid)
    assert "hidepid" in error.value.unreadable.detail


@pytest.mark.parametrize(
    ("text", "tool"),
    [
        ("", "stat"),
        (NEW.replace("/proc/self/fd", "/proc/self/gone"), "stat"),
        (NEW.replace("CapEff", "CapPrm"), "grep"),
    ],
)
def test_without_its_tools_there_is_no_fact(text: str, tool: str) -> None:
    found = descriptors(text)
    assert isinstance(found, Unreadable)
    assert found.reason is Reason.TOOL_MISSING
    assert found.source.startswith(tool)


def test_it_is_sent_only_where_a_service_is_declared() -> None:
    probe = all_probes()["descriptors"]
    assert [one.name for one in probe.commands_for(POLICY)] == ["descriptors"]
    assert probe.commands_for(policy_from_plain({})) == ()

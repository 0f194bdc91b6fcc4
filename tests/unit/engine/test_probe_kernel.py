"""The kernel's release, and which machine it is."""

from __future__ import annotations

import pytest

from nethygiene.engine.kernel import Kernel
from nethygiene.engine.ledger import Ledger
from nethygiene.engine.machine import Machine
from nethygiene.engine.outcomes import Reason, Unreadable
from tests.unit.sections import fact, section


@pytest.mark.parametrize(
    ("text", "name", "version"),
    [
        ("Linux 6.18.44-fc-v657\n", "Linux", (6, 18)),
        ("Linux 3.10.0-1160.el7.x86_64\n", "Linux", (3, 10)),
        ("Linux 2.6.32-754.el6.x86_64\n", "Linux", (2, 6)),
        ("Linux 4.12.14-122.37-default\n", "Linux", (4, 12)),
        ("Linux 5.10\n", "Linux", (5, 10)),
        ("Linux 6.1.0-18-amd64", "Linux", (6, 1)),
        ("FreeBSD 14.1-RELEASE\n", "FreeBSD", (14, 1)),
        ("Darwin 23.5.0\n", "Darwin", (23, 5)),
    ],
)
def test_releases(text: str, name: str, version: tuple[int, int]) -> None:
    found = fact("kernel", {"kernel": text})
    assert isinstance(found, Kernel)
    assert (found.name, found.version) == (name, version)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "Linux\n",
        "Linux six.one\n",
        "Linux 6\n",
        "Linux 6.1 extra\n",
        "Welcome!\nLinux 6.1\n",
        "Linux 99999.1\n",
        "Linux 6.1\0\n\n6.2",
        "Linux \u0666.\u0661",
        b"Linux \xff\xfe",
    ],
)
def test_what_is_no_release(text: str | bytes) -> None:
    found = fact("kernel", {"kernel": text})
    assert isinstance(found, Unreadable)
    assert found.reason is Reason.UNPARSABLE


def test_a_uname_that_fails_is_not_believed() -> None:
    found = fact("kernel", {"kernel": section("Linux 6.1\n", "uname: oh", 1)})
    assert isinstance(found, Unreadable)
    assert found.reason is Reason.COMMAND_FAILED


@pytest.mark.parametrize(
    ("release", "at_least"),
    [("3.10.0", False), ("4.11.12", False), ("4.12.0", True), ("4.18.0", True), ("10.0", True)],
)
def test_comparing_is_by_number_and_recorded(release: str, at_least: bool) -> None:
    kernel = fact("kernel", {"kernel": f"Linux {release}"})
    assert isinstance(kernel, Kernel)
    ledger = Ledger()
    assert kernel.bound_to(ledger).is_at_least(4, 12) is at_least
    ledger.close()
    assert [(one.what, one.actual) for one in ledger.observations] == [("kernel", release)]


MACHINE = """0
/proc/sys/kernel/random/boot_id:ec638c4b-72fc-43db-b8b8-88a424cafb3d
/proc/uptime:4371.56 6962.23
/etc/os-release:PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"
/etc/os-release:NAME="Debian GNU/Linux"
/usr/lib/os-release:PRETTY_NAME="another"
"""


def test_a_machine() -> None:
    assert fact("machine", {"machine": section(MACHINE, status=2)}) == Machine(
        os="Debian GNU/Linux 12 (bookworm)",
        boot_id="ec638c4b-72fc-43db-b8b8-88a424cafb3d",
        uptime=4371.56,
        uid=0,
    )


@pytest.mark.parametrize("text", ["", "root\n", "id: not found", b"\xff\0"])
def test_what_is_no_machine(text: str | bytes) -> None:
    assert isinstance(fact("machine", {"machine": text}), Unreadable)


def test_parts_of_a_machine_may_be_missing() -> None:
    assert fact("machine", {"machine": "1000\n/proc/uptime:x\n"}) == Machine("", "", None, 1000)

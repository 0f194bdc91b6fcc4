"""The items of the rule that settings last: each sysctl that other rules of the run judged good."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from nethygiene.engine.expect import not_applicable, unknown
from nethygiene.engine.finder import OtherVerdict, finder
from nethygiene.subjects.kernel.boot_sysctls import BootSysctls
from nethygiene.subjects.kernel.judged import JudgedSysctl, judged_sysctls
from nethygiene.subjects.kernel.sysctl import Sysctls


def persisted_sysctl(
    boot_sysctls: BootSysctls, sysctl: Sysctls, judged: Callable[[], Iterable[OtherVerdict]]
) -> Iterator[JudgedSysctl]:
    """Each sysctl that a rule of this run judged good, on a host that sets them at boot."""
    if container := boot_sysctls.runs_in:
        not_applicable(f"a container ({container}) has no boot of its own that sets sysctls")
    good = judged_sysctls(judged())
    if good.unknown and not good.sysctls:
        unknown("the rules that judge sysctls are unknown themselves")
    for good_sysctl in good.sysctls:
        # Read both facts before the first item. If one is unreadable, one result for the host says
        # so, not one for each sysctl.
        boot_sysctls.require()
        sysctl.require(good_sysctl.name)
        yield good_sysctl


FINDER = finder(
    persisted_sysctl,
    "no other rule of this run judged a sysctl good: select some",
    after="sysctl",
)

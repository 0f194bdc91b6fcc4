"""Reverse path filtering: packets that come in by another way than answers would go out."""

from __future__ import annotations

from nethygiene.engine.remedies import paragraphs, set_sysctls
from nethygiene.subjects.kernel.sysctl import Sysctls
from nethygiene.subjects.links.multihomed_interface import MultihomedInterface

_ALL = "net.ipv4.conf.all.rp_filter"
MODES = {0: "disabled", 1: "strict", 2: "loose"}


def reverse_path_filter(sysctl: Sysctls, interface: MultihomedInterface) -> str:
    """The filter in effect on an interface: ``disabled``, ``strict`` or ``loose``.

    The larger of ``all`` and the interface's own value counts (IN_DEV_RPFILTER in
    include/linux/inetdevice.h), so all=1 with 0 on the interface is strict.
    """
    mode = max(sysctl[_own(interface)], sysctl[_ALL])
    return MODES.get(mode, f"undocumented ({mode})")


def filter_as(mode: str, sysctl: Sysctls, interface: MultihomedInterface) -> str:
    """Commands that set the filter of an interface to `mode`.

    The larger of `all` and its own value counts, so `all` is lowered only if it is above the mode.
    """
    value_of_mode = next(value for value, name in MODES.items() if name == mode)
    values = {_own(interface): value_of_mode}
    if (everywhere := sysctl[_ALL]) <= value_of_mode:
        return set_sysctls(values)
    # Lowering `all` changes the filter of other interfaces too, so the advice says how to keep
    # them.
    advice = (
        f"`all` is {everywhere}, and the larger of the two counts: it is lowered here, so write "
        f"{everywhere} to the interfaces that have to stay as they are."
    )
    return paragraphs(advice, set_sysctls({_ALL: value_of_mode, **values}))


def _own(interface: MultihomedInterface) -> str:
    # sysctl(8) writes the dots in an interface's name as slashes.
    return f"net.ipv4.conf.{interface.name.replace('.', '/')}.rp_filter"

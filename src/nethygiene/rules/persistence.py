"""What a sysctl will be after the next boot: files, wildcards, and what settings do to each other.

The last assignment of a setting wins. One that is spelt out, or taken out by ``-key``, is not
touched by wildcards (systemd-sysctl, and procps since 4.0). What the kernel itself carries over,
tried on Linux 6.18:

- writing ``ip_forward`` (``net.ipv4.conf.all.forwarding``, ``net.ipv6.conf.all.forwarding``)
  writes ``forwarding`` of every interface;
- changing ``ip_forward`` writes the opposite to ``net.ipv4.conf.all.accept_redirects``;
- in IPv4, writing ``conf.default.X`` writes X of each interface on which nobody set it. In IPv6 it
  holds for interfaces that come later: whether a network card did cannot be told.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from nethygiene.probes.boot_sysctls import Assignment, BootSysctls
from nethygiene.probes.kernel import Kernel
from nethygiene.probes.sysctl import Sysctls
from nethygiene.rules.expect import not_applicable
from nethygiene.rules.judged import JudgedSysctl, JudgedSysctls
from nethygiene.rules.kernel_defaults import kernel_default

_CONF = re.compile(r"net/(?P<family>ipv[46])/conf/(?P<name>.+)/(?P<setting>\w+)")
_ALIASES = {"net/ipv4/ip_forward": "net/ipv4/conf/all/forwarding"}
_REDIRECTS = "net/ipv4/conf/all/accept_redirects"
_FORWARDING = "net/ipv4/conf/all/forwarding"


@dataclass(frozen=True, slots=True)
class BootValue:
    """A value that a sysctl may have after the next boot.

    Attributes:
        value: the value, None where the kernel's own default cannot be told.
        source: the file that sets it; ``the kernel's default`` where none does.
    """

    value: str | None
    source: str


def persisted_sysctl(
    boot_sysctls: BootSysctls, sysctl: Sysctls, judged: Callable[[], JudgedSysctls]
) -> Iterator[JudgedSysctl]:
    """Each sysctl that a rule of this run judged good, on a host that sets them at boot."""
    if container := boot_sysctls.runs_in:
        not_applicable(f"a container ({container}) has no boot of its own that sets sysctls")
    good = judged()
    if good.unknown and not good.sysctls:
        boot_sysctls.ledger.undecidable("the rules that judge sysctls are unknown themselves")
    for one in good.sysctls:
        # Before the items: where nothing can be told of any, one result says so.
        _ = boot_sysctls.assignments, sysctl.text(one.name)
        yield one


def after_boot(boot: BootSysctls, kernel: Kernel, judged: JudgedSysctl) -> str:
    """The value that the sysctl will have; unknown where that cannot be told."""
    kernel.is_at_least(0, 0)  # its release decides what the defaults are
    found = list(_possible(boot.assignments, kernel, judged.path))
    for one in found:
        boot.ledger.read(judged.name, one.source, one.value)
    values = {one.value for one in found}
    if None in values:
        boot.ledger.undecidable(
            f"no file sets {judged.name}, and the kernel computes its default: set it in a file"
        )
    if len(values) > 1:
        said = " or ".join(sorted(f"{one.value} by {one.source}" for one in found))
        boot.ledger.undecidable(
            f"{judged.name} will be {said}: it depends on what comes first, the interface or the "
            "file: set it for the interface by name"
        )
    return values.pop() or ""


def why_lost(boot: BootSysctls, judged: JudgedSysctl) -> str:
    """What to say of a value that the next boot will not bring."""
    if file := boot.unread_file(judged.path):
        return (
            f"lost at reboot: systemd does not read {file}, which sets it; link it into "
            "/etc/sysctl.d as 99-sysctl.conf"
        )
    position = _position(boot.assignments, _ALIASES.get(judged.path, judged.path))
    if position < 0:
        return "lost at reboot: no file sets it"
    last = boot.assignments[position]
    return f"lost at reboot: {last.file} sets it to {last.value}"


def _possible(lines: Sequence[Assignment], kernel: Kernel, path: str) -> Iterator[BootValue]:
    path = _ALIASES.get(path, path)
    own = _position(lines, path)
    conf = _CONF.fullmatch(path)
    if conf is None:
        yield _value(lines, own) or _default(kernel, path)
        return
    if path == _REDIRECTS:
        switched = _position(lines, _FORWARDING)
        if switched > own and lines[switched].value not in {"0", None}:
            yield BootValue("0", f"{lines[switched].file} (ip_forward resets it)")
            return
    if conf["name"] in {"all", "default"} and conf["setting"] != "forwarding":
        yield _value(lines, own) or _default(kernel, path)
        return
    family, setting = conf["family"], conf["setting"]
    # Writing it for all writes it for each interface, whatever it was; what stands later wins.
    everywhere = _position(lines, f"net/{family}/conf/all/forwarding")
    last = max(own, everywhere) if setting == "forwarding" else own
    if last >= 0:
        yield _value(lines, last) or _default(kernel, path)
        return
    inherited = _value(lines, _position(lines, f"net/{family}/conf/default/{setting}"))
    if inherited is None or family == "ipv6":
        yield _default(kernel, path)
    if inherited is not None:
        yield inherited


def _default(kernel: Kernel, path: str) -> BootValue:
    value = kernel_default(path, kernel.version, kernel.release)
    return BootValue(value, "the kernel's default")


def _value(lines: Sequence[Assignment], position: int) -> BootValue | None:
    return BootValue(lines[position].value, lines[position].file) if position >= 0 else None


def _position(lines: Sequence[Assignment], path: str) -> int:
    """Where the assignment stands that decides a setting, -1 if there is none."""
    spelt_out = [
        index for index, one in enumerate(lines) if _ALIASES.get(one.path, one.path) == path
    ]
    if spelt_out:
        return spelt_out[-1] if lines[spelt_out[-1]].value is not None else -1
    matching = [index for index, one in enumerate(lines) if _matches(path, one)]
    return matching[-1] if matching else -1


def _matches(path: str, one: Assignment) -> bool:
    """As glob(7): no wildcard crosses a slash."""
    if one.value is None or not re.search(r"[*?\[]", one.path):
        return False
    parts, patterns = path.split("/"), one.path.split("/")
    return len(parts) == len(patterns) and all(map(fnmatchcase, parts, patterns))

"""What a sysctl will be after the next boot: files, wildcards, and what settings do to each other.

The last assignment of a setting wins. One that is spelt out, or taken out by ``-key``, is not
touched by wildcards (systemd-sysctl, and procps since 4.0). What the kernel itself carries over,
tried on Linux 6.18:

- changing ``ip_forward`` (``net.ipv4.conf.all.forwarding``) writes ``forwarding`` of every
  interface, and the opposite to ``net.ipv4.conf.all.accept_redirects``;
- writing ``net.ipv6.conf.all.forwarding`` writes ``forwarding`` of every interface;
- in IPv4, writing ``conf.default.X`` (but forwarding) writes X of each interface on which nobody
  set it. Else it holds for interfaces that come later: whether a network card did is not told.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from nethygiene.engine.expect import unknown
from nethygiene.engine.kernel import Kernel
from nethygiene.engine.remedies import at_boot, boot_file, command, paragraphs, word
from nethygiene.subjects.kernel.boot_sysctls import DIRECTORIES, Assignment, BootSysctls
from nethygiene.subjects.kernel.judged import JudgedSysctl
from nethygiene.subjects.kernel.kernel_defaults import kernel_default

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


def after_boot(boot: BootSysctls, kernel: Kernel, judged: JudgedSysctl) -> str:
    """The value that the sysctl will have; unknown where that cannot be told."""
    kernel.require()  # its release decides what the defaults are
    found = [
        _as_taken(one, judged, kernel) for one in possible_after_boot(boot, kernel, judged.path)
    ]
    for one in found:
        boot.ledger.read(judged.name, one.source, one.value)
    values = {one.value for one in found}
    if None in values:
        unknown(
            f"no file sets {judged.name}, and the kernel's own default cannot be told: "
            "set it in a file"
        )
    if len(values) > 1:
        said = " or ".join(sorted(f"{one.value} by {one.source}" for one in found))
        unknown(
            f"{judged.name} will be {said}: it depends on what comes first, the interface or the "
            "file: set it for the interface by name"
        )
    return values.pop() or ""


def _as_taken(found: BootValue, judged: JudgedSysctl, kernel: Kernel) -> BootValue:
    """The value as the kernel takes it: of a number, what follows a blank is ignored.

    Tried on Linux 6.18: `60 # comment` is 60, `0x3c` is 60, `01` is 1 and `060` is 48; `60s`,
    `60#`, `+60` and `08` are refused, and then nothing is set. The kernel prints as many numbers
    as there are.
    """
    if found.value is None:
        found = BootValue(judged.default, found.source)
    now = judged.value.split()
    if found.value is None or not all(re.fullmatch(r"-?\d+", one, re.ASCII) for one in now):
        return found
    words = found.value.split()[: len(now)]
    numbers = [number_of_kernel(one) for one in words]
    if None in numbers or len(words) < len(now):
        default = _default(kernel, judged.path)
        value = judged.default if default.value is None else default.value
        return BootValue(value, f"{default.source}, for {found.source} has {found.value}")
    return BootValue(" ".join(str(one) for one in numbers), found.source)


def number_of_kernel(text: str) -> int | None:
    """A number as the kernel reads what is written to a sysctl; None where it refuses it."""
    sign, digits = ("-", text[1:]) if text.startswith("-") else ("", text)
    bases = {r"0[xX][0-9a-fA-F]{1,15}": 16, r"0[0-7]{0,20}": 8, r"[1-9]\d{0,18}": 10}
    base = next((bases[one] for one in bases if re.fullmatch(one, digits, re.ASCII)), None)
    return None if base is None else int(sign + digits, base)


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


def write_down(boot: BootSysctls, judged: JudgedSysctl) -> str:
    """The remedy of a value that the next boot will not bring."""
    position = _position(boot.assignments, _ALIASES.get(judged.path, judged.path))
    last = boot.assignments[position] if position >= 0 else None
    told = "Write it down, in a file of a name that comes last."
    if last is None or not _comes_after(last.file, boot_file(judged.name)):
        return paragraphs(told, at_boot(judged.name, judged.value))
    # Spelt in either way; what stands there otherwise is left alone.
    key = "[./]".join(map(re.escape, judged.path.split("/")))
    edit = word(rf"s|^[[:space:]]*-\?{key}[[:space:]]*=.*|{judged.name} = {judged.value}|")
    return paragraphs(
        f"{last.file} has the last word: write it there.",
        command(f"sed -i {edit} {word(last.file)}"),
    )


def _comes_after(file: str, ours: str) -> bool:
    """Whether a file is applied after one of ours: by its name, or read in the end."""
    folder, _, name = file.rpartition("/")
    return folder not in DIRECTORIES or name > ours.rpartition("/")[2]


def possible_after_boot(boot: BootSysctls, kernel: Kernel, path: str) -> Iterator[BootValue]:
    """The values that a sysctl may have after the next boot, by its path below /proc/sys."""
    lines = boot.assignments
    path = _ALIASES.get(path, path)
    conf = _CONF.fullmatch(path)
    if path == _REDIRECTS or (conf is not None and conf["setting"] == "forwarding"):
        yield _after_forwarding(boot, kernel, path)
        own = 0
    else:
        own = _position(lines, path)
        if own >= 0:
            yield _value(lines[own])
    if conf is None or conf["name"] in {"all", "default"} or path == _REDIRECTS:
        if own < 0:
            yield _default(kernel, path)
        return
    by_name = _position(lines, path) >= 0
    family, setting = conf["family"], conf["setting"]
    inherited = _position(lines, f"net/{family}/conf/default/{setting}")
    # What is written to default reaches interfaces that are there already in IPv4 alone.
    reaches = family == "ipv4" and setting != "forwarding"
    if own < 0 and (inherited < 0 or not reaches):
        yield _default(kernel, path)
    # systemd does not write a value that is there already: then nobody has set it.
    unwritten = boot.systemd and reaches and inherited > own >= 0
    untouched = unwritten and _value(lines[own]).value == _default(kernel, path).value
    heir = inherited >= 0 and (not by_name or untouched)
    if heir and not _is_overwritten(boot, path, inherited):
        yield _value(lines[inherited])


def _is_overwritten(boot: BootSysctls, path: str, inherited: int) -> bool:
    """Whether forwarding of all is written after that of default."""
    if not path.endswith("/forwarding"):
        return False
    every = path.split("/")[1]
    return _position(boot.assignments, f"net/{every}/conf/all/forwarding") > inherited


def _after_forwarding(boot: BootSysctls, kernel: Kernel, path: str) -> BootValue:
    """Play the writes to `forwarding`, which write other settings as well, in their order."""
    family = path.split("/")[1]
    every, default = f"net/{family}/conf/all/forwarding", f"net/{family}/conf/default/forwarding"
    played = {one: _default(kernel, one) for one in (every, default, path)}
    # systemd leaves alone what already has the value, and so does the kernel for IPv4.
    again = family == "ipv6" and not boot.systemd
    for position, line in enumerate(boot.assignments):
        for one in (every, default, path):
            if _position_of(boot.assignments, line, one) != position:
                continue
            new, old = _value(line), played[one]
            played[one] = new
            if one != every or (new.value == old.value and not again):
                continue
            played[default] = new
            played[path] = new if path != _REDIRECTS else _reset_redirects(new)
    return played[path]


def _reset_redirects(forwarding: BootValue) -> BootValue:
    value = "1" if forwarding.value == "0" else "0"
    return BootValue(value, f"{forwarding.source} (ip_forward resets it)")


def _position_of(lines: Sequence[Assignment], line: Assignment, path: str) -> int:
    """Where a line writes a path, -1 if it does not."""
    spelt = _ALIASES.get(line.path, line.path) == path
    if line.value is None or not (spelt or (_matches(path, line) and not _is_spelt(lines, path))):
        return -1
    return lines.index(line)


def _is_spelt(lines: Sequence[Assignment], path: str) -> bool:
    return any(_ALIASES.get(one.path, one.path) == path for one in lines)


def _default(kernel: Kernel, path: str) -> BootValue:
    value = kernel_default(path, kernel.version, kernel.release)
    return BootValue(value, "the kernel's default")


def _value(line: Assignment) -> BootValue:
    return BootValue(line.value, line.file)


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

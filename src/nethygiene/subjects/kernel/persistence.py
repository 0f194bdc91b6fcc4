"""What a sysctl will be after the next boot: files, wildcards, and settings that set others.

The last assignment of a setting wins. Wildcards do not touch a setting that is spelt out, or taken
out by ``-key`` (systemd-sysctl, and procps since 4.0). The kernel itself writes other settings
(tried on Linux 6.18):

- changing ``ip_forward`` (``net.ipv4.conf.all.forwarding``) writes ``forwarding`` of every
  interface, and the opposite to ``net.ipv4.conf.all.accept_redirects``;
- writing ``net.ipv6.conf.all.forwarding`` writes ``forwarding`` of every interface;
- in IPv4, writing ``conf.default.X`` (except forwarding) writes X of each interface on which nobody
  set it. Otherwise it holds only for interfaces that come later, and nothing says whether a network
  card came before or after.
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
        value: the value, None if it is the kernel's default and that is not known.
        source: the file that sets it; ``the kernel's default`` if none does.
    """

    value: str | None
    source: str


def after_boot(boot: BootSysctls, kernel: Kernel, judged: JudgedSysctl) -> str:
    """The value that the sysctl will have; ends the rule as unknown if several are possible."""
    kernel.require()  # its release decides what the defaults are
    possible = [
        _as_taken(value, judged, kernel) for value in possible_after_boot(boot, kernel, judged.path)
    ]
    for value in possible:
        boot.ledger.read(judged.name, value.source, value.value)
    values = {value.value for value in possible}
    if None in values:
        unknown(
            f"no file sets {judged.name}, and the kernel's own default cannot be told: "
            "set it in a file"
        )
    if len(values) > 1:
        candidates = " or ".join(sorted(f"{value.value} by {value.source}" for value in possible))
        unknown(
            f"{judged.name} will be {candidates}: it depends on what comes first, the interface or "
            "the file: set it for the interface by name"
        )
    return values.pop() or ""


def _as_taken(booted: BootValue, judged: JudgedSysctl, kernel: Kernel) -> BootValue:
    """The value as the kernel takes it; the kernel ignores what follows a number and a blank.

    Tried on Linux 6.18: `60 # comment` is 60, `0x3c` is 60, `01` is 1 and `060` is 48; `60s`,
    `60#`, `+60` and `08` are refused, and then nothing is set. The kernel prints as many numbers
    as there are.
    """
    if booted.value is None:
        booted = BootValue(judged.default, booted.source)
    now = judged.value.split()
    if booted.value is None or not all(re.fullmatch(r"-?\d+", number, re.ASCII) for number in now):
        return booted
    words = booted.value.split()[: len(now)]
    numbers = [number_of_kernel(number) for number in words]
    if None in numbers or len(words) < len(now):
        default = _default(kernel, judged.path)
        value = judged.default if default.value is None else default.value
        return BootValue(value, f"{default.source}, for {booted.source} has {booted.value}")
    return BootValue(" ".join(str(number) for number in numbers), booted.source)


def number_of_kernel(text: str) -> int | None:
    """The number that the kernel reads from text written to a sysctl; None if it refuses it."""
    sign, digits = ("-", text[1:]) if text.startswith("-") else ("", text)
    bases = {r"0[xX][0-9a-fA-F]{1,15}": 16, r"0[0-7]{0,20}": 8, r"[1-9]\d{0,18}": 10}
    base = next(
        (bases[pattern] for pattern in bases if re.fullmatch(pattern, digits, re.ASCII)), None
    )
    return None if base is None else int(sign + digits, base)


def why_lost(boot: BootSysctls, judged: JudgedSysctl) -> str:
    """Why the next boot will not set the value."""
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
    """The remedy of a value that the next boot will not set."""
    position = _position(boot.assignments, _ALIASES.get(judged.path, judged.path))
    last = boot.assignments[position] if position >= 0 else None
    advice = "Write it down, in a file of a name that comes last."
    if last is None or not _comes_after(last.file, boot_file(judged.name)):
        return paragraphs(advice, at_boot(judged.name, judged.value))
    # The key may have dots or slashes. Other lines stay as they are.
    key = "[./]".join(map(re.escape, judged.path.split("/")))
    edit = word(rf"s|^[[:space:]]*-\?{key}[[:space:]]*=.*|{judged.name} = {judged.value}|")
    return paragraphs(
        f"{last.file} has the last word: write it there.",
        command(f"sed -i {edit} {word(last.file)}"),
    )


def _comes_after(file: str, ours: str) -> bool:
    """Whether the boot applies a file after `ours`, by its name or because it comes last."""
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
    # Only in IPv4 does a write to default reach interfaces that exist already.
    reaches = family == "ipv4" and setting != "forwarding"
    if own < 0 and (inherited < 0 or not reaches):
        yield _default(kernel, path)
    # systemd does not write a value that the setting has already, so nobody has set it then.
    unwritten = boot.systemd and reaches and inherited > own >= 0
    untouched = unwritten and _value(lines[own]).value == _default(kernel, path).value
    heir = inherited >= 0 and (not by_name or untouched)
    if heir and not _is_overwritten(boot, path, inherited):
        yield _value(lines[inherited])


def _is_overwritten(boot: BootSysctls, path: str, inherited: int) -> bool:
    """Whether the boot writes forwarding of `all` after that of `default`."""
    if not path.endswith("/forwarding"):
        return False
    every = path.split("/")[1]
    return _position(boot.assignments, f"net/{every}/conf/all/forwarding") > inherited


def _after_forwarding(boot: BootSysctls, kernel: Kernel, path: str) -> BootValue:
    """Replay the writes to `forwarding` in their order, since they write other settings too."""
    family = path.split("/")[1]
    every, default = f"net/{family}/conf/all/forwarding", f"net/{family}/conf/default/forwarding"
    played = {setting: _default(kernel, setting) for setting in (every, default, path)}
    # systemd does not write a value that is there already, and the kernel ignores it for IPv4.
    again = family == "ipv6" and not boot.systemd
    for position, line in enumerate(boot.assignments):
        for setting in (every, default, path):
            if _position_of(boot.assignments, line, setting) != position:
                continue
            new, old = _value(line), played[setting]
            played[setting] = new
            if setting != every or (new.value == old.value and not again):
                continue
            played[default] = new
            played[path] = new if path != _REDIRECTS else _reset_redirects(new)
    return played[path]


def _reset_redirects(forwarding: BootValue) -> BootValue:
    value = "1" if forwarding.value == "0" else "0"
    return BootValue(value, f"{forwarding.source} (ip_forward resets it)")


def _position_of(lines: Sequence[Assignment], line: Assignment, path: str) -> int:
    """The index of a line that writes a path, -1 if it does not."""
    spelt = _ALIASES.get(line.path, line.path) == path
    if line.value is None or not (spelt or (_matches(path, line) and not _is_spelt(lines, path))):
        return -1
    return lines.index(line)


def _is_spelt(lines: Sequence[Assignment], path: str) -> bool:
    return any(_ALIASES.get(line.path, line.path) == path for line in lines)


def _default(kernel: Kernel, path: str) -> BootValue:
    value = kernel_default(path, kernel.version, kernel.release)
    return BootValue(value, "the kernel's default")


def _value(line: Assignment) -> BootValue:
    return BootValue(line.value, line.file)


def _position(lines: Sequence[Assignment], path: str) -> int:
    """The index of the assignment that decides a setting, -1 if there is none."""
    spelt_out = [
        index for index, line in enumerate(lines) if _ALIASES.get(line.path, line.path) == path
    ]
    if spelt_out:
        return spelt_out[-1] if lines[spelt_out[-1]].value is not None else -1
    matching = [index for index, line in enumerate(lines) if _matches(path, line)]
    return matching[-1] if matching else -1


def _matches(path: str, line: Assignment) -> bool:
    """Whether a line's wildcards match a path, as in glob(7): no wildcard crosses a slash."""
    if line.value is None or not re.search(r"[*?\[]", line.path):
        return False
    parts, patterns = path.split("/"), line.path.split("/")
    return len(parts) == len(patterns) and all(map(fnmatchcase, parts, patterns))

"""The kernel's network counters, read at both ends of the window."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from nethygiene.collect.command import Command
from nethygiene.collect.shell_file import sh_c
from nethygiene.engine.fact import Fact
from nethygiene.engine.lines import file_lines
from nethygiene.engine.outcomes import Reason, Unreadable
from nethygiene.engine.probe import Probe, Sections, hidden, refused
from nethygiene.subjects.links.device_table import DeviceTable, parse_device_table
from nethygiene.transcript import Section


@dataclass(frozen=True, slots=True)
class Sample:
    """The counters at one moment.

    Attributes:
        uptime: seconds since boot. It is also the clock of the sample, since it never jumps.
        boot: the boot's id.
        namespace: the network namespace, as ``net:[4026531840]``; it has its own counters.
        texts: counters by nstat(8)'s names: ``TcpExtListenOverflows``, ``Icmp6InRedirects``. They
            are text, because a rule reads one of some four hundred.
        devices: the counters of the interfaces, None if they were not read.
    """

    uptime: float
    boot: str
    namespace: str
    texts: Mapping[str, str]
    devices: DeviceTable | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """How far one counter moved.

    Attributes:
        name: nstat(8)'s name, or ``eth0 rx_drop``.
        delta: by how much it rose over the interval.
        seconds: the interval, by the host's clock.
        total: its value at the end, counted since boot (of the namespace, in a container).
        uptime: seconds since boot.
        since: the interval began with an earlier run's evidence (`--since`).
        suspicion: how far it had moved, and in how many seconds, when the window was over and the
            host sampled on; None if it did not.
    """

    name: str
    delta: int
    seconds: float
    total: int
    uptime: float
    since: bool = False
    suspicion: tuple[int, float] | None = None

    def __str__(self) -> str:
        why = ""
        if self.suspicion is not None:
            why = "sampled for {:.1f} s because it was +{} in {:.2f} s; ".format(
                self.seconds, *self.suspicion
            )
        return (
            f"+{self.delta} in {self.seconds:.2f} s "
            f"({why}total {self.total} since boot, {duration(self.uptime)} ago)"
        )


@dataclass(frozen=True)
class Counters(Fact):
    """Two samples of the counters.

    Attributes:
        _first: the sample at the start of the window.
        _last: the sample at its end.
        _since: the sample of the evidence that `--since` names; if given, it replaces `_first`.
    """

    _first: Sample | Unreadable
    _last: Sample | Unreadable
    _since: Sample | Unreadable | None = None

    def change(self, name: str) -> Change:
        """How far the counter `name` moved between the samples."""
        return self._change(name, _file(name), lambda sample: sample.texts.get(name))

    def has(self, name: str) -> bool:
        """Whether this kernel has the counter; true if that could not be read."""
        return isinstance(self._last, Unreadable) or name in self._last.texts

    def device_change(self, interface: str, column: str) -> Change:
        """How far a counter of an interface moved; `column` as in :class:`DeviceTable`."""

        def text(sample: Sample) -> str | None:
            if sample.devices is None:
                detail = "the sample is without it: evidence older than the rule"
                self.ledger.cannot_read(Unreadable(Reason.NOT_COLLECTED, DEVICES, detail))
            if interface not in sample.devices.rows:
                detail = f"{interface} was not there at both ends of the interval"
                self.ledger.cannot_read(Unreadable(Reason.NO_SECOND_SAMPLE, DEVICES, detail))
            return sample.devices.text(interface, column)

        return self._change(f"{interface} {column}", DEVICES, text)

    def _change(self, name: str, file: str, text: Callable[[Sample], str | None]) -> Change:
        last, after = self._value(self._last, name, file, text)
        start = self._first if self._since is None else self._since
        first, before = self._value(start, name, file, text)
        source = COUNTERS.shown
        if (first.boot, first.namespace) != (last.boot, last.namespace):
            what = "boot" if first.boot != last.boot else "network namespace"
            detail = f"the first sample is of another {what}: {name} began again since"
            self.ledger.cannot_read(Unreadable(Reason.NO_SECOND_SAMPLE, source, detail))
        seconds = last.uptime - first.uptime
        if after < before or seconds <= 0:
            detail = f"{name} went from {before} to {after} in {seconds:.2f} s: reset or wrapped"
            self.ledger.cannot_read(Unreadable(Reason.UNDECIDABLE, source, detail))
        change = Change(name, after - before, seconds, after, last.uptime, self._since is not None)
        self.ledger.read(name, file, change)
        return change

    def _value(
        self,
        sample: Sample | Unreadable,
        name: str,
        file: str,
        find: Callable[[Sample], str | None],
    ) -> tuple[Sample, int]:
        if isinstance(sample, Unreadable):
            self.ledger.cannot_read(sample)
        text = find(sample)
        if text is None:
            detail = f"this kernel has no counter {name}"
            self.ledger.cannot_read(Unreadable(Reason.ABSENT, file, detail))
        # 64 bits have 20 digits at most.
        if re.fullmatch(r"-?\d{1,20}", text, re.ASCII) is None:
            detail = f"{name} is no number: {text[:80]!r}"
            self.ledger.cannot_read(Unreadable(Reason.UNPARSABLE, file, detail))
        return sample, int(text)


def duration(seconds: float) -> str:
    """Seconds for people: ``3 d 4 h``, ``17 min``, ``42 s``."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days} d {hours} h"
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min" if minutes else f"{rest} s"


def _file(name: str) -> str:
    if name.startswith(("TcpExt", "IpExt", "MPTcpExt")):
        return "/proc/net/netstat"
    six = re.match(r"(Ip|Icmp|Udp|UdpLite)6", name)
    return "/proc/net/snmp6" if six else "/proc/net/snmp"


def parse(sections: Sections) -> Counters | Unreadable:
    """Parse the samples; each may be unreadable by itself (`--window=0` takes the last alone)."""
    since, first, last = (sections[name] for name in COUNTERS.sections)
    if isinstance(last, Unreadable):
        return last
    if isinstance(first, Unreadable) and first.reason is Reason.NOT_COLLECTED:
        detail = "only one sample was taken: give --window or --since"
        first = Unreadable(Reason.NO_SECOND_SAMPLE, COUNTERS.shown, detail)
    without_since = isinstance(since, Unreadable) and since.reason is Reason.NOT_COLLECTED
    return Counters(
        _first=_sample(first),
        _last=_sample(last),
        _since=None if without_since else _sample(since),
    )


def _sample(section: Section | Unreadable) -> Sample | Unreadable:
    return section if isinstance(section, Unreadable) else parse_sample(section)


def parse_sample(section: Section) -> Sample | Unreadable:
    """Parse one sample: /proc/net/netstat and snmp hold pairs of header and value lines."""
    if section.status not in {0, 2}:
        return refused(COUNTERS, section)
    files: dict[str, list[str]] = {}
    for path, text in file_lines(section):
        files.setdefault(path, []).append(text)
    uptime = _number(" ".join(files.get("/proc/uptime", [])).partition(" ")[0])
    boot = "".join(files.get(_BOOT_ID, []))
    rows = (line.split() for line in files.get("/proc/net/snmp6", []))
    texts = {row[0]: row[1] for row in rows if len(row) == 2}
    for path in ("/proc/net/snmp", "/proc/net/netstat"):
        texts.update(_pairs(files.get(path, [])))
    if uptime is None or not boot or not texts:
        if b"ermission denied" in section.stderr or b"o such file" in section.stderr:
            missing = _BOOT_ID if not boot else "/proc/uptime" if uptime is None else "/proc/net"
            return hidden(COUNTERS, section, missing)
        detail = "no uptime, boot id or counters in what came back"
        return Unreadable(Reason.UNPARSABLE, COUNTERS.shown, detail)
    first = section.stdout.split(b"\n", 1)[0]
    namespace = first.decode("ascii", "replace") if first.startswith(b"net:[") else ""
    return Sample(uptime, boot, namespace, texts, parse_device_table(files.get(DEVICES, [])))


def _pairs(lines: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Pair names with values: a line of names, then one of values, both headed ``TcpExt:``."""
    for names, values in zip(lines[::2], lines[1::2], strict=False):
        heads, numbers = names.split(), values.split()
        if heads and len(heads) == len(numbers) and heads[0] == numbers[0]:
            prefix = heads[0].removesuffix(":")
            yield from zip(map(prefix.__add__, heads[1:]), numbers[1:], strict=True)


def _number(text: str) -> float | None:
    return float(text) if re.fullmatch(r"\d{1,15}\.\d{1,9}", text, re.ASCII) else None


DEVICES = "/proc/net/dev"
_BOOT_ID = "/proc/sys/kernel/random/boot_id"
COUNTERS = Command(
    "counters",
    sh_c(Path(__file__).with_name("counters.sh")),
    sampled=True,
    small=True,
    title="/proc/net and /proc/uptime",
    holds="addresses",
)
PROBE = Probe("counters", 1, (COUNTERS,), parse)

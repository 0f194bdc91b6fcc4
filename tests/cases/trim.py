"""Leaving out of a recording what its rule does not read, where no verdict changes by it."""

from __future__ import annotations

import dataclasses
import itertools
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from nethygiene.engine.catalogue import all_finders, all_probes, commands_for, precondition
from nethygiene.engine.decision import Verdict
from nethygiene.engine.rule import Rule
from nethygiene.inventory.policy import policy_from_plain
from nethygiene.transcript import Transcript
from tests.cases.case import judge

_SETTING = re.compile(r"/proc/sys/[^\s:;,]+")
_PAIRED = ("/proc/net/netstat:", "/proc/net/snmp:")
_DEVICES = "/proc/net/dev:"
_MOMENT = ("net:[", "/proc/uptime:", "/proc/sys/kernel/random/boot_id:")


def trimmed(rule: Rule, transcript: Transcript, policy: Mapping[str, Any]) -> Transcript:
    """The transcript with the sections and lines that decide the verdicts."""
    transcript = _without_idle_guard(rule, transcript, policy)
    wanted = _judged(judge(rule, transcript, policy))
    names = _sections_of(rule, policy) | _guarding(rule, policy)
    kept = {name: one for name, one in transcript.sections.items() if name in names}
    smaller = dataclasses.replace(transcript, sections=kept)
    assert _judged(judge(rule, smaller, policy)) == wanted, "a verdict needs another section"
    for name, section in kept.items():
        lines = _reader(name, wanted)
        if lines is None or section.cut is not None:
            continue
        stdout = _only(section.stdout, lines)
        stderr = _only(section.stderr, lines) if name == "sysctl" else section.stderr
        shorter = dataclasses.replace(section, stdout=stdout, stderr=stderr)
        attempt = dataclasses.replace(smaller, sections={**smaller.sections, name: shorter})
        if _judged(judge(rule, attempt, policy)) == wanted:
            smaller = attempt
    return smaller


def _without_idle_guard(
    rule: Rule, transcript: Transcript, policy: Mapping[str, Any]
) -> Transcript:
    """Without what the item's guard read, a whole packet filter, where it had no objection."""
    idle = _guarding(rule, policy) - _sections_of(rule, policy)
    kept = {name: one for name, one in transcript.sections.items() if name not in idle}
    smaller = dataclasses.replace(transcript, sections=kept)
    before, after = judge(rule, transcript, policy), judge(rule, smaller, policy)
    told = [[(one.item, one.outcome, one.message) for one in all_] for all_ in (before, after)]
    return smaller if told[0] == told[1] else transcript


def _guarding(rule: Rule, policy: Mapping[str, Any]) -> set[str]:
    condition = precondition(rule.judged_if) if rule.judged_if else None
    return _filled_by(condition.probes, policy) if condition else set()


def _sections_of(rule: Rule, policy: Mapping[str, Any]) -> set[str]:
    probes = {"kernel", *(one for one in rule.arguments if one in all_probes())}
    if rule.found is not None:
        probes |= set(all_finders()[rule.found].probes)
    return _filled_by(probes, policy)


def _filled_by(probes: Iterable[str], policy: Mapping[str, Any]) -> set[str]:
    commands = commands_for(probes, policy_from_plain(dict(policy)))
    return {section for command in commands for section in command.sections}


def _judged(verdicts: Sequence[Verdict]) -> str:
    """All that is told of a verdict, but how many sockets or the like were seen in passing."""
    return repr(
        [(one.item, one.outcome, one.reason, one.message, one.observations) for one in verdicts]
    )


def _reader(section: str, judged: str) -> Callable[[Sequence[str]], Iterable[str]] | None:
    if section == "sysctl":
        paths = set(_SETTING.findall(judged.replace("'", " ")))
        return lambda lines: _settings(lines, paths)
    if section.startswith("counters@"):
        return lambda lines: _counters(lines, judged)
    if section in {"routes_ipv4", "routes_ipv6"}:
        return lambda lines: [line for line in lines if "default" in line.split()[:2]]
    return None


def _settings(lines: Sequence[str], paths: set[str]) -> list[str]:
    kept = [line for line in lines if any(f"{path}:" in line for path in paths)]
    read = {line.partition(":")[0] for line in kept}
    # An absent setting is known to be absent by a neighbour that was read.
    for path in paths - read:
        directory = path.rpartition("/")[0] + "/"
        neighbours = (one for one in lines if one.startswith(directory) and one.endswith(":1"))
        kept += [one for one in neighbours if "/" not in one.removeprefix(directory)][:1]
    return [line for line in lines if line in kept]


def _counters(lines: Sequence[str], judged: str) -> list[str]:
    kept = [line for line in lines if line.startswith(_MOMENT)]
    for names, values in itertools.pairwise(lines):
        path, prefix, *counters = names.replace(":", " ").split() if ":" in names else ("", "")
        if f"{path}:" in _PAIRED and any(f"{prefix}{one}" in judged for one in counters):
            kept += [names, values]
    # A sample without a single counter of a protocol would be none.
    kept += [line for line in lines if line.startswith("/proc/net/snmp:Udp:")]
    kept += [line for line in lines if line.startswith(_DEVICES) and _device(line) in judged]
    kept += [
        line
        for line in lines
        if line.startswith("/proc/net/snmp6:") and line.split(":")[1].split()[0] in judged
    ]
    return [line for line in lines if line in kept]


def _device(line: str) -> str:
    name, colon, _ = line.removeprefix(_DEVICES).partition(":")
    return f"'{name.strip()} rx_" if colon else ""  # the header has no second colon


def _only(stream: bytes, chosen: Callable[[Sequence[str]], Iterable[str]]) -> bytes:
    lines = stream.decode("utf-8", "surrogateescape").splitlines(keepends=True)
    bare = [line.rstrip("\n") for line in lines]
    wanted = set(chosen(bare))
    return "".join(line for line in lines if line.rstrip("\n") in wanted).encode(
        "utf-8", "surrogateescape"
    )

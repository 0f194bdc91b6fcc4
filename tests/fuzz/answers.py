"""Answers of hosts for the fuzzers: a declared policy, recorded answers, and one as plain bytes.

An answer is one run of bytes, so that any mutation of it is an answer again: sections in the order
of their names, parted by ``PART``; in each, standard output, and where ``COMPLAINT`` is in it, the
exit status in one line and standard error.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from nethygiene.engine.catalogue import all_probes
from nethygiene.engine.probe import Probe
from nethygiene.inventory.policy import Policy, policy_from_plain
from nethygiene.transcript import Section
from tests.cases.case import Case, case_paths, load_case
from tests.group_cases.group_case import GroupCase, group_case_paths, load_group_case

FAILOVER = Path(__file__).parents[1] / "unit" / "subjects" / "failover"
"""Where configurations of keepalived stand, and an answer of its probe."""
PART = b"\n@@\n"
COMPLAINT = b"\n@!\n"

POLICY: Mapping[str, object] = {
    "tw_reuse": "loopback",
    "icmp_redirects": "accept",
    "rp_filter": "loose",
    "selinux": "enforcing",
    "network_manager": "inactive",
    "path_idle_timeout": 350,
    "dead_peer_within": 120,
    "min_somaxconn": 4096,
    "min_file_max": 500000,
    "blocked_ports": {3306: {"except": ["10.0.0.0/8"]}, 6379: {}},
    "limits": {"ssh_sessions_per_peer": 40, "half_open": 1024},
    "services": {
        "shop": {
            "port": 80,
            "backlog": 511,
            "allow_from": ["any"],
            "deny_from": ["192.0.2.0/24"],
            "interface": "eth0",
            "keepalive": "required",
            "legacy_ports": [60000],
        },
        "local": {"port": 9100, "address": "loopback"},
    },
    "upstreams": {"database": {"address": "10.0.3.5", "port": 5432, "keepalive": "required"}},
    "interfaces": {"eth0": {"address": "203.0.113.7"}},
    "routes": {
        "intranet": {"destination": "172.16.0.0/16", "via": "172.16.125.88"},
        "six": {"destination": "fd00:16::/32", "interface": "eth0"},
    },
    "default_interface": "eth0",
    "tunnels": {
        name: {
            "user": "plant",
            "destination": "cloud.example",
            "port": 22,
            "local_forwards": ["127.0.0.1:19922:localhost:22"],
            "remote_forwards": ["9000:localhost:9000"],
            "check": {"destination": "localhost", "port": 19922},
            "options": {"ServerAliveInterval": 15, "ExitOnForwardFailure": "yes"},
            "host_keys": ["SHA256:" + "A" * 43],
            "run_by": run_by,
        }
        for name, run_by in {
            "to-cloud": "cron",
            "to-unit": "tunnel.service",
            "to-log": {"log": "/mnt/tunnel.log"},
        }.items()
    },
}
"""A policy under which every probe sends all that it can, and every rule has something to judge."""

GROUP_POLICY: Mapping[str, object] = {
    "virtual_addresses": {
        "database": {"address": "10.0.3.100", "vrrp": "unicast"},
        "six": {"address": "2001:db8:3::100", "bound_macs": ["00:00:5e:00:02:07"]},
        "shop": {"address": "203.0.113.7", "interface": "eth0"},
    }
}
"""What the group of a fuzzed host declares."""

# No rule asks for them, and so no case holds them.
_BY_HAND = {
    "machine": b"""\
0
/proc/sys/kernel/random/boot_id:8b6a1a1e-54a5-4a1c-8a4d-0f1f0d7c1a11
/proc/uptime:12345.67 23456.78
/etc/os-release:PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"
""",
    "keepalived": (FAILOVER / "answer.txt").read_bytes(),
}


@cache
def policy() -> Policy:
    """That policy, validated."""
    return policy_from_plain(dict(POLICY))


def section_names(probe: Probe) -> list[str]:
    """The sections that a probe reads under that policy, sorted."""
    return sorted(name for one in probe.commands_for(policy()) for name in one.sections)


@cache
def cases() -> Sequence[Case]:
    """The recorded cases."""
    found = []
    for path in case_paths():
        try:
            found.append(load_case(path))
        except ValueError:
            continue  # it fails in tests/cases, with a better message
    return found


@cache
def group_cases() -> Sequence[GroupCase]:
    """The recorded cases of rules on several hosts."""
    return [load_group_case(path) for path in group_case_paths()]


def recorded(name: str) -> list[Section]:
    """The recorded sections that a section of this name may look like, shortest first."""
    kind = name.partition(":")[0]
    transcripts = [case.transcript() for case in cases()]
    transcripts += [each for case in group_cases() for each in case.transcripts().values()]
    found = {
        one.stdout: one
        for transcript in transcripts
        for other, one in transcript.sections.items()
        if other == name or (":" in name and other.partition(":")[0] == kind)
    }
    if name in _BY_HAND:
        found[_BY_HAND[name]] = Section(_BY_HAND[name])
    return sorted(found.values(), key=lambda one: len(one.stdout))


@cache
def healthy() -> Mapping[str, Section]:
    """One recorded section for each name: the rest of a host of which one part is fuzzed."""
    chosen: dict[str, Section] = {}
    for probe in all_probes().values():
        for name in section_names(probe):
            whole = [one for one in recorded(name) if one.status == 0 and one.cut is None]
            if whole:
                chosen[name] = whole[len(whole) // 2]
    return chosen


def written(sections: Sequence[Section]) -> bytes:
    """Sections as one run of bytes."""
    return PART.join(
        one.stdout + COMPLAINT + str(one.status or 0).encode() + b"\n" + one.stderr
        if one.stderr or one.status
        else one.stdout
        for one in sections
    )


def read(data: bytes, names: Sequence[str]) -> dict[str, Section]:
    """The sections that a run of bytes stands for; those that it is too short for are missing."""
    found = {}
    for name, part in zip(names, data.split(PART), strict=False):
        stdout, _, complaint = part.partition(COMPLAINT)
        status, _, stderr = complaint.partition(b"\n")
        known = status.isdigit() and len(status) <= 3
        found[name] = Section(stdout, stderr, int(status) if known else 0)
    return found

"""The page of the probes: what each runs on a host."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from nethygiene.docs.markdown import code, notice, wrapped
from nethygiene.probes import Command, Probe, all_probes
from nethygiene.rules.definition import ALWAYS_SENT
from nethygiene.sudoers import sudoers_rule

_INTRODUCTION = """\
A probe brings one fact: commands that are run on the host, and a parser of what they print. The
commands of all probes that the selected rules need travel as one script, which is run once, by the
login user, and changes nothing on the host. Only the commands that say so ask for root, by
`sudo -n`, where the inventory says `ansible_become`; where sudo refuses, what they would have told
is unknown.
"""


def probes_page() -> str:
    """What each probe runs on a host."""
    parts = [
        notice("src/nethygiene/probes/"),
        "# Probes\n",
        _INTRODUCTION,
    ]
    for probe in all_probes().values():
        parts += [f"## {probe.name}\n", f"{fact_in_a_line(probe)}.\n"]
        for command in probe.commands:
            remarks = ", ".join(_remarks(probe, command))
            parts += [code([wrapped(command.shell)]), f"Runs {remarks}.\n"]
            if command.privileged:
                parts += ["For a login called `audit`:\n", code([sudoers_rule(command, "audit")])]
    return "\n".join(parts)


def fact_in_a_line(probe: Probe) -> str:
    """What the probe tells: the first line of its module."""
    text = sys.modules[probe.parse.__module__].__doc__ or probe.name
    return text.split("\n", 1)[0].rstrip(".")


def _remarks(probe: Probe, command: Command) -> Iterator[str]:
    if probe.name in ALWAYS_SENT:
        yield "on every host"
    if command.privileged:
        yield "**as root**, where that is allowed"
    if command.sampled:
        yield "at both ends of the window"
    yield f"for {command.seconds} s at most"
    yield f"and may print {command.cap / 2**20:g} MiB"

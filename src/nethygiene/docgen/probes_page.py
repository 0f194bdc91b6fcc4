"""The page of the probes: what each runs on a host."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from nethygiene.collect.command import Command
from nethygiene.docgen.markdown import code, notice, wrapped
from nethygiene.engine.catalogue import all_probes
from nethygiene.engine.probe import Probe
from nethygiene.engine.rule import ALWAYS_SENT
from nethygiene.inventory.policy import policy_from_plain
from nethygiene.sudoers import sudoers_rule

_INTRODUCTION = """\
A probe brings one fact: commands that are run on the host, and a parser of what they print. The
commands of all probes that the selected rules need travel as one script, which is run once, by the
login user, and changes nothing on the host. Only the commands that say so ask for root, by
`sudo -n`, where the inventory says `ansible_become`; where sudo refuses, what they would have read
is unknown.
"""


_EXAMPLE = {
    "tunnels": {
        "to-cloud": {
            "user": "plant",
            "destination": "cloud.example",
            "local_forwards": ["127.0.0.1:19922:localhost:22"],
            "options": {"BatchMode": "yes"},
            "run_by": "cron",
        }
    },
    "routes": {"intranet": {"destination": "172.16.0.0/16", "via": "172.16.125.88"}},
}


def probes_page() -> str:
    """What each probe runs on a host."""
    parts = [
        notice("src/nethygiene/subjects/"),
        "# Probes\n",
        _INTRODUCTION,
    ]
    for probe in all_probes().values():
        parts += [f"## {probe.name}\n", f"{fact_in_a_line(probe)}.\n"]
        examples = _examples(probe)
        for command in (*probe.commands, *examples):
            if command in examples:
                parts += [f"For what a policy declares, as section `{command.name}`:\n"]
            remarks = ", ".join(_remarks(probe, command))
            parts += [code([wrapped(command.shell)]), f"Runs {remarks}.\n"]
            if command.privileged or command.user is not None:
                parts += ["For a login called `audit`:\n", code([sudoers_rule(command, "audit")])]
    return "\n".join(parts)


def fact_in_a_line(probe: Probe) -> str:
    """What the probe reads: the first line of its module."""
    text = sys.modules[probe.parse.__module__].__doc__ or probe.name
    return text.split("\n", 1)[0].rstrip(".")


def _examples(probe: Probe) -> list[Command]:
    """One command of each kind that the probe runs for declared items."""
    kinds: dict[str, Command] = {}
    for command in probe.declared(policy_from_plain(_EXAMPLE)):
        kinds.setdefault(command.name.partition(":")[0], command)
    return list(kinds.values())


def _remarks(probe: Probe, command: Command) -> Iterator[str]:
    if probe.name in ALWAYS_SENT:
        yield "on every host"
    if command.privileged:
        yield "**as root**, where that is allowed"
    if command.user is not None:
        yield f"**as {command.user}**, where that is allowed"
    if command.sampled:
        yield "at both ends of the window"
    yield f"for {command.seconds} s at most"
    yield f"and may print {command.cap / 2**20:g} MiB"

"""Auditing hosts under sights: some at a time, for the scenes are busy ones."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from tests.lab.audit import Finding, audit
from tests.lab.host import LabHost
from tests.lab.lab import Lab
from tests.lab.sights.scenes import Actor, State, policy, staged
from tests.lab.sights.sights import SIGHTS, Sight

THOROUGH = bool(os.environ.get("NETHYGIENE_SIGHTS"))
CHOSEN = tuple(sight for sight in SIGHTS if THOROUGH or sight.sample)
AT_A_TIME = 7

Views = Mapping[tuple[str, State], Sequence[Finding]]
"""By sight and scene, what was found."""


def look(lab: Lab, sights: Sequence[Sight]) -> Views:
    """Audit two hosts for each sight: one where all is well, and one where all is broken."""
    views: dict[tuple[str, State], Sequence[Finding]] = {}
    (client,) = lab.hosts("sights-client")
    for start in range(0, len(sights), AT_A_TIME):
        views |= _look(lab, client, sights[start : start + AT_A_TIME])
    lab.remove(client)
    return views


def _look(
    lab: Lab, client: LabHost, sights: Sequence[Sight]
) -> dict[tuple[str, State], Sequence[Finding]]:
    pairs = [(sight, actor) for sight in sights for actor in _actors(lab, sight)]
    hosts = [actor.host for _, actor in pairs]
    with staged(client, [actor for _, actor in pairs]), ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda one: one[1].host.shell(f"set -e\n{one[0].script}"), pairs))
        inventory = lab.inventory(
            hosts,
            policy_by_host={host.name: policy(host.spec.index) for host in hosts},
            variables_by_host={actor.host.name: sight.variables for sight, actor in pairs},
            name="sights",
        )
        run = audit(lab, hosts, inventory=inventory)
        assert run.document, f"no results file: {run}"
    for host in hosts:
        lab.remove(host)
    return {(sight.name, actor.state): run.of(actor.host) for sight, actor in pairs}


def _actors(lab: Lab, sight: Sight) -> Sequence[Actor]:
    states: tuple[State, State] = ("well", "broken")
    return [
        Actor(
            lab.host(
                f"{sight.name}-{state}",
                login=sight.login,
                sshd_options=sight.sshd,
                sudoers=sight.sudoers,
            ),
            state,
            sight.filter,
        )
        for state in states
    ]

"""The addresses that the names in policies stand for, as the named hosts answer."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Protocol, runtime_checkable

from nethygiene.engine.outcomes import Unreadable
from nethygiene.engine.plan import Plan
from nethygiene.engine.subject import Subject
from nethygiene.inventory.naming import HostAddresses, addressed, reached_at
from nethygiene.inventory.policy import Policy
from nethygiene.transcript import Transcript

ADDRESSES = "interfaces"
"""The probe whose fact knows a host's addresses."""


@runtime_checkable
class Addressed(Protocol):
    """The fact of that probe."""

    def addresses_for_others(self) -> HostAddresses:
        """The addresses by which other hosts know this one."""


class Naming:
    """Resolves the names in the policies of a run.

    The addresses of a named host are noted when it answers. Until then, the hosts whose policies
    name it wait.
    """

    def __init__(self, plan: Plan, ask: Callable[[str], Transcript]) -> None:
        """Begin a run.

        Args:
            plan: its hosts, and what the names in their policies stand for.
            ask: returns the answer of a host that has none noted.
        """
        self._directory = plan.directory
        self._hosts = plan.hosts
        self._beside = plan.beside
        self._ask = ask
        self._known: dict[str, HostAddresses] = {}
        # Hosts of the same groups share one policy, which is kept so that its id stays its own.
        self._named: dict[int, tuple[Policy, frozenset[str]]] = {}
        self._addressed: dict[int, Policy] = {}

    def named_by(self, host: str) -> frozenset[str]:
        """The hosts that a host's policy names."""
        policy = self._hosts[host].policy
        known = self._named.get(id(policy))
        if known is None:
            known = self._named[id(policy)] = policy, self._directory.named_in(policy)
        return known[1]

    def missing(self, host: str) -> set[str]:
        """The hosts of the run that a host's policy names, and that have not answered yet."""
        named = self.named_by(host)
        return {name for name in named if name in self._hosts and name not in self._known}

    def note(self, transcript: Transcript, named: Collection[str]) -> None:
        """Note the addresses of a host that has answered, if some policy names it."""
        if transcript.host in named and transcript.host not in self._known:
            self._known[transcript.host] = self._addresses(transcript)

    def policy(self, host: str) -> Policy:
        """The policy of a host, with addresses in place of names; now, if some host is missing."""
        policy = self._hosts[host].policy
        named = self.named_by(host)
        if not named:
            return policy
        made = self._addressed.get(id(policy))
        if made is None:
            known = {name: self._of(name) for name in named}
            made = addressed(policy, self._directory, known)
            if named.isdisjoint(self._hosts.keys() - self._known.keys()):
                self._addressed[id(policy)] = made
        return made

    def _of(self, name: str) -> HostAddresses:
        if name in self._hosts:
            known = self._known.get(name)
            return self._addresses(self._ask(name)) if known is None else known
        if name in self._beside:
            doubt = f"{name} is outside --limit, so its addresses are not all known"
            return HostAddresses(reached_at(self._beside[name].target.address), doubt)
        return HostAddresses((), f"{name} is not in the evidence, so its addresses are not known")

    def _addresses(self, transcript: Transcript) -> HostAddresses:
        host = self._hosts[transcript.host]
        fact = Subject(host.name, host.policy, transcript).fact(ADDRESSES)
        if isinstance(fact, Addressed):
            return fact.addresses_for_others()
        why = "was not read"
        if isinstance(fact, Unreadable) and transcript.failure is None:
            why = f"has unreadable ones ({fact})"
        elif transcript.failure is not None:
            why = f"was not read ({transcript.failure.code})"
        reached = reached_at(transcript.address or host.target.address)
        return HostAddresses(reached, f"{host.name} {why}, so its addresses are not all known")

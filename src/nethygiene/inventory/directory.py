"""The hosts and groups that policies name, and what those names stand for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from nethygiene.inventory.explain import Explanation
from nethygiene.inventory.items import FarEnd, Service, Upstream
from nethygiene.inventory.located import closest, shown
from nethygiene.inventory.places import PlaceName, TargetName
from nethygiene.inventory.policy import Policy
from nethygiene.inventory.values import Address


@dataclass(frozen=True, slots=True)
class Directory:
    """What the names in the policies of a run stand for.

    Attributes:
        hosts: the hosts of each named host or group, in the inventory's order.
        policies: what these hosts declare, by host; a host that evidence lacks is missing.
        incomplete: why a group may have further hosts, by its name.
        virtual: the virtual addresses of groups, by group and name.
    """

    hosts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    policies: Mapping[str, Policy] = field(default_factory=dict)
    incomplete: Mapping[str, str] = field(default_factory=dict)
    virtual: Mapping[str, Mapping[str, Address]] = field(default_factory=dict)

    def hosts_of(self, name: str) -> tuple[str, ...]:
        """The hosts that a name stands for; one that nothing is known of is a host's."""
        if name not in self.hosts and (group := name.rpartition("@")[2]) in self.virtual:
            return self.hosts.get(group, ())
        return self.hosts.get(name, (name,))

    def named_in(self, policy: Policy) -> frozenset[str]:
        """The hosts whose addresses the policy asks for."""
        return frozenset(host for name in names_of(policy) for host in self.hosts_of(name))

    def linked(self, policy: Policy, host: str) -> Policy:
        """The policy of a host, whose upstreams lead to the ends that their ``to`` names.

        An upstream to a group becomes one for each of the group's other hosts: ``database → db-1``.
        """
        if all(upstream.to is None for upstream in policy.upstreams.values()):
            return policy
        upstreams: dict[str, Upstream] = {}
        for name, upstream in policy.upstreams.items():
            if upstream.to is None:
                upstreams[name] = upstream
                continue
            place = upstream.to.place
            targets = self.hosts_of(place)
            if (address := self.virtual_address(upstream.to)) is not None:
                upstreams[name] = self._linked(upstream, name, targets[0], address)
                continue
            for target in targets:
                if target == host and targets != (host,):
                    continue
                item = name if targets == (place,) else f"{name} → {target}"
                upstreams[item] = self._linked(upstream, item, target)
        return policy.instead(upstreams=upstreams)

    def virtual_address(self, target: TargetName) -> Address | None:
        """The virtual address that an upstream's target names; None for a host or group."""
        name, group = target.virtual
        return None if target.place in self.hosts else self.virtual.get(group, {}).get(name)

    def _linked(
        self, upstream: Upstream, name: str, target: str, virtual: Address | None = None
    ) -> Upstream:
        assert upstream.to is not None
        declared = self.policies.get(target)
        service = None if declared is None else declared.services.get(upstream.to.service)
        linked = upstream.model_copy()
        linked._name = name  # noqa: SLF001 - the name is the key in the policy
        end = FarEnd(target if virtual is None else "", service, virtual)
        linked._end = end  # noqa: SLF001 - see above
        return linked


def names_of(policy: Policy) -> Iterator[str]:
    """The names of hosts and groups in a policy."""
    sources: list[object] = []
    for service in policy.services.values():
        sources += [*service.allow_from, *service.deny_from]
    for blocked in policy.blocked_ports.values():
        sources += blocked.except_
    yield from (str(source) for source in sources if isinstance(source, PlaceName))
    yield from (item.to.place for item in policy.upstreams.values() if item.to is not None)


def unknown_services(policy: Policy, directory: Directory) -> Iterator[Explanation]:
    """The problems of upstreams whose targets do not serve what they name."""
    for name, upstream in policy.upstreams.items():
        if upstream.to is None:
            continue
        if problem := _no_virtual_address(upstream, upstream.to, directory):
            yield Explanation(("upstreams", name, "to"), *problem)
        for host in directory.hosts_of(upstream.to.place):
            declared = directory.policies.get(host)
            if declared is None:
                continue
            service = declared.services.get(upstream.to.service)
            problem = _problem(host, upstream.to.service, declared, service)
            if problem is not None:
                yield Explanation(("upstreams", name, "to"), *problem)


def _no_virtual_address(
    upstream: Upstream, target: TargetName, directory: Directory
) -> tuple[str, str] | None:
    name, group = target.virtual
    if not group or target.place in directory.hosts:
        return None
    if directory.virtual_address(target) is None:
        near = closest(name, directory.virtual.get(group, {}))
        meant = f"did you mean {near!r}? " if near else ""
        message = f"group {group} declares no virtual address {shown(name)}"
        return message, f"{meant}declare it under `virtual_addresses` of the group's vars"
    if upstream.address is not None:
        message = f"`address` stands beside {target.place}, which is an address itself"
        return message, "take `address` out"
    return None


def _problem(
    host: str, name: str, declared: Policy, service: Service | None
) -> tuple[str, str] | None:
    if service is None:
        near = closest(name, declared.services)
        meant = f"did you mean {near!r}? " if near else ""
        message = f"{host} declares no service {shown(name)}"
        return message, f"{meant}declare it under `services` of {host}, or name who serves it"
    if service.address == "loopback":
        message = f"{host} declares {shown(name)} for loopback alone, where no other host dials"
        return message, "declare the address that it is served at, or take the upstream out"
    return None

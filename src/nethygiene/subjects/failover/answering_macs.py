"""The MACs with which members would answer for a shared address, once each of them holds it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from nethygiene.engine.each import Each, read_members
from nethygiene.engine.matchers import Matcher
from nethygiene.engine.remedies import paragraphs
from nethygiene.inventory.group_policy import VirtualAddress
from nethygiene.subjects.failover.address_samples import AddressSamples
from nethygiene.subjects.failover.holding import Degree, Member
from nethygiene.subjects.failover.keepalived import Keepalived
from nethygiene.subjects.failover.keepalived_conf.configuration import VrrpInstance
from nethygiene.subjects.kernel.sysctl import Sysctls
from nethygiene.subjects.links.interfaces import Interfaces


@dataclass(frozen=True, slots=True)
class AnsweringMac:
    """A MAC with which a member answers for the address while it holds it.

    Attributes:
        mac: the MAC.
        of: whose it is, as ``eth0`` or ``use_vmac of vrrp_instance db``.
        vrid: the virtual router id of the keepalived instance that holds the address; None
            without one.
    """

    mac: str
    of: str
    vrid: int | None = None

    def __str__(self) -> str:
        return f"{self.mac} ({self.of})"


def answering_macs(
    wanted: VirtualAddress,
    address_samples: Each[AddressSamples],
    interfaces: Each[Interfaces],
    sysctl: Each[Sysctls],
    keepalived: Each[Keepalived],
) -> Mapping[str, Sequence[AnsweringMac]]:
    """Those of each member that was read; none of a real server, which never answers."""

    def ask(
        _host: str,
        samples: AddressSamples,
        of_host: Interfaces,
        settings: Sysctls,
        daemon: Keepalived,
    ) -> Sequence[AnsweringMac]:
        member = Member.of(wanted, of_host, settings)
        stand = member.stand(samples.of(wanted.address).last)
        macs = _Macs(of_host, member)
        if stand.degree is Degree.HOLDS and not stand.quietable:
            return [macs.of(stand.interface)]
        instances = daemon.holding(wanted.address)
        if instances:
            return [mac for instance in instances for mac in macs.of_instance(instance)]
        return [] if stand.is_real_server else [macs.of(macs.place())]

    facts = (address_samples, interfaces, sysctl, keepalived)
    return read_members(ask, *facts)


@dataclass(frozen=True, slots=True)
class _Macs:
    interfaces: Interfaces
    member: Member

    def of(self, name: str, vrid: int | None = None) -> AnsweringMac:
        mac = next((each.mac for each in self.member.interfaces if each.name == name), "")
        if not mac:
            self.interfaces.ledger.undecidable(f"{name} is no interface with a MAC")
        self.interfaces.ledger.read(f"MAC of {name}", "ip -o -d link", mac)
        return AnsweringMac(mac, name, vrid)

    def of_instance(self, instance: VrrpInstance) -> Iterator[AnsweringMac]:
        held = instance.holds(self.member.wanted.address)
        if held is not None and held.device:
            yield self.of(held.device, instance.vrid)
        elif instance.vmac is not None:
            whose = f"use_vmac of vrrp_instance {instance.name}"
            yield AnsweringMac(instance.vmac.mac.lower(), whose, instance.vrid)
        elif instance.interface:
            yield self.of(instance.interface, instance.vrid)
        else:
            self.interfaces.ledger.undecidable(
                f"vrrp_instance {instance.name} names no interface, and so does not run"
            )

    def place(self) -> str:
        """The interface on which the member would hold the address."""
        places = self.member.places
        if len(places) != 1:
            named = " and ".join(places) or "no interface"
            self.interfaces.ledger.undecidable(
                f"{named} could hold {self.member.wanted.address}: declare its `interface`"
            )
        return places[0]


def admitted(bound: Sequence[str]) -> Matcher[AnsweringMac]:
    """The MAC is among those that the network ties to the address."""
    return Matcher(" or ".join(bound), lambda answering: answering.mac in bound)


def admission_remedy(wanted: VirtualAddress, host: str, answering: AnsweringMac) -> str:
    """The remedy: the network admits the MAC, or members answer with one MAC."""
    group = 1 if wanted.address.version == 4 else 2
    shared = f"00:00:5e:00:{group:02x}:"
    if answering.vrid is None:
        shared = f"the MAC that begins with {shared} and ends with the virtual_router_id, in hex,"
    else:
        shared += f"{answering.vrid:02x}"
    return paragraphs(
        f"Have the network admit {answering.mac} for {wanted.address} too, or leave the address "
        "out of the binding. Then add the MAC to bound_macs.",
        "Or let all members answer with one MAC: write `use_vmac` into the vrrp_instance on "
        f"{host} and on the others, with `vmac_xmit_base` beside unicast_peer. Then the network "
        f"has to admit {shared} alone.",
    )

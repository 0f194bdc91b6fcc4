"""A keepalived configuration: its VRRP instances, and what holds for all of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address

Address = IPv4Address | IPv6Address


@dataclass(frozen=True, slots=True)
class HeldAddress:
    """An address that an instance holds while it is master.

    Attributes:
        address: the address.
        prefix: the length of its prefix; 32 or 128 where none is given.
        device: the interface that is named for it; empty for the instance's own.
        excluded: it stands under ``virtual_ipaddress_excluded``, and is in no advertisement.
        label: the label that is named for it; empty without one.
    """

    address: Address
    prefix: int
    device: str = ""
    excluded: bool = False
    label: str = ""


@dataclass(frozen=True, slots=True)
class UnicastPeer:
    """A member that an instance sends its advertisements to, and the hops that they may take.

    Attributes:
        address: the member's address.
        min_ttl, max_ttl: the time to live of a packet of that member is accepted between these.
    """

    address: Address
    min_ttl: int = 0
    max_ttl: int = 255


@dataclass(frozen=True, slots=True)
class Vmac:
    """The interface with the virtual router's own MAC, by ``use_vmac``.

    Attributes:
        name: its configured name, otherwise the first that keepalived tries.
        named: the name is configured.
        mac: its MAC: 00:00:5e:00:01:VRID, of IPv6 00:00:5e:00:02:VRID, or the configured one.
        sends_from_base: advertisements leave by the interface under it, as ``vmac_xmit_base``
            and unicast have it.
    """

    name: str
    named: bool
    mac: str
    sends_from_base: bool


@dataclass(frozen=True, slots=True)
class VrrpInstance:
    """One ``vrrp_instance``.

    Attributes:
        name: its name.
        interface: the interface of its advertisements; empty if none is configured.
        vrid: its virtual router id; None without a valid one, which keepalived refuses.
        state: ``MASTER`` or ``BACKUP``, as it begins; empty if the priority decides.
        priority: as configured; None without one.
        advert_int: seconds between advertisements.
        version: of VRRP, 2 or 3.
        family: 4 or 6.
        source: the source address of its advertisements, where one is configured.
        peers: the members that it sends to by unicast; without any it sends to its group.
        group: the multicast group that it sends to without peers.
        vmac: the interface of its own MAC, None without ``use_vmac``.
        ipvlan: it sends from an ipvlan interface (``use_ipvlan``).
        authentication: ``PASS`` or ``AH``, empty if keepalived uses none.
        addresses: the addresses that it holds as master.
        sync_group: the sync group that it belongs to; empty without one.
    """

    name: str
    interface: str
    vrid: int | None
    family: int
    state: str = ""
    priority: int | None = None
    advert_int: float = 1.0
    version: int = 2
    source: Address | None = None
    peers: tuple[UnicastPeer, ...] = ()
    group: Address = field(default_factory=lambda: IPv4Address("224.0.0.18"))
    vmac: Vmac | None = None
    ipvlan: bool = False
    authentication: str = ""
    addresses: tuple[HeldAddress, ...] = ()
    sync_group: str = ""

    @property
    def protocol(self) -> int:
        """The IP protocol of its advertisements: 112, or 51 where AH wraps them."""
        return 51 if self.authentication == "AH" else 112

    def holds(self, address: Address) -> HeldAddress | None:
        """The entry of an address that it holds as master."""
        return next((held for held in self.addresses if held.address == address), None)


@dataclass(frozen=True, slots=True)
class Configuration:
    """What a keepalived was told.

    Attributes:
        instances: its VRRP instances.
        namespace: the network namespace that it runs in; empty for that of the host.
    """

    instances: tuple[VrrpInstance, ...]
    namespace: str = ""

    def of(self, address: Address) -> Iterator[VrrpInstance]:
        """The instances that hold an address."""
        return (instance for instance in self.instances if instance.holds(address) is not None)

"""What the hosts of a group are like as one: declared in the group's own ``vars``.

It is not merged into the policies of its hosts, and groups inside the group do not inherit it.
"""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv6Address
from typing import Literal, Self

from pydantic import Field, ValidationError, model_validator

from nethygiene.errors import UsageError
from nethygiene.inventory.declared import Declared, NamedItem
from nethygiene.inventory.explain import explained
from nethygiene.inventory.mac_address import MacAddress
from nethygiene.inventory.values import InterfaceName, IPAddress, ItemName, refused


class VirtualAddress(NamedItem):
    """An address that one member of the group holds at a time."""

    address: IPAddress
    """The address that clients use, whoever holds it."""
    interface: InterfaceName | None = None
    """The interface on which members hold it; without it, any."""
    bound_macs: tuple[MacAddress, ...] = ()
    """The MACs that the network ties to the address (port security, IP-MAC binding)."""
    vrrp: Literal["unicast", "multicast", "any"] = "any"
    """How members announce themselves: by unicast, by multicast, or any."""

    @model_validator(mode="after")
    def _can_be_shared(self) -> Self:
        address = self.address
        if address.is_loopback or address.is_multicast or address.is_unspecified:
            raise refused(
                f"{address} is no address that members hand on", "write the address of clients"
            )
        # Each link has its own fe80::1, so that two members may rightly hold it.
        if isinstance(address, IPv6Address) and address.is_link_local and self.interface is None:
            raise refused(
                f"{address} means another host on each link", "add `interface: NAME` for its link"
            )
        if self.declares("bound_macs") and not self.bound_macs:
            raise refused(
                "bound_macs names no MAC", "name those that the network admits, or remove the key"
            )
        return self


class GroupPolicy(Declared):
    """What the hosts of one group are like as one, all places that declare the group merged."""

    virtual_addresses: Mapping[ItemName, VirtualAddress] = Field(default_factory=dict)
    """Addresses that one member holds at a time, by a name of your choice."""

    @model_validator(mode="after")
    def _name_items(self) -> Self:
        for name, item in self.virtual_addresses.items():
            item._name = name  # noqa: SLF001 - the key is the item's name
        return self

    def plain(self) -> dict[str, object]:
        """The declared values as data for JSON; empty if nothing is declared."""
        return self.model_dump(mode="json", by_alias=True, exclude_unset=True)


GROUP_SECTIONS: Mapping[str, type[NamedItem]] = {"virtual_addresses": VirtualAddress}
"""The keys of the variable ``nethygiene`` that belong to a group, with what they hold by name."""


def group_policy_from_plain(data: object) -> GroupPolicy:
    """Read a group's policy back from the data of :meth:`GroupPolicy.plain`.

    Raises:
        UsageError: it is no such policy; the message has every problem with its key path and cure.
    """
    if not isinstance(data, dict):
        raise UsageError(f"a group's policy has to be a mapping, not {type(data).__name__}")
    try:
        return GroupPolicy.model_validate(data)
    except ValidationError as error:
        lines = (str(explanation) for explanation in explained(error, GroupPolicy))
        raise UsageError("not a valid policy:\n" + "\n".join(lines)) from None

"""The policy of a host, redacted: as data, so that it is validated like any other when read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nethygiene.inventory.group_policy import GroupPolicy, group_policy_from_plain
from nethygiene.inventory.places import PlaceName, TargetName, parse_target
from nethygiene.inventory.policy import Policy, Tunnel, policy_from_plain
from nethygiene.inventory.sources import SourceNetwork
from nethygiene.redaction.ssh import destination, forward, option_value
from nethygiene.redaction.text import Pseudonyms


def redact_policy(policy: Policy, given: Pseudonyms) -> Policy:
    """The policy with pseudonyms for its addresses and names."""
    plain: dict[str, Any] = policy.plain()
    _networks(plain.get("blocked_ports", {}), policy.blocked_ports, ("except",), given)
    _networks(plain.get("services", {}), policy.services, ("allow_from", "deny_from"), given)
    for upstream in plain.get("upstreams", {}).values():
        if target := parse_target(str(upstream.get("to", ""))):
            upstream["to"] = _target(target, given)
    for section in ("services", "upstreams", "interfaces", "routes"):
        for item in plain.get(section, {}).values():
            for key in ("address", "via"):
                if isinstance(item.get(key), str):
                    item[key] = given.address(item[key])
    for name, route in policy.routes.items():
        plain["routes"][name]["destination"] = str(given.network(route.destination))
    for name, tunnel in policy.tunnels.items():
        _tunnel(plain["tunnels"][name], tunnel, given)
    items = {
        name
        for section in ("services", "upstreams", "routes", "tunnels")
        for name in plain.get(section, {})
    }
    for waiver in plain.get("waivers", {}).values():
        name, arrow, host = str(waiver.get("item")).partition(" → ")
        if name in items:
            of_host = f"{arrow}{given.names.host(host)}" if arrow else ""
            waiver["item"] = given.names.name("item", name) + of_host
        waiver["owner"] = given.names.name("owner", waiver["owner"])
        waiver["reason"] = "redacted"
    for section in ("services", "upstreams", "routes", "tunnels", "waivers"):
        if section in plain:
            plain[section] = {
                given.names.name("item", name): item for name, item in plain[section].items()
            }
    return policy_from_plain(plain)


def redact_group_policy(policy: GroupPolicy, given: Pseudonyms) -> GroupPolicy:
    """What a group declares for its members as one, with pseudonyms."""
    plain: dict[str, Any] = policy.plain()
    items: dict[str, Any] = plain.get("virtual_addresses", {})
    for item in items.values():
        item["address"] = given.address(item["address"])
        if "bound_macs" in item:
            item["bound_macs"] = [given.names.mac(mac) for mac in item["bound_macs"]]
    if items:
        plain["virtual_addresses"] = {
            given.names.name("item", name): item for name, item in items.items()
        }
    return group_policy_from_plain(plain)


def _networks(
    plain: dict[str, Any], items: Mapping[Any, object], keys: tuple[str, ...], given: Pseudonyms
) -> None:
    for name, item in items.items():
        for key in keys:
            sources = getattr(item, "except_" if key == "except" else key)
            if key in plain[str(name)]:
                plain[str(name)][key] = [_source(source, given) for source in sources]


def _target(target: TargetName, given: Pseudonyms) -> str:
    names, (virtual, group) = given.names, target.virtual
    place = names.place(target.place)
    if group and names.is_group(group):
        place = f"{names.name('item', virtual)}@{names.group(group)}"
    return f"{place}/{names.name('item', target.service)}"


def _source(source: SourceNetwork, given: Pseudonyms) -> str:
    if isinstance(source, PlaceName):
        return given.names.place(source)
    return source if isinstance(source, str) else str(given.network(source))


def _tunnel(plain: dict[str, Any], tunnel: Tunnel, given: Pseudonyms) -> None:
    plain["user"] = given.names.user(tunnel.user)
    plain["destination"] = destination(tunnel.destination, given)
    for key in ("local_forwards", "remote_forwards"):
        if key in plain:
            plain[key] = [forward(written, given) for written in plain[key]]
    if tunnel.check is not None:
        plain["check"]["destination"] = destination(tunnel.check.destination, given)
    if "options" in plain:
        plain["options"] = {
            key: option_value(key, value, given) for key, value in tunnel.options.items()
        }
    if "host_keys" in plain:
        plain["host_keys"] = [given.names.fingerprint(key) for key in tunnel.host_keys]
    if isinstance(plain.get("run_by"), dict):
        plain["run_by"] = {"log": given.names.path(plain["run_by"]["log"])}
    elif isinstance(plain.get("run_by"), str) and plain["run_by"] != "cron":
        plain["run_by"] = given.names.name("unit", plain["run_by"]) + ".service"

"""Who connects to what: networks, and the hosts, groups and services that a policy names."""

from __future__ import annotations

import re
from typing import Annotated, Literal, TypeAlias

from pydantic import PlainValidator, ValidationInfo, WithJsonSchema
from pydantic_core import PydanticCustomError

from nethygiene.inventory.located import shown
from nethygiene.inventory.names import is_group_name, is_host_name
from nethygiene.inventory.places import KnownPlaces, PlaceName, TargetName, parse_target
from nethygiene.inventory.values import AS_TEXT, Network, parse_network, refused, text_of

NamedNetwork: TypeAlias = Network | PlaceName
SourceNetwork: TypeAlias = Literal["any"] | NamedNetwork


def _parse_named_network(value: object, info: ValidationInfo) -> NamedNetwork:
    try:
        return parse_network(value)
    except PydanticCustomError as error:
        if isinstance(value, str) and value != "any" and _is_place(value):
            _require_place(value, info)
            return PlaceName(value)
        context = error.context or {}
        fix = str(context.get("fix"))
        if fix.startswith("write a network"):
            fix += ", or the name of a host or group"
        raise refused(str(context.get("problem")), fix) from None


def _is_place(text: str) -> bool:
    """Whether it may name a host or a group, rather than being a network written wrongly."""
    named = is_host_name(text) or is_group_name(text)
    return named and re.search(r"[:/]", text) is None and re.search(r"[^0-9.]", text) is not None


def _require_place(name: str, info: ValidationInfo) -> None:
    """Refuse a name that the inventory does not have; evidence may lack hosts that are named."""
    if isinstance(info.context, KnownPlaces) and (problem := info.context.problem(name)):
        raise refused(*problem)


def _parse_source(value: object, info: ValidationInfo) -> SourceNetwork:
    if value == "any":
        return "any"
    try:
        return _parse_named_network(value, info)
    except PydanticCustomError as error:
        context = error.context or {}
        fix = str(context.get("fix"))
        raise refused(str(context.get("problem")), fix.replace("write a", "write any, a")) from None


def _parse_target_name(value: object, info: ValidationInfo) -> TargetName:
    fix = "write HOST/SERVICE, GROUP/SERVICE or VIRTUAL_ADDRESS@GROUP/SERVICE, such as db/postgres"
    text = text_of(value, "a service of the inventory", fix)
    target = parse_target(text)
    if target is None:
        raise refused(f"{shown(text)} is not a service of the inventory", fix)
    known = info.context
    if isinstance(known, KnownPlaces) and (problem := known.problem_of_target(target)):
        raise refused(*problem)
    return target


_NAMED_SCHEMA = {
    "type": "string",
    "description": "a network in CIDR form, an address, or the name of a host or group",
}
NamedSource = Annotated[
    NamedNetwork, PlainValidator(_parse_named_network), AS_TEXT, WithJsonSchema(_NAMED_SCHEMA)
]
Source = Annotated[
    SourceNetwork,
    PlainValidator(_parse_source),
    AS_TEXT,
    WithJsonSchema({"anyOf": [{"enum": ["any"]}, _NAMED_SCHEMA]}),
]
Target = Annotated[
    TargetName,
    PlainValidator(_parse_target_name),
    AS_TEXT,
    WithJsonSchema(
        {
            "type": "string",
            "pattern": r"^[^/\s]+/\S+$",
            "description": "HOST/SERVICE, GROUP/SERVICE or VIRTUAL_ADDRESS@GROUP/SERVICE",
        }
    ),
]

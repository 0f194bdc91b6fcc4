"""The JSON Schema of an inventory, for completion and hints in editors.

It describes one file, while a policy is merged from several: nothing is required, and null may
take an inherited value back. :func:`load_inventory` validates the whole.
"""

from __future__ import annotations

from typing import cast

from nethygiene.inventory.group_policy import GROUP_SECTIONS, GroupPolicy
from nethygiene.inventory.policy import NAMED_SECTIONS, Policy

Schema = dict[str, object]

_STRING: Schema = {"type": "string"}
_NULL: Schema = {"type": "null"}
_CONNECTION: dict[str, Schema] = {
    "ansible_host": {
        "type": "string",
        "description": "The address to connect to; without it, the host's name.",
    },
    "ansible_port": {
        "type": ["integer", "string"],
        "description": "The port of sshd; without it, what ssh_config says.",
    },
    "ansible_user": {
        "type": "string",
        "description": "The login user; without it, what ssh_config says.",
    },
    "ansible_connection": {
        "enum": ["paramiko", "ssh", "smart", "local", "docker", "podman", "kubectl"],
        "description": "How to connect: paramiko is the default, ssh is OpenSSH's client.",
    },
    "ansible_ssh_private_key_file": {
        "type": "string",
        "description": "The private key to log in with.",
    },
    "ansible_ssh_common_args": {
        "type": "string",
        "description": "Arguments of ssh: -o OPTION=VALUE, -J JUMP_HOST and -F FILE are honoured.",
    },
    "ansible_become": {
        "type": ["boolean", "string", "integer"],
        "description": "Whether commands that need root are run by sudo -n.",
    },
    "ansible_become_user": {"type": "string", "description": "The user for sudo, root by default."},
    "ansible_become_method": {"enum": ["sudo"]},
    "nethygiene_host_keys": {
        "type": "array",
        "items": {"type": "string", "pattern": "^SHA256:[A-Za-z0-9+/]{43}$"},
        "description": "Fingerprints of the keys that the host may show.",
    },
}


def inventory_json_schema() -> dict[str, object]:
    """The JSON Schema (draft 2020-12) of an inventory in Ansible's YAML layout."""
    policy = Policy.model_json_schema(by_alias=True, ref_template="#/$defs/{model}")
    definitions = cast("dict[str, Schema]", policy.pop("$defs", {}))
    of_group = GroupPolicy.model_json_schema(by_alias=True, ref_template="#/$defs/{model}")
    definitions |= cast("dict[str, Schema]", of_group.pop("$defs", {}))
    for schema, sections in ((policy, NAMED_SECTIONS), (of_group, GROUP_SECTIONS)):
        properties = cast("dict[str, Schema]", schema["properties"])
        for section, model in sections.items():
            _allow_null_items(properties[section], model.__name__)
    for definition in (policy, of_group, *definitions.values()):
        _relax(definition)
    definitions["Policy"] = policy
    # The vars of a group hold what each of its hosts is like, and what they are like as one.
    own = cast("dict[str, Schema]", of_group["properties"])
    shared = cast("dict[str, Schema]", policy["properties"])
    definitions["GroupPolicy"] = {**policy, "properties": {**shared, **own}}
    definitions["Variables"] = _variables("Policy")
    definitions["GroupVariables"] = _variables("GroupPolicy")
    definitions["Group"] = _group()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "nethygiene inventory",
        "description": "Hosts and what they should be like, in Ansible's YAML layout.",
        "type": "object",
        "additionalProperties": {"$ref": "#/$defs/Group"},
        "$defs": definitions,
    }


def _variables(policy: str) -> Schema:
    return {
        "type": ["object", "null"],
        "properties": {
            "nethygiene": {
                "description": "What hosts should be like; merged deeply over groups and hosts.",
                "anyOf": [{"$ref": f"#/$defs/{policy}"}, {"type": "null"}],
            },
            **_CONNECTION,
        },
    }


def _group() -> Schema:
    return {
        "type": ["object", "null"],
        "properties": {
            "hosts": {
                "description": "Hosts by name; ranges such as web[01:10] stand for several.",
                "anyOf": [
                    {
                        "type": ["object", "null"],
                        "additionalProperties": {"$ref": "#/$defs/Variables"},
                    },
                    _STRING,
                ],
            },
            "children": {
                "description": "Groups inside this one.",
                "anyOf": [
                    {"type": ["object", "null"], "additionalProperties": {"$ref": "#/$defs/Group"}},
                    _STRING,
                ],
            },
            "vars": {
                "description": "Variables of all its hosts.",
                "$ref": "#/$defs/GroupVariables",
            },
        },
        "additionalProperties": False,
    }


def _allow_null_items(section: Schema, model: str) -> None:
    """Let an item be null, which takes an inherited one back; refuse names outside the pattern."""
    item: Schema = {"anyOf": [{"$ref": f"#/$defs/{model}"}, {"type": "null"}]}
    patterns = section.get("patternProperties")
    if isinstance(patterns, dict):
        section["patternProperties"] = dict.fromkeys(patterns, item)
        section["additionalProperties"] = False
        section.pop("propertyNames", None)
    else:
        section["additionalProperties"] = item


def _relax(definition: Schema) -> None:
    """Require no field, and let each be null: taken back, or an empty section."""
    definition.pop("required", None)
    properties = cast("dict[str, Schema]", definition.get("properties", {}))
    for name, field in properties.items():
        # pydantic's generated titles say nothing.
        field.pop("title", None)
        if field.get("default", "") is None:
            del field["default"]
        properties[name] = _nullable(field)


def _nullable(field: Schema) -> Schema:
    if isinstance(field.get("anyOf"), list):
        choices = cast("list[Schema]", field["anyOf"])
        return {**field, "anyOf": [choice for choice in choices if choice != _NULL] + [_NULL]}
    if "$ref" in field:
        reference = {"$ref": field["$ref"]}
        rest = {key: value for key, value in field.items() if key != "$ref"}
        return {**rest, "anyOf": [reference, _NULL]}
    nullable = dict(field)
    if isinstance(field.get("enum"), list):
        nullable["enum"] = [*cast("list[object]", field["enum"]), None]
    if "const" in field:
        nullable["enum"] = [nullable.pop("const"), None]
    if isinstance(field.get("type"), str):
        nullable["type"] = [field["type"], "null"]
    return nullable

"""YAML's plain values, typed as YAML 1.1 and PyYAML type them."""

from __future__ import annotations

from collections.abc import Callable

import yaml
from yaml.constructor import SafeConstructor

from nethygiene.inventory.located import Atom, Opaque, Place, Scalar, shown

_CORE = "tag:yaml.org,2002:"
_RESOLVERS = yaml.SafeLoader.yaml_implicit_resolvers
_construct = SafeConstructor()
_CONSTRUCT: dict[str, Callable[[yaml.ScalarNode], Atom]] = {
    f"{_CORE}null": lambda _node: None,
    f"{_CORE}bool": _construct.construct_yaml_bool,
    f"{_CORE}int": _construct.construct_yaml_int,
    f"{_CORE}float": _construct.construct_yaml_float,
    f"{_CORE}timestamp": _construct.construct_yaml_timestamp,
    f"{_CORE}str": lambda node: str(node.value),
}
_NUMBERS = {f"{_CORE}int", f"{_CORE}float"}
_MOST_DIGITS = 1000
_OPAQUE = {"!vault": "an Ansible Vault value", "!vault-encrypted": "an Ansible Vault value"}

COLLECTION_TAGS = {None, "!", f"{_CORE}map", f"{_CORE}seq"}
"""Tags under which a collection is a plain mapping or list."""


def read_scalar(place: Place, text: str, tag: str | None, *, is_plain: bool) -> Scalar | Opaque:
    """One scalar.

    Args:
        place: its place.
        text: its text, without quotes.
        tag: its tag, if it has one.
        is_plain: it has no quotes, so that its text decides its type.

    Raises:
        ValueError: the text is no value of its type, as 2027-02-31 is no date.
    """
    if tag is None or tag == "!":
        tag = _resolve(text) if is_plain and tag is None else f"{_CORE}str"
        if tag == f"{_CORE}str":
            return Scalar(place, text, text)
    if tag == "!unsafe":
        return Scalar(place, text, text, literal=True)
    construct = _CONSTRUCT.get(tag)
    if construct is None:
        if tag in {f"{_CORE}merge", f"{_CORE}value"}:
            return Scalar(place, text, text)
        return Opaque(place, _OPAQUE.get(tag, f"a value tagged {shown(tag)}"))
    if tag in _NUMBERS and len(text) > _MOST_DIGITS:
        # Python cannot write an integer of more than 4,300 digits, in any base.
        raise ValueError(f"{shown(text)} is no valid {tag.removeprefix(_CORE)}")
    try:
        return Scalar(place, construct(yaml.ScalarNode(tag, text)), text)
    except (ValueError, ArithmeticError, LookupError, AttributeError):
        raise ValueError(f"{shown(text)} is no valid {tag.removeprefix(_CORE)}") from None


def _resolve(value: str) -> str:
    """The tag of a plain scalar."""
    for tag, pattern in (*_RESOLVERS.get(value[:1], ()), *_RESOLVERS.get(None, ())):
        if pattern.match(value):
            return str(tag)
    return f"{_CORE}str"

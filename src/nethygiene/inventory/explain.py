"""Explains pydantic's errors to an operator: the place, the problem, and a right value."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from nethygiene.inventory.declared import Declared
from nethygiene.inventory.located import closest, joined, kind_of_atom, shown
from nethygiene.inventory.values import REFUSED

Location = tuple[int | str, ...]

_EXPECTED = {
    "int_type": "an integer",
    "float_type": "a number",
    "string_type": "a string",
    "tuple_type": "a list",
    "list_type": "a list",
    "dict_type": "a mapping",
    "mapping_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
}
_EXAMPLES = {
    "a list": "write a list: [first, second]",
    "a mapping": "write a mapping: {key: value}",
    "an integer": "write digits without quotes, such as 443",
    "a number": "write digits without quotes, such as 0.05",
    "a string": "put the value into quotes",
}
_BOOLEANS = "YAML reads yes, no, on, off, true and false as booleans"


@dataclass(frozen=True, slots=True)
class Explanation:
    """One problem of a value.

    Attributes:
        location: the keys that lead to it.
        message: what is wrong.
        fix: a right value.
        on_key: the key is wrong, not its value.
        missing: the key that is missing.
    """

    location: Location
    message: str
    fix: str
    on_key: bool = False
    missing: str | None = None

    def __str__(self) -> str:
        return f"  {joined(*self.location)}: {self.message}\n    fix: {self.fix}"


def explained(error: ValidationError, model: type[BaseModel]) -> Iterator[Explanation]:
    """Each problem of a validation error.

    Args:
        error: pydantic's error.
        model: the validated model, to name the allowed keys.
    """
    for details in error.errors(include_url=False):
        yield _explain(details, model)


def _explain(  # noqa: PLR0911 - one return a kind of error
    details: ErrorDetails, model: type[BaseModel]
) -> Explanation:
    location, kind, value = details["loc"], details["type"], details["input"]
    context: dict[str, Any] = details.get("ctx", {})
    if location and location[-1] == "[key]":
        # Pydantic puts the key itself before this marker.
        location = location[:-1]
        if kind != REFUSED:
            message = f"{shown(value)} cannot be a key here: {_lower(details['msg'])}"
            return Explanation(location, message, "write a port, 1 to 65535", on_key=True)
        return Explanation(location, str(context["problem"]), str(context["fix"]), on_key=True)
    if kind == REFUSED:
        return Explanation(location, str(context["problem"]), str(context["fix"]))
    if kind == "extra_forbidden":
        return _unknown_key(location, model)
    if kind == "missing":
        return _missing(location, model)
    if kind == "literal_error":
        return Explanation(location, *_not_a_choice(value, str(context["expected"])))
    if kind in _EXPECTED:
        expected = _EXPECTED[kind]
        message = f"{_value(value)}, not {expected}"
        fix = _example(expected, value, location, model)
        return Explanation(
            location, message, f"{fix}; {_BOOLEANS}" if isinstance(value, bool) else fix
        )
    if kind == "int_from_float":
        fix = _example("an integer", value, location, model)
        return Explanation(location, f"{shown(value)} is not an integer", fix)
    return Explanation(location, f"{shown(value)} is out of range", _range_of(details["msg"]))


def _example(expected: str, value: object, location: Location, model: type[BaseModel]) -> str:
    """A right value: the given value in another spelling, if that is what it means."""
    if expected in {"an integer", "a number"} and isinstance(value, str) and value.isdecimal():
        return f"write it without quotes: {value}"
    if expected == "an integer" and isinstance(value, float) and math.isfinite(value):
        return f"write a whole number, such as {int(value)}"
    if expected != "a mapping" or not isinstance(value, list) or not value:
        return _EXAMPLES[expected]
    name = value[0]
    if not isinstance(name, (str, int)) or isinstance(name, bool):
        return _EXAMPLES[expected]
    of_name = _model_at((*location, name), model)
    fields = {} if of_name is None else of_name.model_fields
    needed = ", ".join(f"{key}: …" for key, field in fields.items() if field.is_required())
    return f"write a mapping: {{{name}: {{{needed}}}}}"


def _value(value: object) -> str:
    if isinstance(value, (dict, list)):
        return f"this is {kind_of_atom(value)}"
    return f"{shown(value)} is {kind_of_atom(value)}"


def _range_of(message: str) -> str:
    return _lower(message).replace("input should be ", "write a value that is ")


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def _not_a_choice(value: object, expected: str) -> tuple[str, str]:
    choices = expected.replace("'", "")
    fix = f"write {choices}" if " or " in choices else f"write {choices}, the only choice"
    if isinstance(value, bool):
        return f"YAML read this as the boolean {str(value).lower()}", f"{fix}; {_BOOLEANS}"
    names = choices.replace(" or ", ", ").split(", ")
    near = closest(value, names) if isinstance(value, str) else None
    meant = f"did you mean {near!r}? " if near else ""
    return f"{shown(value)} is none of the choices", meant + fix


def _unknown_key(location: Location, model: type[BaseModel]) -> Explanation:
    owner = _model_at(location[:-1], model)
    keys = [] if owner is None else [_written(owner, name) for name in owner.model_fields]
    if owner is not None and issubclass(owner, Declared):
        keys += sorted(owner.KEYS_OF_GROUPS)
    near = closest(location[-1], keys)
    meant = f"did you mean {near!r}? " if near else ""
    fix = f"{meant}the keys here are {', '.join(keys)}"
    return Explanation(location, f"unknown key {shown(location[-1])}", fix, on_key=True)


def _missing(location: Location, model: type[BaseModel]) -> Explanation:
    owner, key = _model_at(location[:-1], model), str(location[-1])
    meaning = ""
    if owner is not None:
        field = owner.model_fields.get(key)
        meaning = f": {_lower((field.description or '') if field else '')}"
    return Explanation(
        location[:-1], f"`{key}` is missing", f"add `{key}`{meaning}".rstrip(". :"), True, key
    )


def _written(model: type[BaseModel], name: str) -> str:
    return model.model_fields[name].alias or name


def _model_at(location: Location, model: type[BaseModel]) -> type[BaseModel] | None:
    """The model at a location, which leads through fields and through mappings by name."""
    current: Any = model
    for key in location:
        if isinstance(current, type) and issubclass(current, BaseModel):
            names = {_written(current, name): name for name in current.model_fields}
            if key not in names:
                return None
            annotation = current.model_fields[names[str(key)]].annotation
            current = annotation
        else:
            current = get_args(current)[-1] if get_args(current) else None
        models = [
            kind
            for kind in get_args(current)
            if isinstance(kind, type) and issubclass(kind, BaseModel)
        ]
        if models and type(None) in get_args(current):
            current = models[0]
    return current if isinstance(current, type) and issubclass(current, BaseModel) else None

"""Probes, finders and preconditions by name: each is a module of that name on a subject's shelf.

A module is imported when its fact or items are asked for, so that a rule imports no more.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import TypeVar

from nethygiene.collect.command import Command
from nethygiene.engine.finder import Finder
from nethygiene.engine.precondition import Precondition
from nethygiene.engine.probe import Probe
from nethygiene.inventory.policy import Policy

T = TypeVar("T")
_ENGINE = "nethygiene.engine"
_SUBJECTS = "nethygiene.subjects"


def probe(name: str) -> Probe | None:
    """The probe of that name; None if there is none."""
    return _held(name, "PROBE", Probe)


def precondition(name: str) -> Precondition | None:
    """The precondition of that name; None if there is none."""
    return _held(name, "PRECONDITION", Precondition)


def is_there(name: str) -> bool:
    """Whether a shelf has a module of that name, which is not imported."""
    return name in _places()


def known_probe(name: str) -> Probe:
    """The probe of that name.

    Raises:
        KeyError: there is none.
    """
    known = probe(name)
    if known is None:
        raise KeyError(name)
    return known


def finder(name: str) -> Finder | None:
    """The finder of the items of that name; None if there is none."""
    return _held(name, "FINDER", Finder)


@cache
def all_probes() -> Mapping[str, Probe]:
    """Every probe by name. All shelves are imported."""
    probes = ((name, probe(name)) for name in sorted(_places()))
    return {name: probe for name, probe in probes if probe is not None}


@cache
def all_finders() -> Mapping[str, Finder]:
    """Every finder by name. All shelves are imported."""
    finders = ((name, finder(name)) for name in sorted(_places()))
    return {name: finder for name, finder in finders if finder is not None}


def commands_for(probes: Iterable[str], policy: Policy) -> tuple[Command, ...]:
    """The commands that the probes of these names run on a host of this policy, each once.

    Raises:
        KeyError: there is no such probe.
    """
    commands: dict[str, Command] = {}
    for name in probes:
        of_probe = known_probe(name).commands_for(policy)
        commands.update({command.name: command for command in of_probe})
    return tuple(commands.values())


def versions(probes: Iterable[str]) -> Mapping[str, int]:
    """The versions of the probes of these names.

    Raises:
        KeyError: there is no such probe.
    """
    return {name: known_probe(name).version for name in probes}


def _held(name: str, attribute: str, kind: type[T]) -> T | None:
    """The module's attribute, if it is of that kind."""
    value = getattr(_module(name), attribute, None)
    return value if isinstance(value, kind) else None


@cache
def _module(name: str) -> ModuleType | None:
    place = _places().get(name)
    return None if place is None else importlib.import_module(place)


@cache
def _places() -> Mapping[str, str]:
    """The modules on the shelves, and the engine's own, by their last name."""
    here = Path(__file__).parent
    subjects = here.parent / "subjects"
    shelves = {
        f"{_SUBJECTS}.{shelf.name}": shelf for shelf in sorted(subjects.iterdir()) if shelf.is_dir()
    }
    return {
        module.name: f"{package}.{module.name}"
        for package, folder in {_ENGINE: here, **shelves}.items()
        for module in pkgutil.iter_modules([str(folder)])
    }

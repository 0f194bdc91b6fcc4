"""The probes: one module each, found by being here."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Mapping
from functools import cache

from nethygiene.inventory.policy import Policy
from nethygiene.probes.base import (
    LONGEST_WINDOW,
    REFUSED,
    Command,
    Probe,
    Sections,
    item_section,
    refused,
    whole,
)

__all__ = [
    "LONGEST_WINDOW",
    "REFUSED",
    "Command",
    "Probe",
    "Sections",
    "all_probes",
    "commands_for",
    "item_section",
    "refused",
    "whole",
]


@cache
def all_probes() -> Mapping[str, Probe]:
    """Every probe by name: the PROBE of each module in this package."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    modules = [importlib.import_module(f"{__name__}.{name}") for name in names if name != "base"]
    probes: list[Probe] = [module.PROBE for module in modules]
    return {probe.name: probe for probe in probes}


def commands_for(probes: Iterable[str], policy: Policy) -> tuple[Command, ...]:
    """What the probes of these names run on a host of this policy, each command once."""
    commands = [one for name in probes for one in all_probes()[name].commands_for(policy)]
    return tuple({command.name: command for command in commands}.values())

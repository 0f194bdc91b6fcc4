"""The probes: one module each, found by being here."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache

from nethygiene.probes.base import Command, Probe, Sections, refused, whole

__all__ = ["Command", "Probe", "Sections", "all_probes", "refused", "whole"]


@cache
def all_probes() -> Mapping[str, Probe]:
    """Every probe by name: the PROBE of each module in this package."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    modules = [importlib.import_module(f"{__name__}.{name}") for name in names if name != "base"]
    probes: list[Probe] = [module.PROBE for module in modules]
    return {probe.name: probe for probe in probes}

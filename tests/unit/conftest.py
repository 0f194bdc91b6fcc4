"""One profile for property tests: no deadline on a machine that others use, and no surprises."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

settings.register_profile(
    "nethygiene", deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("nethygiene")

"""How far counters may move: the expectation of a bound, and too few events for a verdict."""

from __future__ import annotations

from nethygiene.collect.command import LONGEST_WINDOW
from nethygiene.engine.expect import unknown
from nethygiene.engine.matchers import Matcher
from nethygiene.subjects.kernel.counters import Change
from nethygiene.subjects.kernel.rates import Bound
from nethygiene.subjects.sockets.unanswered import Unanswered


def bounded(bound: Bound, base: int) -> Matcher[Change]:
    """The counter moved no further than its bound.

    Args:
        bound: the allowed movement.
        base: how far the counters of the bound's base moved.
    """
    few = f"fewer than {bound.least_events} in all"
    share = f"at most {bound.share * 100:g} % of"
    if bound.per_second:
        allowed = f"at most {bound.per_second:g}/s (or {few}, or {share} the {base} connections "
        allowed += "opened)"
    else:
        allowed = f"{share} +{base}" + (f" (or {few})" if bound.least_events > 1 else "")
    return Matcher(
        allowed, lambda change: not bound.is_exceeded(change.delta, change.seconds, base)
    )


def sampled_enough(bound: Bound, change: Change | Unanswered, base: int) -> None:
    """End the rule as unknown if a counter moved fast, but too little for a verdict.

    The host itself samples on then, up to LONGEST_WINDOW. This remains for evidence of earlier
    versions, a short `--since`, and hosts without awk.
    """
    if bound.is_suspect(change.delta, change.seconds, base):
        unknown(
            f"{change.name} is +{change.delta} in {change.seconds:.2f} s: too fast, and too little "
            f"to tell: sample for longer, with --window={LONGEST_WINDOW:g}"
        )

"""Evaluates one rule for a host and what it connects to, by the facts of all hosts of the run."""

from __future__ import annotations

from dataclasses import replace

from nethygiene.engine.across import Across, FactsOfRun
from nethygiene.engine.decision import Verdict
from nethygiene.engine.evaluate import call_rule
from nethygiene.engine.expect import Expect
from nethygiene.engine.items import Named
from nethygiene.engine.kernel import Kernel
from nethygiene.engine.ledger import Ledger
from nethygiene.engine.outcomes import Outcome, Reason
from nethygiene.engine.rule import Rule
from nethygiene.engine.subject import HALF_READ, ReachedBy


def evaluate_ends(
    rule: Rule, host: str, upstream: Named | None, facts: FactsOfRun
) -> list[Verdict]:
    """Judge what a host connects to, by a rule of that scope.

    Args:
        rule: the rule.
        host: the host that dials.
        upstream: the declared item, whose names are resolved; None if the host declares none.
        facts: the facts that the rule asks for, of all hosts that it may look at.
    """
    kernel = facts.by_host[host]["kernel"]
    if isinstance(kernel, Kernel) and kernel.name != "Linux":
        why = f"the host runs {kernel.name}, not Linux"
        return [Verdict(None, Outcome.NOT_APPLICABLE, Reason.NOT_THIS_HOST, why, ())]
    if upstream is None:
        why = "the host's policy declares no upstream"
        return [Verdict(None, Outcome.NOT_APPLICABLE, Reason.NOT_DECLARED, why, ())]
    ledger = Ledger()
    given: dict[str, object] = {"expect": Expect(ledger), "upstream": upstream}
    for name in rule.arguments:
        if name not in given:
            given[name] = Across(host, name, facts, ledger)
    arguments = {name: given[name] for name in rule.arguments}
    verdict = call_rule(rule, arguments, ledger, upstream.name)
    return [_if_read(verdict, host, facts)]


def _if_read(verdict: Verdict, host: str, facts: FactsOfRun) -> Verdict:
    """The verdict; it passes nothing if a host on the way was lost before all was read."""
    if verdict.outcome is not Outcome.PASSED:
        return verdict
    on_the_way = {host, *(seen.host for seen in verdict.observations if seen.host is not None)}
    for name in sorted(on_the_way):
        reached = facts.by_host[name]["connection"]
        if isinstance(reached, ReachedBy) and reached.failure is not None:
            unknown, why = Outcome.UNKNOWN, f"{name}: {HALF_READ}"
            return replace(verdict, outcome=unknown, reason=Reason.UNREACHABLE, message=why)
    return verdict

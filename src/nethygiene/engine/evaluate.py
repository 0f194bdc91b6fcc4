"""Evaluates one rule for one host, and one item if the rule has them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import islice

from nethygiene.engine import catalogue
from nethygiene.engine.decision import Verdict, decide
from nethygiene.engine.expect import Expect, NotApplicableError, judged_by
from nethygiene.engine.finder import OtherVerdict
from nethygiene.engine.held import held
from nethygiene.engine.items import DECLARED, Named
from nethygiene.engine.kernel import Kernel
from nethygiene.engine.ledger import Ledger, UnreadableFactError
from nethygiene.engine.outcomes import Outcome, Reason, Unreadable
from nethygiene.engine.precondition import Elsewhere, Instead
from nethygiene.engine.rule import Rule
from nethygiene.engine.subject import HALF_READ, Subject

MOST_ITEMS = 5_000
"""Items found that are judged: a host may show items without end."""
TOO_MANY = f"more than {MOST_ITEMS:,} were found: the others are not judged"


def evaluate(rule: Rule, subject: Subject, declared: Named | None = None) -> list[Verdict]:
    """Judge one host by one rule.

    Args:
        rule: the rule.
        subject: the host.
        declared: the declared item, for a rule that has them; None gives the not-applicable
            verdict of a host that declares none.

    Returns:
        One verdict, or one for each item found; never empty. Each rule is evaluated once, though
        others of the same host may look at its verdicts.
    """
    key = (rule, declared.name if declared is not None else None)
    verdicts = subject.verdicts.get(key)
    if verdicts is None:
        verdicts = subject.verdicts[key] = _evaluated(rule, subject, declared)
    return verdicts


def _evaluated(rule: Rule, subject: Subject, declared: Named | None) -> list[Verdict]:
    if not rule.judges_reachability and (system := _other_system(subject)) is not None:
        return [_not_applicable(f"the host runs {system}, not Linux", Reason.NOT_THIS_HOST)]
    if rule.declared is not None and declared is None:
        what = f"the host's policy declares no {rule.declared}"
        return [_not_applicable(what, Reason.NOT_DECLARED)]
    if rule.found is not None:
        verdicts = _evaluate_found(rule, subject, rule.found)
    else:
        verdicts = [_judge_declared(rule, subject, declared)]
    if rule.judges_reachability or subject.transcript.failure is None:
        return verdicts
    return [_not_passed(verdict) for verdict in verdicts]


def _not_passed(verdict: Verdict) -> Verdict:
    """The verdict of a host whose connection was lost: it passes nothing."""
    if verdict.outcome is not Outcome.PASSED:
        return verdict
    return replace(verdict, outcome=Outcome.UNKNOWN, reason=Reason.UNREACHABLE, message=HALF_READ)


def _evaluate_found(rule: Rule, subject: Subject, kind: str) -> list[Verdict]:
    finder = catalogue.finder(kind)
    assert finder is not None, f"{rule.id} was declared with items that are found"
    ledger = Ledger()
    items: list[Named] = []
    crash: Exception | None = None
    inapplicable: NotApplicableError | None = None
    facts: dict[str, object] = {name: subject.bound(name, ledger) for name in finder.probes}
    if finder.asks_policy:
        facts["policy"] = subject.policy
    if finder.after:
        facts["judged"] = lambda: _others(rule, subject, finder.after)
    try:
        items = list(islice(finder.find(**facts), MOST_ITEMS + 1))
        if len(items) > MOST_ITEMS:
            ledger.note_unreadable(Unreadable(Reason.UNDECIDABLE, kind, TOO_MANY))
    except NotApplicableError as error:
        inapplicable = error
    except UnreadableFactError as error:
        # An incomplete list of items must not pass. Facts note it themselves; unknown() does not.
        ledger.note_unreadable(error.unreadable)
    except Exception as error:  # noqa: BLE001 - a bug in our own finder is reported as unknown
        crash = error
    verdicts = [_judge(rule, subject, kind, item) for item in items[:MOST_ITEMS]]
    if crash is not None or inapplicable is not None or ledger.unreadable:
        verdicts.append(decide(ledger, None, crash=crash, inapplicable=inapplicable))
    return verdicts or [_not_applicable(finder.nothing, Reason.NOT_THIS_HOST)]


def _others(rule: Rule, subject: Subject, probe: str) -> Iterator[OtherVerdict]:
    """The verdicts of the other rules of the run that read a probe, for this host."""
    for other in subject.rules:
        finder = catalogue.finder(other.found) if other.found is not None else None
        if other.scope != "host" or other.id == rule.id or probe not in other.probes:
            continue
        if finder is not None and finder.after:
            continue
        declared = DECLARED[other.declared](subject.policy) if other.declared else ()
        items: list[Named | None] = [*declared]
        for item in items or [None]:
            for verdict in evaluate(other, subject, item):
                yield OtherVerdict(other.id, verdict.outcome, verdict.observations, other.defaults)


def _judge_declared(rule: Rule, subject: Subject, item: Named | None) -> Verdict:
    """Judge a declared item, where the rule's precondition finds it."""
    verdict = _judge(rule, subject, rule.declared, item)
    # If the policy leaves the question out, it does not matter where the item is.
    if rule.judged_if is None or item is None or verdict.reason is Reason.NOT_DECLARED:
        return verdict
    condition = catalogue.precondition(rule.judged_if)
    assert condition is not None, f"{rule.id} was declared with a precondition that is there"
    answer = held(condition, subject, item)
    where = answer.where
    if answer.crash is not None:
        return decide(Ledger(), verdict.item, crash=answer.crash)
    if isinstance(where, Instead):
        verdict = _judge(rule, subject, rule.declared, where.item)
    new = [seen for seen in answer.observations if seen not in verdict.observations]
    seen = (*verdict.observations, *new)
    if not isinstance(where, Elsewhere):
        return replace(verdict, observations=seen)
    if where.surely:
        return Verdict(verdict.item, Outcome.NOT_APPLICABLE, Reason.NOT_THIS_HOST, where.why, seen)
    return Verdict(verdict.item, Outcome.UNKNOWN, Reason.UNDECIDABLE, where.why, seen)


def _judge(rule: Rule, subject: Subject, kind: str | None, item: Named | None) -> Verdict:
    ledger = Ledger()
    arguments: dict[str, object] = {}
    for name in rule.arguments:
        if name == "expect":
            arguments[name] = Expect(ledger)
        elif name == "policy":
            arguments[name] = subject.policy
        elif name == kind:
            arguments[name] = item
        else:
            arguments[name] = subject.bound(name, ledger)
    return call_rule(rule, arguments, ledger, item.name if item else None)


def call_rule(
    rule: Rule, arguments: Mapping[str, object], ledger: Ledger, item: str | None
) -> Verdict:
    """Call a rule's function, and decide by its ledger."""
    crash: BaseException | None = None
    inapplicable: NotApplicableError | None = None
    judging = judged_by.set(ledger)
    try:
        rule.function(**arguments)
    except UnreadableFactError as error:
        ledger.note_unreadable(error.unreadable)
    except NotApplicableError as error:
        inapplicable = error
    except AssertionError as error:
        ledger.fail(str(error) or "an assertion of the rule failed")
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - pytest.skip(), fail(), sys.exit() raise these
        crash = error
    finally:
        judged_by.reset(judging)
    nothing = f"{rule.id} ended without a single expect(): it judged nothing"
    return decide(
        ledger,
        item,
        crash=crash,
        inapplicable=inapplicable,
        judged_nothing=None if ledger.expectations else nothing,
        general_remedy=rule.documentation.remedy,
    )


def _not_applicable(why: str, reason: Reason) -> Verdict:
    return Verdict(None, Outcome.NOT_APPLICABLE, reason, why, ())


def _other_system(subject: Subject) -> str | None:
    kernel = subject.fact("kernel")
    return kernel.name if isinstance(kernel, Kernel) and kernel.name != "Linux" else None

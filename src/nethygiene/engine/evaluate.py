"""Judging: one rule, one host, one item; the only place where an outcome is decided."""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from nethygiene.engine import catalogue
from nethygiene.engine.each import Each
from nethygiene.engine.expect import Expect, NotApplicableError, judged_by
from nethygiene.engine.fact import Fact
from nethygiene.engine.finder import OtherVerdict
from nethygiene.engine.items import DECLARED, Named
from nethygiene.engine.kernel import Kernel
from nethygiene.engine.ledger import Ledger, UnreadableFactError
from nethygiene.engine.outcomes import Observation, Outcome, Reason, Unreadable
from nethygiene.engine.precondition import Elsewhere, Instead, held
from nethygiene.engine.rule import Rule
from nethygiene.engine.subject import HALF_READ, Subject
from nethygiene.inventory.model import Group
from nethygiene.markup import joined

# Of what a host can make as long as it likes. Nobody reads further, and every report shall open.
_MOST_ITEMS = 5_000
_MOST_SENTENCES = 100
_MOST_OBSERVATIONS = 1_000
_MOST_REMEDIES = 20
_LONGEST = 10_000  # characters


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a rule came to for one host and item.

    Attributes:
        item: name of the declared or found item, None where the host itself is judged.
        outcome: never WAIVED: waivers are applied to verdicts later.
        reason: why it is unknown or not applicable, None otherwise.
        message: one line for people: the offending values, or what is missing.
        observations: all that was looked at.
        traceback: of the rule's own bug, where it crashed.
        remedy: what mends this failure; empty where the rule's general remedy holds.
    """

    item: str | None
    outcome: Outcome
    reason: Reason | None
    message: str
    observations: tuple[Observation, ...]
    traceback: str | None = None
    remedy: str = ""


def evaluate(rule: Rule, subject: Subject, declared: Named | None = None) -> list[Verdict]:
    """Judge one host by one rule.

    Args:
        rule: the rule.
        subject: the host.
        declared: the declared item, for a rule that has them; None gives the not-applicable
            verdict of a host that declares none.

    Returns:
        One verdict, or one for each item found; never empty. What was judged once is not judged
        anew: a rule may look at what the others of its host came to.
    """
    key = (rule, declared.name if declared is not None else None)
    known = subject.verdicts.get(key)
    if known is None:
        known = subject.verdicts[key] = _evaluated(rule, subject, declared)
    return known


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
    """A host that was lost half way passes nothing, not even what was read before."""
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
        items = list(islice(finder.find(**facts), _MOST_ITEMS + 1))
        if len(items) > _MOST_ITEMS:
            detail = f"more than {_MOST_ITEMS:,} were found: the others are not judged"
            ledger.note_unreadable(Unreadable(Reason.UNDECIDABLE, kind, detail))
    except NotApplicableError as error:
        inapplicable = error
    except UnreadableFactError as error:
        # A short list of items is no reason for a pass. Facts note it themselves, unknown() not.
        ledger.note_unreadable(error.unreadable)
    except Exception as error:  # noqa: BLE001 - a bug in our own finder: unknown, said aloud
        crash = error
    verdicts = [_judge(rule, subject, kind, item) for item in items[:_MOST_ITEMS]]
    if crash is not None or inapplicable is not None or ledger.unreadable:
        verdicts.append(decide(ledger, None, crash=crash, inapplicable=inapplicable))
    return verdicts or [_not_applicable(finder.nothing, Reason.NOT_THIS_HOST)]


def _others(rule: Rule, subject: Subject, probe: str) -> Iterator[OtherVerdict]:
    """What the other rules of the run that read a probe say of this host."""
    for other in subject.rules:
        finder = catalogue.finder(other.found) if other.found is not None else None
        if probe not in other.probes or other.id == rule.id or (finder and finder.after):
            continue
        declared = DECLARED[other.declared](subject.policy) if other.declared else ()
        items: list[Named | None] = [*declared]
        for item in items or [None]:
            for one in evaluate(other, subject, item):
                yield OtherVerdict(other.id, one.outcome, one.observations, other.defaults)


def _judge_declared(rule: Rule, subject: Subject, item: Named | None) -> Verdict:
    """Judge a declared item where the rule's precondition says that it is."""
    verdict = _judge(rule, subject, rule.declared, item)
    # What the policy leaves out is left out, wherever the item lives.
    if rule.judged_if is None or item is None or verdict.reason is Reason.NOT_DECLARED:
        return verdict
    wanted = catalogue.precondition(rule.judged_if)
    assert wanted is not None, f"{rule.id} was declared with a precondition that is there"
    condition = held(wanted, subject, item)
    where = condition.where
    if condition.crash is not None:
        return decide(Ledger(), verdict.item, crash=condition.crash)
    if isinstance(where, Instead):
        verdict = _judge(rule, subject, rule.declared, where.item)
    new = [one for one in condition.observations if one not in verdict.observations]
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
    return _called(rule, arguments, ledger, item.name if item else None)


def evaluate_group(
    rule: Rule, group: Group, facts: Mapping[str, Mapping[str, Fact | Unreadable]]
) -> list[Verdict]:
    """Judge the members of a group as one, by a rule of that scope.

    Args:
        rule: the rule.
        group: the group.
        facts: by host name, the facts that the rule asks for by the names of their probes.
    """
    ledger = Ledger()
    if group.left_out:
        total = len(group.members) + len(group.left_out)
        detail = f"{len(group.left_out)} of {total} members are outside --limit"
        ledger.note_unreadable(Unreadable(Reason.NOT_COLLECTED, "", detail))
    given: dict[str, object] = {"expect": Expect(ledger), "group": group}
    for name in rule.arguments:
        if name not in given:
            members = {host: facts[host][name] for host in group.members}
            given[name] = Each(members, ledger)
    arguments = {name: given[name] for name in rule.arguments}
    return [_called(rule, arguments, ledger, None)]


def _called(
    rule: Rule, arguments: Mapping[str, object], ledger: Ledger, item: str | None
) -> Verdict:
    """Call a rule's function, and decide by what its ledger holds then."""
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
    except BaseException as error:  # noqa: BLE001 - pytest.skip(), fail(), sys.exit() are those
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


def decide(
    ledger: Ledger,
    item: str | None,
    *,
    crash: BaseException | None = None,
    inapplicable: NotApplicableError | None = None,
    judged_nothing: str | None = None,
    general_remedy: str = "",
) -> Verdict:
    """The verdict of one evaluation: a failure stands, then a crash, then what was not readable.

    Args:
        ledger: what was read and expected.
        item: name of the item that was judged, None for the host itself.
        crash: the bug that ended it, None if none did.
        inapplicable: why there was nothing to judge, None if there was something.
        judged_nothing: what to say where nothing at all was judged, None where that is no matter.
        general_remedy: the rule's, for a failure that has none of its own beside one that has.
    """
    ledger.close()
    seen = _shown(ledger.observations)
    missing = _joined([str(one) for one in ledger.unreadable])
    if ledger.failures:
        message = _joined(ledger.failures)
        message += f"; also unknown: {missing}" if missing else ""
        remedy = _remedy(ledger, general_remedy)
        return Verdict(item, Outcome.FAILED, None, message, seen, _trace(crash), remedy)
    if crash is not None:
        message = _cut(f"the rule itself crashed: {type(crash).__name__}: {crash}")
        return Verdict(item, Outcome.UNKNOWN, Reason.RULE_CRASHED, message, seen, _trace(crash))
    if ledger.unreadable:
        return Verdict(item, Outcome.UNKNOWN, ledger.unreadable[0].reason, missing, seen)
    if inapplicable is not None:
        return Verdict(item, Outcome.NOT_APPLICABLE, inapplicable.reason, inapplicable.why, seen)
    if judged_nothing is not None:
        return Verdict(item, Outcome.UNKNOWN, Reason.NOTHING_CHECKED, judged_nothing, seen)
    return Verdict(item, Outcome.PASSED, None, "", seen)


def _joined(sentences: Sequence[str]) -> str:
    """A message; one host's hundred thousand sockets shall fill no terminal."""
    more = len(sentences) - _MOST_SENTENCES
    text = _cut("; ".join(sentences[:_MOST_SENTENCES]))
    return f"{text}; and {more:,} more" if more > 0 else text


def _remedy(ledger: Ledger, general: str) -> str:
    if not any(ledger.remedies):
        return ""
    # A paragraph of its own each: a blank line ends a block of commands.
    distinct = joined(one or general for one in ledger.remedies)
    more = len(distinct) - _MOST_REMEDIES
    rest = [f"The {more:,} failures beyond these are mended alike."] if more > 0 else []
    return "\n\n".join([*filter(None, distinct[:_MOST_REMEDIES]), *rest])


def _shown(observations: Sequence[Observation]) -> tuple[Observation, ...]:
    shown = tuple(
        one
        if len(one.what) + len(one.actual) <= _LONGEST
        else replace(one, what=_cut(one.what), actual=_cut(one.actual))
        for one in observations[:_MOST_OBSERVATIONS]
    )
    more = len(observations) - len(shown)
    left_out = Observation("further observations", "", None, f"{more:,}, left out here")
    return (*shown, left_out) if more else shown


def _cut(text: str) -> str:
    more = len(text) - _LONGEST
    return f"{text[:_LONGEST]}… ({more:,} more characters)" if more > 0 else text


def _not_applicable(why: str, reason: Reason) -> Verdict:
    return Verdict(None, Outcome.NOT_APPLICABLE, reason, why, ())


def _other_system(subject: Subject) -> str | None:
    kernel = subject.fact("kernel")
    return kernel.name if isinstance(kernel, Kernel) and kernel.name != "Linux" else None


def _trace(crash: BaseException | None) -> str | None:
    return None if crash is None else "".join(traceback.format_exception(crash, limit=-6))

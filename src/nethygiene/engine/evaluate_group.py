"""Evaluates one rule for a group of hosts, and one item if the rule has them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice

from nethygiene.engine import catalogue
from nethygiene.engine.decision import Verdict, decide
from nethygiene.engine.each import Each
from nethygiene.engine.evaluate import MOST_ITEMS, TOO_MANY, call_rule
from nethygiene.engine.expect import Expect, NotApplicableError
from nethygiene.engine.fact import Fact
from nethygiene.engine.items import Named
from nethygiene.engine.ledger import Ledger, UnreadableFactError
from nethygiene.engine.outcomes import Outcome, Reason, Unreadable
from nethygiene.engine.rule import Rule
from nethygiene.engine.subject import HALF_READ, ReachedBy
from nethygiene.inventory.model import Group
from nethygiene.inventory.policy import Policy


@dataclass(frozen=True, slots=True)
class GroupSubject:
    """A group as rules see it.

    Attributes:
        group: the group.
        policies: what each of its members should be like, by host name.
        facts: the facts that the rule asks for, by host name and probe; ``connection`` among them.
    """

    group: Group
    policies: Mapping[str, Policy]
    facts: Mapping[str, Mapping[str, Fact | Unreadable]]

    def each(self, name: str, ledger: Ledger) -> Each[Fact]:
        """The fact of each member, with its reads recorded in `ledger`."""
        facts = self.facts
        return Each({host: facts[host][name] for host in self.group.members}, ledger)


def evaluate_group(
    rule: Rule, subject: GroupSubject, declared: Named | None = None
) -> list[Verdict]:
    """Judge the members of a group as one, by a rule of that scope.

    Args:
        rule: the rule.
        subject: the group.
        declared: the declared item, for a rule that has them; None gives the not-applicable
            verdict of an inventory none of whose groups declares one.

    Returns:
        One verdict, or one for each item found; never empty.
    """
    if rule.declared is not None and declared is None:
        what = f"no group of the inventory declares a {rule.declared}"
        return [Verdict(None, Outcome.NOT_APPLICABLE, Reason.NOT_DECLARED, what, ())]
    if rule.found is not None:
        return _evaluate_found(rule, subject, rule.found)
    return [_judge(rule, subject, rule.declared, declared)]


def _evaluate_found(rule: Rule, subject: GroupSubject, kind: str) -> list[Verdict]:
    finder = catalogue.finder(kind)
    assert finder is not None, f"{rule.id} was declared with items that are found"
    ledger = _ledger_of(rule, subject)
    items: list[Named] = []
    crash: Exception | None = None
    inapplicable: NotApplicableError | None = None
    try:
        members = {name: subject.each(name, ledger) for name in finder.probes}
        items = list(islice(finder.find(**members), MOST_ITEMS + 1))
        if len(items) > MOST_ITEMS:
            ledger.note_unreadable(Unreadable(Reason.UNDECIDABLE, kind, TOO_MANY))
    except NotApplicableError as error:
        inapplicable = error
    except UnreadableFactError as error:
        ledger.note_unreadable(error.unreadable)
    except Exception as error:  # noqa: BLE001 - a bug in our own finder is reported as unknown
        crash = error
    # A member that was not read may belong to any item, and so makes each of them unknown.
    missing = tuple(ledger.unreadable)
    verdicts = [_judge(rule, subject, kind, item, missing) for item in items[:MOST_ITEMS]]
    if crash is not None or inapplicable is not None or (missing and not verdicts):
        verdicts.append(decide(ledger, None, crash=crash, inapplicable=inapplicable))
    nothing = Verdict(None, Outcome.NOT_APPLICABLE, Reason.NOT_THIS_HOST, finder.nothing, ())
    return verdicts or [nothing]


def _judge(
    rule: Rule,
    subject: GroupSubject,
    kind: str | None,
    item: Named | None,
    missing: Iterable[Unreadable] = (),
) -> Verdict:
    ledger = _ledger_of(rule, subject)
    for unreadable in missing:
        ledger.note_unreadable(unreadable)
    given: dict[str, object] = {
        "expect": Expect(ledger),
        "group": subject.group,
        "policies": subject.policies,
    }
    if kind is not None:
        given[kind] = item
    for name in rule.arguments:
        if name not in given:
            given[name] = subject.each(name, ledger)
    arguments = {name: given[name] for name in rule.arguments}
    return call_rule(rule, arguments, ledger, item.name if item else None)


def _ledger_of(rule: Rule, subject: GroupSubject) -> Ledger:
    """A ledger that knows which members were not read, so that none of them passes unseen."""
    ledger, group = Ledger(), subject.group
    # A rule on the run judges the hosts of the run alone.
    if rule.scope == "group" and group.left_out:
        detail = f"{len(group.left_out)} of {group.size} members are outside --limit"
        ledger.note_unreadable(Unreadable(Reason.NOT_COLLECTED, "", detail))
    if rule.scope == "group" and group.missing:
        ledger.note_unreadable(Unreadable(Reason.NOT_COLLECTED, "", group.missing))
    for host in group.members:
        reached = subject.facts[host]["connection"]
        # As a host that was lost passes nothing by itself, so no group passes with it.
        if isinstance(reached, ReachedBy) and reached.failure is not None:
            ledger.note_unreadable(Unreadable(Reason.UNREACHABLE, host, HALF_READ))
    return ledger

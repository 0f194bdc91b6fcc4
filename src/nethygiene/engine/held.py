"""What a precondition comes to on a host, worked out once for all rules that name it."""

from __future__ import annotations

from nethygiene.engine.items import Named
from nethygiene.engine.ledger import Ledger, UnreadableFactError
from nethygiene.engine.precondition import Held, Precondition, Whereabouts
from nethygiene.engine.subject import Subject


def held(condition: Precondition, subject: Subject, item: Named) -> Held:
    """The answer of a precondition, which is shared by all rules that name it."""
    key = (condition, item.name)
    answer = subject.preconditions.get(key)
    if answer is None:
        answer = subject.preconditions[key] = _found_out(condition, subject, item)
    return answer


def _found_out(condition: Precondition, subject: Subject, item: Named) -> Held:
    ledger = Ledger()
    where: Whereabouts = None
    try:
        facts = {name: subject.bound(name, ledger) for name in condition.probes}
        where = condition.where(item, **facts)
    except UnreadableFactError as error:
        # An unreadable fact must not block audits without privilege: it is an observation only.
        ledger.read("NAT and proxies", "", f"could not be read: {error}")
    except Exception as error:  # noqa: BLE001 - a bug of ours makes the rule unknown, said aloud
        return Held(None, (), error)
    ledger.close()
    return Held(where, tuple(ledger.observations))

"""The steps through packet filters, with the rule that refuses and how to open it."""

from __future__ import annotations

from functools import partial

from nethygiene.engine.expect import unknown
from nethygiene.subjects.filter.crossing import Crossing, CrossingConnection
from nethygiene.subjects.filter.filter_fact import PacketFilter
from nethygiene.subjects.paths.opening import open_for
from nethygiene.subjects.paths.run_facts import address_of
from nethygiene.subjects.paths.steps import Step


def loses_answer(crossing: Crossing) -> bool:
    """Whether what a crossing loses, or may lose, is an answer."""
    return crossing.passes is not True and crossing.is_answer


def filter_step(
    host: str,
    what: str,
    packet_filter: PacketFilter,
    crossing: Crossing,
    connection: CrossingConnection,
) -> Step:
    """The step through a host's filter; ends the rule as unknown if it cannot be told.

    Args:
        host: the host.
        what: the name of the step, as ``forward filter``.
        packet_filter: its packet filter, which records the step.
        crossing: what it does with the connection.
        connection: as the rules see it, for the remedy.
    """
    packet_filter.observe(what, crossing.told or "no rule decides")
    if crossing.passes is None:
        unknown(f"{host}: {what}: {crossing.told}, which cannot be told here")
    if crossing.passes:
        by = f", by {crossing.why}" if crossing.why else ""
        return Step(host, what, f"let through{by}")
    if crossing.chain == "routing" and "route" in crossing.why.removeprefix("routing: "):
        return _unrouted(host, crossing, connection)
    hint = "open it there, or take the upstream out if that host is not meant to connect"
    remedy = partial(open_for, host, crossing, connection)
    lost = f"{crossing.packet} at the {what}"
    told = f"{crossing.verb} by {crossing.why}"
    return Step(host, lost, told, False, hint=hint, remedy=remedy)


def _unrouted(host: str, crossing: Crossing, connection: CrossingConnection) -> Step:
    number = connection.source if loses_answer(crossing) else connection.destination
    to = "where it goes" if number is None else str(address_of(number, connection.family))
    told = f"missing ({crossing.why.removeprefix('routing: ')})"
    remedy = (
        f"Let {host} have a route to {to} that refuses nothing: `ip route` and `ip rule` there "
        "list what it has. Keep it over a boot."
    )
    return Step(host, f"route to {to}", told, False, "there", remedy=remedy)

"""The connections of this host to a declared upstream."""

from __future__ import annotations

from nethygiene.engine.expect import doubt, unknown
from nethygiene.engine.outcomes import Reason
from nethygiene.inventory.policy import Upstream
from nethygiene.subjects.sockets.connections import Connections, TcpConnection


def connections_to(connections: Connections, upstream: Upstream) -> tuple[TcpConnection, ...]:
    """The connections to an upstream, at whichever of its addresses.

    If not all of these are known, the rule passes nothing. It ends as unknown if evidence does not
    hold the port that the upstream's host declares.
    """
    end = upstream.end
    fixed = upstream.address is not None or (end is not None and end.virtual is not None)
    for why in () if fixed else upstream.doubts:
        doubt(why, Reason.NOT_COLLECTED)
    port = upstream.dialled_port
    if port is None:
        unknown(f"what {upstream.to} declares is not in the evidence", Reason.NOT_COLLECTED)
    return tuple(
        connection for address in upstream.addresses for connection in connections.to(address, port)
    )


def place_of(upstream: Upstream) -> str:
    """Where it is dialled, in words: its address, or the host that serves it."""
    if upstream.address is not None or upstream.end is None:
        return str(upstream.address)
    if upstream.end.virtual is not None:
        return str(upstream.end.virtual)
    return upstream.end.host

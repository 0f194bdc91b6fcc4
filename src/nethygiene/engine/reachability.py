"""The remedy of a host that was not read, by its cause."""

from __future__ import annotations

from nethygiene.engine.remedies import content, paragraphs
from nethygiene.engine.subject import ReachedBy


def reach_the_host(connection: ReachedBy) -> str:
    """The remedy of a host that was not read: the cure of its own cause."""
    failure = connection.failure
    if failure is None or not failure.cure:
        return ""
    cure = f"{failure.cure[0].upper()}{failure.cure[1:]}."
    if failure.code != "unknown-host-key" or not connection.host_key:
        return cure
    return paragraphs(
        cure,
        "Where they are the same, this line among the host's variables in the inventory does:",
        content(f'nethygiene_host_keys: ["{connection.host_key}"]'),
    )

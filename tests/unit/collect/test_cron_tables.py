"""Where cron's mail goes, for a job that stands in one of the system's tables."""

from __future__ import annotations

import pytest

from nethygiene.engine.catalogue import all_probes
from nethygiene.inventory.policy import policy_from_plain
from tests.unit.collect.hosts import NEEDS_NAMESPACES, host
from tests.unit.collect.shells import run

TUNNEL = {"user": "root", "run_by": "cron", "destination": "cloud.example.com"}
TABLE = """
mkdir -p /etc/cron.d
mount -t tmpfs -o mode=755 tmpfs /etc/cron.d
cat > /etc/cron.d/tunnel <<'END'
{}
END
"""


@NEEDS_NAMESPACES
@pytest.mark.parametrize(
    ("table", "mailed"),
    [
        ("MAILTO=netops\n* * * * * root /usr/bin/tunnel", b"mailto MAILTO=netops"),
        ("MAILTO=netops\n* * * * * www-data /usr/bin/root", b""),
        ("MAILTO=netops\n# * * * * * root /usr/bin/tunnel", b""),
    ],
)
def test_mailto_of_a_system_table_is_told(table: str, mailed: bytes) -> None:
    policy = policy_from_plain({"tunnels": {"t": TUNNEL}})
    command = next(
        one
        for one in all_probes()["tunnel_logs"].declared(policy)
        if one.name.startswith("tunnel_log:")
    )
    answer = run([command], host(TABLE.format(table)))[command.name]
    found = [line for line in answer.splitlines() if line.startswith((b"mailto", b"closed"))]
    assert found == ([mailed] if mailed else []), answer

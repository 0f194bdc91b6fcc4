"""The rulesets that ufw and firewalld install by themselves, against the kernel.

Both are installed for real, into the overlay of a lab host; part of ``make truth``.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator

import pytest

from tests.lab.firewall.ground import Ground, Tally, ground
from tests.lab.host import LabHost
from tests.lab.lab import Lab
from tests.lab.requirements import give_up

PACKAGES = {"ufw": ["ufw"], "firewalld": ["firewalld", "dbus"]}
APT = ["apt-get", "-qq", "-y", "--no-install-recommends", "install"]

UFW = """
sed -i 's/^IPV6=.*/IPV6=yes/' /etc/default/ufw
ufw allow 2001/tcp
ufw allow from 198.18.200.0/24 to any port 2002 proto tcp
ufw limit 2003/tcp
ufw deny 2004/tcp
ufw reject 2005/tcp
ufw allow in on eth1 to any port 2006:2008 proto tcp
ufw deny from 10.77.0.9
ufw allow 2010:2012/tcp
ufw allow from fd77::/64 to any port 2013 proto tcp
ufw --force enable
"""
FIREWALLD = """
mkdir -p /run/dbus
dbus-daemon --system --fork
firewalld --nofork --nopid >/run/firewalld.log 2>&1 </dev/null &
for n in $(seq 60); do firewall-cmd --state 2>/dev/null && break; sleep 0.5; done
firewall-cmd --zone=public --change-interface=eth0
firewall-cmd --zone=internal --change-interface=eth1
firewall-cmd --zone=public --add-port=2001/tcp
firewall-cmd --zone=public --add-port=2006-2008/tcp
firewall-cmd --zone=internal --add-port=2002/tcp
firewall-cmd --zone=trusted --add-source=198.18.200.1
firewall-cmd --zone=drop --add-source=10.77.0.9
firewall-cmd --zone=public --add-rich-rule='rule family=ipv4 source address=198.18.201.1 port \
port=2003 protocol=tcp accept'
firewall-cmd --zone=public --add-rich-rule='rule family=ipv6 source address=fd42:198:18::c1 port \
port=2004 protocol=tcp reject'
firewall-cmd --zone=public --add-forward-port=port=2009:proto=tcp:toport=2010
firewall-cmd --ipset=none --get-entries 2>/dev/null || true
"""


def install(host: LabHost, packages: list[str]) -> None:
    """Fetch packages on the machine, and install them in the host's own overlay of it."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    fetched = subprocess.run(
        [*APT, "--download-only", *packages],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if fetched.returncode != 0:
        give_up(f"{packages} cannot be fetched: {fetched.stderr.strip()[-200:]}")
    script = f"export DEBIAN_FRONTEND=noninteractive; {' '.join(APT)} --no-download $*"
    host.run("sh", "-c", script, "sh", *packages, timeout=240)


@pytest.fixture
def fresh(lab: Lab) -> Iterator[Ground]:
    with ground(lab) as built:
        yield built


@pytest.mark.parametrize(("front_end", "script"), [("ufw", UFW), ("firewalld", FIREWALLD)])
def test_front_ends(fresh: Ground, front_end: str, script: str) -> None:
    install(fresh.target, PACKAGES[front_end])
    fresh.target.run("sh", "-s", text=f"exec 2>&1\n{script}", timeout=120)
    tally = Tally()
    fresh.compare(front_end, tally)
    print(front_end, tally)  # noqa: T201 - the numbers are what this test is for
    assert not tally.wrong, "\n".join([str(tally), *tally.wrong[:20]])
    assert tally.unknown <= 0.05 * tally.verdicts
    assert tally.answers["open"] > 10
    assert tally.answers["silent"] + tally.answers["refused"] > 10

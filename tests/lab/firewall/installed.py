"""Front ends as Debian installs them, run for real in the overlay of a lab host."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.lab.firewall.comparing import PORTS, Ground
from tests.lab.firewall.topology import BOX, TARGET_INNER, Place
from tests.lab.host import LabHost
from tests.lab.requirements import give_up

_APT = ["apt-get", "-qq", "-y", "--no-install-recommends", "install"]
ADDRESS = TARGET_INNER[0].partition("/")[0]
"""The one address at which a container is published alone."""
PUBLISHED = (2101, 2102, 2103, 2104)
"""The ports that containers are published at; the target's own services have others."""


@dataclass(frozen=True, slots=True)
class FrontEnd:
    """A front end.

    Attributes:
        packages: Debian's.
        script: sets it up, by sh on the target.
        then: what else it takes; returns more places to connect to.
        undo: takes away what would outlast the target.
    """

    packages: tuple[str, ...]
    script: str
    then: Callable[[Ground], list[Place]] = lambda _ground: []
    undo: str = ""


def install(host: LabHost, packages: tuple[str, ...]) -> None:
    """Fetch packages on the machine, and install them in the host's own overlay of it."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    fetched = subprocess.run(
        [*_APT, "--download-only", *packages],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if fetched.returncode != 0:
        give_up(f"{packages} cannot be fetched: {fetched.stderr.strip()[-200:]}")
    script = f"export DEBIAN_FRONTEND=noninteractive; {' '.join(_APT)} --no-download $*"
    host.run("sh", "-c", script, "sh", *packages, timeout=240)


_UFW = """
sed -i 's/^IPV6=.*/IPV6=yes/' /etc/default/ufw
ufw allow 2001/tcp
ufw allow from 198.18.200.0/24 to any port 2002 proto tcp
ufw deny 2004/tcp
ufw reject 2005/tcp
ufw allow in on eth1 to any port 2006:2008 proto tcp
ufw deny from 10.77.0.9
ufw allow 2010:2012/tcp
ufw deny from 203.0.113.7 to any port 2010
ufw allow from fd77::/64 to any port 2013 proto tcp
ufw allow to 192.0.2.21 port 2014 proto tcp
ufw route allow in on eth0 out on br0 to any port 2015 proto tcp
ufw logging medium
ufw --force enable
"""
_FIREWALLD = """
sed -i 's/^FirewallBackend=.*/FirewallBackend=BACKEND/' /etc/firewalld/firewalld.conf
mkdir -p /run/dbus
dbus-daemon --system --fork
firewalld --nofork --nopid >/run/firewalld.log 2>&1 </dev/null &
for n in $(seq 120); do firewall-cmd --state 2>/dev/null && break; sleep 0.5; done
firewall-cmd --zone=public --change-interface=eth0
firewall-cmd --zone=internal --change-interface=eth1
firewall-cmd --zone=public --add-port=2001/tcp
firewall-cmd --zone=public --add-port=2006-2008/tcp
firewall-cmd --zone=internal --add-port=2002/tcp
firewall-cmd --zone=trusted --add-source=198.18.200.1
firewall-cmd --zone=drop --add-source=10.77.0.9
firewall-cmd --zone=public --add-source-port=5432/tcp
firewall-cmd --zone=public --add-rich-rule='rule family=ipv4 source address=198.18.201.1 port \
port=2003 protocol=tcp accept'
firewall-cmd --zone=public --add-rich-rule='rule family=ipv6 source address=fd42:198:18::c1 port \
port=2004 protocol=tcp reject'
firewall-cmd --zone=public --add-rich-rule='rule family=ipv4 destination address=192.0.2.21 port \
port=2005 protocol=tcp accept'
firewall-cmd --zone=public --add-forward-port=port=2009:proto=tcp:toport=2010
firewall-cmd --zone=public --add-forward-port=port=2011:proto=tcp:toport=2012:toaddr=172.20.0.2
firewall-cmd --zone=public --add-masquerade
"""
_SHOREWALL = """
for v in '' 6; do
d=/etc/shorewall$v
four=$([ -z "$v" ] && echo 4 || echo 6)
echo "fw firewall
net ipv$four
loc ipv$four
dmz ipv$four" >$d/zones
echo "?FORMAT 2
net eth0 tcpflags
loc eth1
dmz br0 routeback" >$d/interfaces
echo "fw all ACCEPT
loc all ACCEPT
dmz all REJECT
net all DROP info
all all REJECT info" >$d/policy
echo "?SECTION NEW
ACCEPT net fw tcp 2001,2003:2006
ACCEPT net dmz tcp 2010:2014
DROP net fw tcp 2008
REJECT loc fw tcp 2009" >$d/rules
sed -i 's/^STARTUP_ENABLED=.*/STARTUP_ENABLED=Yes/; s/^IP_FORWARDING=.*/IP_FORWARDING=Keep/' \
$d/shorewall$v.conf
done
echo "DNAT net dmz:172.20.0.2:2020 tcp 2015
REDIRECT net 2001 tcp 2016
ACCEPT net:203.0.113.0/25 fw tcp 2017
ACCEPT+ net:198.18.200.1 fw tcp 2018" >>/etc/shorewall/rules
shorewall start
shorewall6 start
"""
# A lab host's /sys has no control groups. Those that containers get are the machine's: they have a
# parent of their own, by which they are found again.
_DOCKER = """
mount -t tmpfs groups /sys/fs/cgroup
if [ -e /proc/cgroups ] && awk '$2 > 0 {found = 1} END {exit !found}' /proc/cgroups; then
    for one in $(awk '/^[^#]/ && $4 {print $1}' /proc/cgroups); do
        mkdir /sys/fs/cgroup/$one
        mount -t cgroup -o $one groups /sys/fs/cgroup/$one || rmdir /sys/fs/cgroup/$one
    done
else
    mount -t cgroup2 groups /sys/fs/cgroup
fi
# Docker that enables forwarding by itself drops what it does not forward.
sysctl -qw net.ipv4.ip_forward=0
mkdir -p /run/docker-here /tmp/image/bin
setsid dockerd --storage-driver vfs -H unix:///run/docker-here/sock \
--data-root /run/docker-here/data \
--exec-root /run/docker-here/exec --cgroup-parent /PARENT --pidfile /run/docker-here/pid \
>/run/docker-here/log 2>&1 </dev/null &
for n in $(seq 120); do [ -S /run/docker-here/sock ] && break; sleep 0.5; done
export DOCKER_HOST=unix:///run/docker-here/sock
cp /bin/busybox /tmp/image/bin/busybox
tar -C /tmp/image -c . | docker import - lab
docker network create -o com.docker.network.bridge.name=docker1 --subnet 172.25.0.0/24 own
run() { docker run -d --name "$@" lab /bin/busybox sleep 3600; }
run one -p 2101:2001 -p 127.0.0.1:2102:2002
run two --network own --ip 172.25.0.9 -p ADDRESS:2103:2003 -p 2104:2004
"""
_NO_DOCKER = """
export DOCKER_HOST=unix:///run/docker-here/sock
docker rm -f one two
kill $(cat /run/docker-here/pid)
for n in $(seq 40); do [ -e /run/docker-here/pid ] || break; sleep 0.25; done
find /sys/fs/cgroup -depth -type d -path '*/PARENT*' -exec rmdir {} +
"""
_DOCKER_USER = """
iptables -I DOCKER-USER -s 203.0.113.7 -j DROP
iptables -I DOCKER-USER -i eth1 -p tcp -m conntrack --ctorigdstport 2104 -j DROP
"""


def _containers(ground: Ground) -> list[Place]:
    """Have the containers serve, and say where they are."""
    docker = "docker -H unix:///run/docker-here/sock inspect -f"
    places = []
    # The host's own services at the ports that Docker has at one address alone: else that nothing
    # listens there would look like a filter.
    here = ground.topology.places["ipv4"]
    for port, taken in ((2102, "127.0.0.1"), (2103, ADDRESS)):
        free = [one.address for one in here if one.address not in {taken, BOX[0]}]
        ground.loop.listen(ground.topology.namespace, (port,), ("::", *free))
    ground.loop.listen(ground.topology.box, PUBLISHED)
    for name in ("one", "two"):
        pid = ground.target.shell(f"{docker} '{{{{.State.Pid}}}}' {name}").stdout.strip()
        of = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
        address = ground.target.shell(f"{docker} '{of}' {name}").stdout.strip()
        namespace = Path(f"/proc/{ground.target.machine_pid}/root/proc/{pid}/ns/net")
        ground.loop.listen(namespace, (*PORTS, *PUBLISHED))
        places.append(Place(f"container {name}", address))
    return places


def _docker(before: str = "", after: str = "", packages: tuple[str, ...] = ()) -> FrontEnd:
    needed = ("docker.io", "busybox-static", *packages)
    parent = f"nethygiene-{os.getpid()}"
    script = _DOCKER.replace("PARENT", parent).replace("ADDRESS", ADDRESS)
    undo = _NO_DOCKER.replace("PARENT", parent)
    return FrontEnd(needed, f"{before}\n{script}\n{after}", _containers, undo)


FRONT_ENDS: Mapping[str, FrontEnd] = {
    "ufw": FrontEnd(("ufw",), _UFW),
    "firewalld": FrontEnd(("firewalld", "dbus"), _FIREWALLD.replace("BACKEND", "nftables")),
    "firewalld-iptables": FrontEnd(
        ("firewalld", "dbus", "ipset"), _FIREWALLD.replace("BACKEND", "iptables")
    ),
    "shorewall": FrontEnd(("shorewall", "shorewall6"), _SHOREWALL),
    "docker": _docker(),
    "docker-user": _docker(after=_DOCKER_USER),
    "docker-and-ufw": _docker(before=_UFW, packages=("ufw",)),
}
"""By name: each is set up on a fresh target."""

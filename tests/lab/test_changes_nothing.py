"""An audit changes nothing on a host: a full picture of it, taken before and after, is the same."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import yaml

from nethygiene.collect.evidence import read_evidence
from nethygiene.engine.catalogue import all_probes
from nethygiene.inventory.policy import policy_from_plain
from nethygiene.sudoers import sudoers_file
from tests.lab.audit import audit
from tests.lab.furnished import POLICY, furnished
from tests.lab.host import LabHost
from tests.lab.lab import Lab
from tests.lab.picture import changes, picture

SETTLES_SECONDS = 120.0

TRACES = {"file /var/log/sshd.log"}
"""The login's own: sshd logs each. Without a terminal neither sshd nor sudo writes utmp, wtmp,
lastlog or a timestamp."""


@pytest.fixture(scope="module")
def hosts(lab: Lab) -> Iterator[list[LabHost]]:
    """Two hosts that have something of everything: audited as root, and by sudo."""
    sudoers = sudoers_file("audit", policies=[policy_from_plain(dict(POLICY))])
    cloud = lab.host("cloud-of-changes")
    root = lab.host("changes-root")
    login = lab.host("changes-sudo", login="audit", sudoers=sudoers)
    with ExitStack() as stack:
        for one in (root, login):
            stack.enter_context(furnished(one, cloud))
        yield [root, login]
    for one in (root, login, cloud):
        lab.remove(one)


def by_both_transports(lab: Lab, hosts: list[LabHost]) -> Path:
    """An inventory that names each host twice."""
    variables = {host.name: {"ansible_become": host.login != "root"} for host in hosts}
    path = lab.inventory(hosts, policy=POLICY, variables_by_host=variables, name="changes")
    document = yaml.safe_load(path.read_text())
    document["all"]["hosts"] = {
        f"{name}-by-{kind}": {**entry, "ansible_connection": kind}
        for name, entry in document["all"]["hosts"].items()
        for kind in ("paramiko", "ssh")
    }
    path.write_text(yaml.safe_dump(document))
    return path


def test_all_probes_change_nothing(lab: Lab, hosts: list[LabHost]) -> None:
    inventory = by_both_transports(lab, hosts)
    evidence = lab.directory / "changes.jsonl"
    before = [picture(host) for host in hosts]
    run = audit(lab, hosts, f"--evidence={evidence}", "--window=0.3", inventory=inventory)
    # A login ends a moment after its connection.
    deadline = time.monotonic() + SETTLES_SECONDS
    while True:
        pairs = zip(hosts, before, strict=True)
        found = [changes(old, picture(host)) - TRACES for host, old in pairs]
        if found == [set(), set()] or time.monotonic() > deadline:
            break
    assert found == [set(), set()], run
    read = {one.host: one for one in read_evidence(evidence)[1]}
    assert len(read) == 4, run
    for name, one in read.items():
        assert one.failure is None, name
        assert set(one.probes) == set(all_probes())
        assert one.privileged, "the firewall was read"
        assert b"friends" in one.sections["ipset"].stdout
        assert b"shop" in one.sections["nft"].stdout


PLANTED = {
    "sysctl /proc/sys/net/core/somaxconn": "echo 77 > /proc/sys/net/core/somaxconn",
    "ruleset nft": "nft add rule inet shop input tcp dport 1 drop",
    "ruleset ipset save": "ipset add friends 192.0.2.0/24",
    "ruleset ip6tables-save": "ip6tables -A INPUT -p tcp --dport 1 -j DROP",
    "kernel /proc/net/ip_tables_names": "iptables-legacy -S",
    "route 192.0.2.0/24": "ip route add 192.0.2.0/24 dev eth1",
    "rule 50: from 192.0.2.1": "ip rule add pref 50 from 192.0.2.1 lookup 100",
    "address": "ip address add 192.0.2.1/32 dev lo",
    "link": "ip link set eth1 mtu 1400",
    "qdisc qdisc tbf": "tc qdisc add dev eth1 root tbf rate 1mbit burst 32kbit latency 400ms",
    "process": "sleep 300 >/dev/null 2>&1 </dev/null &",
    "socket tcp LISTEN": 'python3 -c \'import socket, time; s = socket.create_server(("", 999));'
    " print(flush=True); time.sleep(300)' 2>/dev/null </dev/null | { read line; } &"
    " while ! ss -Hltn | grep -q :999; do sleep 0.05; done",
    "kernel /proc/sysvipc/shm": "ipcmk -M 100 >/dev/null",
    "kernel /proc/mounts": "mount -t tmpfs planted /mnt",
    "kernel /proc/sys/kernel/hostname": "hostname planted",
    "module planted": "mount -t tmpfs planted /sys/module && mkdir /sys/module/planted",
    "file /var/spool/cron/planted": "mkdir -p /var/spool/cron; echo '* * * * * root true'"
    " > /var/spool/cron/planted",
    "file /usr/bin/env": "touch /usr/bin/env",
    "file /etc/hosts": "chmod 600 /etc/hosts",
    "file /etc/hostname": "rm /etc/hostname",
    "file /tmp/planted": "mkdir /tmp/planted",
    "file /run/sshd.pid": "echo >> /run/sshd.pid",
}


def test_each_kind_of_change_is_seen(hosts: list[LabHost]) -> None:
    host, _ = hosts
    before = picture(host)
    for planting in PLANTED.values():
        host.shell(planting)
    found = changes(before, picture(host))
    for kind in PLANTED:
        assert any(one.startswith(kind) for one in found), (kind, sorted(found)[:80])

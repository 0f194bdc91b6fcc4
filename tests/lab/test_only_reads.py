"""The script holds no writing command: on a host mounted read-only, and under strace."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest

from nethygiene.collect.command import Command
from nethygiene.collect.frames import cut_into_sections
from nethygiene.collect.script import compose, new_boundary
from nethygiene.engine.catalogue import all_probes, commands_for
from nethygiene.inventory.policy import policy_from_plain
from nethygiene.transport.prepared_shell import SCRIPT
from tests.lab.furnished import POLICY, furnished
from tests.lab.host import LabHost
from tests.lab.lab import Lab
from tests.lab.system_calls import TRACED, writes

# Every mount of the host, /proc, /sys, /run and /tmp among them. Those that lie under another
# mount cannot be reached, for writing neither.
READ_ONLY = """
while read -r _ where _; do mount -o remount,bind,ro "$where" 2>/dev/null; done </proc/mounts
for place in / /etc /var /var/home/plant /usr /run /tmp /dev /dev/shm /root /home; do
  if touch "$place/planted" 2>/dev/null; then echo "$place can be written" >&2; exit 9; fi
done
if echo 77 2>/dev/null >/proc/sys/net/core/somaxconn; then exit 9; fi
exec "$@"
"""
# Of the host: the file is gone with it.
TRACE = "/run/trace"


@pytest.fixture(scope="module")
def host(lab: Lab) -> Iterator[LabHost]:
    """A host that has something of everything."""
    cloud, one = lab.host("cloud-of-reading"), lab.host("only-read")
    with furnished(one, cloud):
        yield one
    lab.remove(one)
    lab.remove(cloud)


def asked(host: LabHost, *through: str, more: tuple[Command, ...] = ()) -> Mapping[str, object]:
    """The exit status of each section of the script with all commands, run as clients run it."""
    boundary = new_boundary()
    policy = policy_from_plain(dict(POLICY))
    commands = commands_for(tuple(sorted(all_probes())), policy) + more
    script = compose(commands, boundary=boundary, window=0.2).decode()
    # As OpenSSH's client runs it; paramiko runs `/bin/sh -s` alone.
    words = (*through, "/bin/sh", "-c", SCRIPT, "ready")
    done = host.run(*words, text=f"/bin/sh -s\n{script}", timeout=120, check=False)
    assert done.stdout.startswith("ready\n"), done.stderr
    framed = cut_into_sections(done.stdout.encode(), done.stderr.encode(), boundary, None)
    assert framed.complete
    assert len(framed.sections) > len(commands), "sampled ones twice"
    assert b"shop" in framed.sections["nft"].stdout
    assert b"friends" in framed.sections["ipset"].stdout
    assert b"SHOP" in framed.sections["keepalived"].stdout
    return {name: (one.status, one.cut) for name, one in framed.sections.items()}


PLANTED = tuple(
    Command(f"planted-{number}", f"sh -c '{text}'")
    for number, text in enumerate(
        (
            "echo x > /run/planted",
            "touch /tmp/planted",
            "mkdir /var/planted",
            "echo 77 > /proc/sys/net/core/somaxconn",
            "rm /etc/hostname",
        )
    )
)
# No file: a read-only file system does not hinder them.
PLANTED_CALLS = tuple(
    Command(f"planted-{number}", text)
    for number, text in enumerate(
        (
            "ip address add 192.0.2.9/32 dev lo",
            "nft add table inet planted",
            "ipset add friends 203.0.113.0/24",
            "iptables -A INPUT -p tcp --dport 1 -j DROP",
            "sh -c 'kill -0 1'",
            "hostname planted",
            "python3 -c 'import socket; socket.socket().bind((\"\", 999))'",
            'python3 -c \'import socket; socket.socket(2, 2).sendto(b"x", ("127.0.0.1", 9))\'',
            "iptables-legacy -A INPUT -j ACCEPT",
        ),
        start=len(PLANTED),
    )
)


def test_it_answers_alike_where_nothing_can_be_written(host: LabHost) -> None:
    read_only = ("unshare", "-m", "--propagation", "private", "sh", "-c", READ_ONLY, "sh")
    statuses = asked(host)
    assert asked(host, *read_only) == statuses
    found = asked(host, *read_only, more=PLANTED)
    assert [found[one.name] for one in PLANTED if found[one.name] == (0, None)] == []


def traced(host: LabHost, *more: Command) -> list[str]:
    """What the script did that is no reading."""
    strace = ("strace", "-f", "-qq", "--seccomp-bpf", "-s", "80", "-e", f"trace={TRACED}")
    asked(host, *strace, "-e", "signal=none", "-o", TRACE, more=more)
    trace = host.run("cat", TRACE).stdout
    assert trace.count("RTM_GET") > 5, "strace tells what was asked"
    assert "NFT_MSG_GETRULE" in trace
    assert "IPSET_CMD_SAVE" in trace
    return list(writes(trace))


def test_it_makes_no_call_that_writes(host: LabHost) -> None:
    assert traced(host) == []


def test_each_call_that_writes_would_be_seen(host: LabHost) -> None:
    found = traced(host, *PLANTED, *PLANTED_CALLS)
    for word in (
        '"/run/planted", O_WRONLY|O_CREAT',
        '"/tmp/planted", O_WRONLY|O_CREAT',
        'mkdir("/var/planted"',
        '"/proc/sys/net/core/somaxconn", O_WRONLY',
        'unlinkat(AT_FDCWD, "/etc/hostname"',
        "RTM_NEWADDR",
        "NFT_MSG_NEWTABLE",
        "IPSET_CMD_ADD",
        "NFT_MSG_NEWRULE",
        "kill(1, 0)",
        'sethostname("planted"',
        "sin_port=htons(999)",
        "sin_port=htons(9)",
        "IPT_SO_SET_REPLACE",
    ):
        assert any(word in one for one in found), (word, found)

"""Services on real sockets: both families, NAT in the way, and an sshd on a port of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.lab.audit import AuditRun, audit
from tests.lab.inventory import Policy
from tests.lab.lab import Lab
from tests.lab.sessions import dial, serve

PORT = 8443
FORMER_PORT = 60000
LISTENING = "service-listening"
FORMER = "legacy-port-still-served"

MOVED: Policy = {"services": {"update": {"port": PORT, "legacy_ports": [FORMER_PORT]}}}
REDIRECT = (
    "nft add table inet moved;"
    "nft add chain inet moved in '{ type nat hook prerouting priority dstnat; }';"
    f"nft add rule inet moved in tcp dport {FORMER_PORT} redirect to :{PORT}"
)
CONTAINER = (
    "sysctl -qw net.ipv4.ip_forward=1;"
    f"iptables -t nat -A PREROUTING -p tcp --dport {PORT} -j DNAT --to-destination 198.18.0.77:80"
)


@pytest.fixture(scope="module")
def run(lab: Lab) -> Iterator[AuditRun]:
    names = ("dual-stack", "v6only", "ipv6-alone", "redirected", "container")
    hosts = {host.name: host for host in lab.hosts(*names)}
    hosts["unprivileged"] = lab.host("unprivileged-nat", login="audit")
    with ExitStack() as stack:
        for name in ("dual-stack", "redirected", "container", "unprivileged"):
            stack.enter_context(serve(hosts[name], PORT, address="::"))
        for name in ("v6only", "ipv6-alone"):
            stack.enter_context(serve(hosts[name], PORT, address="::", v6only=True))
        hosts["redirected"].shell(REDIRECT)
        hosts["unprivileged"].shell(CONTAINER)
        hosts["container"].shell(CONTAINER)
        alone: Policy = {"services": {"update": {"port": PORT, "allow_from": ["fd42::/16"]}}}
        yield audit(
            *(lab, list(hosts.values()), "--window=0", "-k", "service or legacy"),
            policy=MOVED,
            policy_by_host={"ipv6-alone": alone},
        )
    for host in hosts.values():
        lab.remove(host)


@pytest.mark.parametrize(
    ("host", "rule", "outcome", "says"),
    [
        ("dual-stack", LISTENING, "passed", "*:8443"),
        ("dual-stack", FORMER, "failed", "not listened on"),
        ("v6only", LISTENING, "failed", "clients of IPv4 are refused"),
        ("ipv6-alone", LISTENING, "passed", "[::]:8443"),
        ("redirected", FORMER, "passed", "redirected by"),
        ("container", LISTENING, "unknown", "DNAT"),
        ("container", FORMER, "failed", "not listened on"),
        # Without root NAT cannot be seen: the listener is judged, the redirect is not.
        ("unprivileged-nat", LISTENING, "passed", "not readable"),
        ("unprivileged-nat", FORMER, "unknown", ""),
    ],
)
def test_services_of_real_hosts(
    run: AuditRun, host: str, rule: str, outcome: str, says: str
) -> None:
    found = run.one(host, rule)
    assert found.outcome == outcome, found
    assert says in found.text, found


def test_clients_of_a_redirected_port_get_through(lab: Lab) -> None:
    # What the rule passes is what a client finds: the remedy works.
    host, client = lab.hosts("redirecting", "old-client")
    with serve(host, PORT, address="::"):
        host.shell(REDIRECT)
        for address in (host.address, host.address6):
            dial(client, address, FORMER_PORT).close()
    for one in (host, client):
        lab.remove(one)


def test_sshd_on_a_port_of_its_own_is_counted_without_root(lab: Lab) -> None:
    host = lab.host("elsewhere", login="audit", sshd_options=["Port 22", "Port 2222"])
    client = lab.host("job")
    inventory = lab.inventory(
        [host],
        policy={"limits": {"ssh_sessions_per_peer": 3}},
        variables={"ansible_port": 2222},
    )
    known = lab.directory / "known_2222"
    known.write_text("".join(f"[{host.address}]:2222 {key}\n" for key in host.public_keys))
    with ExitStack() as stack:
        for port in (22, 2222):
            stack.enter_context(dial(client, host.address, port, 2))
        found = audit(
            *(lab, [host], "--window=0", "-k", "ssh_sessions"),
            inventory=inventory,
            known_hosts=known,
        ).one(host, "ssh-sessions-per-peer-bounded")
    assert found.outcome == "failed", found
    assert f"4 from {client.address}" in found.message
    assert "to port 22 and 2222" in found.message
    for one in (host, client):
        lab.remove(one)

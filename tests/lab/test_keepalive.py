"""Real connections: kept alive from here, from there, from neither, and with a peer gone silent.

Each host serves the lab's client (or dials it), and all are audited together.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.lab.audit import AuditRun, audit
from tests.lab.host import LabHost
from tests.lab.inventory import Policy
from tests.lab.lab import Lab
from tests.lab.sessions import Sessions, crowd, dial, serve

PORT = 8443
PROBED = "service-connections-use-keepalive"
STALE = "service-sessions-not-stale"
SETTLED_SECONDS = 1.2
PATIENCE = 3

Start = Callable[[LabHost, LabHost, ExitStack], object]


def login(keepalive: str = "required", **policy: object) -> Policy:
    services = {"login": {"port": PORT, "keepalive": keepalive}}
    return {"path_idle_timeout": PATIENCE, "services": services, **policy}


def connect(
    host: LabHost, client: LabHost, stack: ExitStack, ours: str = "off", theirs: str = "off"
) -> Sessions:
    server = stack.enter_context(serve(host, PORT, ours))
    stack.enter_context(dial(client, host.address, PORT, 1, theirs))
    return server


def probed_from_here(host: LabHost, client: LabHost, stack: ExitStack) -> None:
    connect(host, client, stack, ours="1")


def probed_from_there(host: LabHost, client: LabHost, stack: ExitStack) -> None:
    connect(host, client, stack, theirs="1")


def through_an_ipv6_socket(host: LabHost, client: LabHost, stack: ExitStack) -> None:
    stack.enter_context(serve(host, PORT, "off", address="::"))
    stack.enter_context(dial(client, host.address, PORT))
    stack.enter_context(dial(client, host.address6, PORT))


def peer_gone_silent(host: LabHost, client: LabHost, stack: ExitStack) -> None:
    server = connect(host, client, stack)
    # A middlebox that forgot the connection lets nothing through either way.
    host.shell(
        "nft add table inet forgetful;"
        "nft add chain inet forgetful in '{ type filter hook input priority 0; }';"
        f"nft add rule inet forgetful in tcp dport {PORT} drop"
    )
    server.send()


def in_the_accept_queue(host: LabHost, client: LabHost, stack: ExitStack) -> None:
    stack.enter_context(host.listen(PORT))
    stack.enter_context(client.dial(host, PORT, 2))


def clients_of_its_own(host: LabHost, _client: LabHost, stack: ExitStack) -> None:
    stack.enter_context(serve(host, PORT))
    for address in ("127.0.0.1", host.address):
        stack.enter_context(dial(host, address, PORT))


STATES: dict[str, tuple[Policy, Start]] = {
    "probed-from-here": (login(), probed_from_here),
    "probed-from-there": (login(), probed_from_there),
    "probed-from-there-as-declared": (login("peer"), probed_from_there),
    "through-an-ipv6-socket": (login(), through_an_ipv6_socket),
    "peer-gone-silent": (login(), peer_gone_silent),
    "in-the-accept-queue": (login(), in_the_accept_queue),
    "clients-of-its-own": (login(), clients_of_its_own),
}


@pytest.fixture(scope="module")
def run(lab: Lab) -> Iterator[AuditRun]:
    client, *hosts = lab.hosts("keepalive-client", *STATES)
    with ExitStack() as stack:
        for host in hosts:
            STATES[host.name][1](host, client, stack)
        time.sleep(PATIENCE + SETTLED_SECONDS)
        policies = {name: policy for name, (policy, _) in STATES.items()}
        yield audit(lab, hosts, "--window=0", "-k", "keepalive or stale", policy_by_host=policies)
    for host in (client, *hosts):
        lab.remove(host)


@pytest.mark.parametrize(
    ("host", "rule", "outcome", "says"),
    [
        ("probed-from-here", PROBED, "passed", "in time for 1 of 1 connections"),
        ("probed-from-here", STALE, "passed", "none of 1"),
        # Its probes do not show on this side: it looks as idle as one that nobody probes.
        ("probed-from-there", PROBED, "failed", "without a timer"),
        ("probed-from-there", STALE, "failed", "silent for"),
        ("probed-from-there-as-declared", PROBED, "not-applicable", "keepalive: peer"),
        ("probed-from-there-as-declared", STALE, "not-applicable", "keepalive: peer"),
        ("through-an-ipv6-socket", PROBED, "failed", "2 without a timer"),
        ("in-the-accept-queue", PROBED, "not-applicable", "another host"),
        ("clients-of-its-own", PROBED, "not-applicable", "another host"),
    ],
)
def test_keepalive_of_real_connections(
    run: AuditRun, host: str, rule: str, outcome: str, says: str
) -> None:
    found = run.one(host, rule)
    assert found.outcome == outcome, found
    assert says in found.text


@pytest.mark.parametrize("rule", [PROBED, STALE])
def test_unacknowledged_data_is_on_its_way(run: AuditRun, rule: str) -> None:
    # Its retransmissions may have come within the last second: then there is nothing to judge.
    found = run.one("peer-gone-silent", rule)
    assert found.outcome in {"passed", "not-applicable"}, found


def test_ten_thousand_connections_are_judged(lab: Lab) -> None:
    busy = lab.host("busy")
    services = {f"s{n}": {"port": PORT + n, "keepalive": "required"} for n in range(2)}
    arguments = ("--window=0", "-k", "keepalive or stale or ssh-sessions")
    with ExitStack() as stack:
        for number in range(2):
            stack.enter_context(crowd(busy, PORT + number, 5000))
        run = audit(lab, [busy], *arguments, policy={"services": services})
    lab.remove(busy)
    for item in services:
        assert "5000" in run.one(busy, PROBED, item).text

"""Counters under load: the rates of the incidents, and a busy host that is healthy."""

from __future__ import annotations

import re
import time

from tests.lab.audit import audit
from tests.lab.cases.case import PORT, Scene
from tests.lab.host import LabHost
from tests.lab.lab import Lab
from tests.lab.traffic import CLIENTS, SHOP, SINK

FAILURES = "connection-failures-bounded"
RESETS = "resets-sent-bounded"
OVERFLOWS = "accept-queue-not-overflowing"
DEAD_PORT = 7211
SHOP_POLICY = {"services": {"shop": {"port": PORT, "backlog": 16384}}}


def test_two_failed_connections_a_second_as_in_s2(lab: Lab, host: LabHost) -> None:
    with host.dial(host, DEAD_PORT, 0, every=0.497):
        run = audit(lab, [host])
    found = run.one(host, FAILURES)
    assert found.outcome == "failed", found
    assert "over loopback" in found.message
    assert re.search(r"sampled for \d+\.\d s because it was \+[3-5] in", found.message), found


def test_half_a_failure_a_second_for_a_while_is_none(lab: Lab, host: LabHost) -> None:
    with host.dial(host, DEAD_PORT, 0, every=2):
        found = audit(lab, [host], "-k", FAILURES).one(host, FAILURES)
    assert found.outcome == "passed", found


def test_a_healthy_host_is_not_sampled_for_longer(lab: Lab, host: LabHost) -> None:
    run = audit(lab, [host])
    assert "sampled for" not in str(run.document), run


def test_what_is_dialled_in_vain_is_named(lab: Lab, host: LabHost) -> None:
    # Nobody has this address, however many hosts the lab has had: the connects wait for an ARP
    # answer, and fail after 3 s.
    absent = "198.18.255.99"
    script = f"""
import socket, sys, time, select
print("ready", flush=True)
held = []
while not select.select([sys.stdin], [], [], 0.05)[0]:
    one = socket.socket()
    one.setblocking(False)
    one.connect_ex(("{absent}", {DEAD_PORT}))
    held.append(one)
"""
    with host.program(script):
        time.sleep(3.5)
        found = audit(lab, [host], "-k", FAILURES).one(host, FAILURES)
    assert found.outcome == "failed", found
    # By failures that TCP counts, or on a busy machine by waiting sockets, whichever are more.
    assert f" {absent}:{DEAD_PORT} (" in found.message


def test_a_busy_healthy_host_is_no_false_alarm(lab: Lab, host: LabHost) -> None:
    client = lab.host("busy-client")
    with (
        host.program(SINK, PORT),
        client.program(CLIENTS, host.address, PORT, 8, 5, 0.1, DEAD_PORT),
        host.dial(host, DEAD_PORT, 0, every=0.15),
    ):
        run = audit(lab, [host])
    lab.remove(client)
    bad = [one for one in run.of(host) if one.outcome not in {"passed", "not-applicable"}]
    assert not bad, run
    opened = re.search(r"of the (\d+) connections opened", run.one(host, RESETS).text)
    assert opened is not None
    assert int(opened[1]) > 300, "that was no busy host"


def test_the_load_of_s3_overflows_the_queue_until_it_is_mended(lab: Lab, host: LabHost) -> None:
    client = lab.host("s3-client")
    scene = Scene(host, client)
    host.sysctl("net.core.somaxconn", 128)
    # 10 threads with 30 connections each at once: 300 arrive while the shop is busy elsewhere.
    load = (CLIENTS, host.address, PORT, 10, 30, 0.5, 0)
    with host.program(SHOP, PORT, 16384, 0.1), client.program(*load):
        before = audit(lab, [host], policy=SHOP_POLICY)
    scene.broken = before
    scene.follow_remedy("somaxconn-covers-backlog", "shop")
    with host.program(SHOP, PORT, 16384, 0.1), client.program(*load):
        after = audit(lab, [host], policy=SHOP_POLICY)
    lab.remove(client)
    assert before.one(host, OVERFLOWS).outcome == "failed", before.one(host, OVERFLOWS)
    assert "TcpExtListenOverflows" in before.one(host, OVERFLOWS).message
    assert after.one(host, OVERFLOWS).outcome == "passed", after.one(host, OVERFLOWS)

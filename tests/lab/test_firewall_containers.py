"""Ports of containers, by the rules that Docker 27 makes: published, or reached without NAT."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from nethygiene.engine.outcomes import Outcome
from tests.lab.firewall.stage import ALLOWS, BLOCKS, Stage, stage
from tests.lab.lab import Lab

PORT = 3306
BOX = "172.18.0.2"
BLOCKED: dict[str, Any] = {"blocked_ports": {PORT: {}}}
SERVICE: dict[str, Any] = {"services": {"shop": {"port": PORT}}}
SERVE = """
import socket
one = socket.socket()
one.bind(("0.0.0.0", 3306))
one.listen(9)
held = []
while True:
    held.append(one.accept()[0])
    held[-1].sendall(b"220 here")
"""
CONTAINER = f"""
ip link add docker0 type bridge
ip addr add 172.18.0.1/16 dev docker0
ip link set docker0 up
unshare --net sleep 600 </dev/null >/dev/null 2>&1 &
box=$!
until [ "$(readlink /proc/$box/ns/net)" != "$(readlink /proc/self/ns/net)" ]; do sleep 0.02; done
ip link add box0 type veth peer name eth0 netns $box
ip link set box0 master docker0 up
nsenter -t $box -n ip addr add {BOX}/16 dev eth0
nsenter -t $box -n ip link set eth0 up
nsenter -t $box -n ip route add default via 172.18.0.1
cat > /tmp/serve.py <<'END'
{SERVE}
END
nsenter -t $box -n python3 /tmp/serve.py </dev/null >/dev/null 2>&1 &
for n in $(seq 200); do nsenter -t $box -n ss -lnt | grep -q :{PORT} && break; sleep 0.05; done
echo 1 > /proc/sys/net/ipv4/ip_forward
"""
DOCKER = f"""
iptables -t nat -N DOCKER
iptables -t nat -A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
iptables -t nat -A DOCKER PUBLISHED ! -i docker0 -p tcp --dport {PORT} -j DNAT --to {BOX}:{PORT}
iptables -P FORWARD DROP
iptables -N DOCKER; iptables -N DOCKER-USER; iptables -A DOCKER-USER -j RETURN
iptables -A FORWARD -j DOCKER-USER
iptables -A FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
iptables -A FORWARD -o docker0 -j DOCKER
iptables -A FORWARD -i docker0 -j ACCEPT
iptables -A DOCKER -d {BOX} ! -i docker0 -o docker0 -p tcp --dport {PORT} -j ACCEPT
"""


@pytest.fixture
def scene(lab: Lab) -> Iterator[Stage]:
    with stage(lab) as built:
        built.target.shell(CONTAINER)
        built.client.shell(f"ip route add 172.18.0.0/16 via {built.target.address}")
        yield built


def publish(scene: Stage, at: str = "") -> None:
    scene.target.shell(DOCKER.replace("PUBLISHED", f"-d {at}" if at else ""))


def test_published_to_all(scene: Stage) -> None:
    publish(scene)
    assert scene.reaches(PORT)
    assert scene.verdict(ALLOWS, SERVICE).outcome is Outcome.PASSED
    assert scene.verdict("service-listening", SERVICE).outcome is Outcome.NOT_APPLICABLE
    verdict = scene.verdict(BLOCKS, BLOCKED)
    assert verdict.outcome is Outcome.FAILED
    scene.mend(verdict)
    assert scene.is_kept_out(PORT)
    assert scene.is_kept_out(PORT, BOX)
    assert scene.verdict(BLOCKS, BLOCKED).outcome is Outcome.PASSED


def test_a_forward_chain_that_drops(scene: Stage) -> None:
    publish(scene)
    scene.target.shell("iptables -F DOCKER")
    assert scene.is_kept_out(PORT)
    verdict = scene.verdict(ALLOWS, SERVICE)
    assert verdict.outcome is Outcome.FAILED
    scene.mend(verdict)
    assert scene.reaches(PORT)
    assert scene.verdict(ALLOWS, SERVICE).outcome is Outcome.PASSED


def test_published_on_loopback_alone(scene: Stage) -> None:
    publish(scene, "127.0.0.1")
    assert scene.is_kept_out(PORT)
    assert scene.reaches(PORT, BOX)
    verdict = scene.verdict(BLOCKS, BLOCKED)
    assert verdict.outcome is Outcome.FAILED
    assert BOX in verdict.message
    scene.mend(verdict)
    assert scene.is_kept_out(PORT, BOX)
    assert scene.verdict(BLOCKS, BLOCKED).outcome is Outcome.PASSED


def test_docker_28_keeps_neighbours_out(scene: Stage) -> None:
    publish(scene, "127.0.0.1")
    scene.target.shell(f"iptables -t raw -A PREROUTING -d {BOX} ! -i docker0 -j DROP")
    assert scene.is_kept_out(PORT, BOX)
    assert scene.verdict(BLOCKS, BLOCKED).outcome is Outcome.PASSED


def test_what_is_forwarded_without_nat_is_said(scene: Stage) -> None:
    assert scene.reaches(PORT, BOX)
    verdict = scene.verdict(BLOCKS, BLOCKED)
    said = [one.actual for one in verdict.observations if one.what == "not seen"]
    assert any("behind docker0 are forwarded" in one for one in said), verdict
    scene.target.shell("iptables -P FORWARD DROP")
    assert scene.is_kept_out(PORT, BOX)
    closed = scene.verdict(BLOCKS, BLOCKED)
    assert not [one for one in closed.observations if one.what == "not seen"]

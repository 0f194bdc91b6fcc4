"""S2, S3 and S4 in the counters: refused connections, resets, lost packets, half-open floods."""

from __future__ import annotations

from tests.lab.cases.case import PORT, LabCase, Scene
from tests.lab.traffic import HALF_OPEN, SENDER, SINK

DEAD_PORT = 7211
"""Where the service of S2 did not run."""

SINK_PORT = 9000
BACKLOG = 20


def dial_own_dead_port(scene: Scene) -> None:
    scene.call(scene.host, scene.host, DEAD_PORT, every=0.1)


def dial_a_dead_port_elsewhere(scene: Scene) -> None:
    scene.call(scene.host, scene.client, DEAD_PORT, every=0.1)


def peer_dials_a_dead_port(scene: Scene) -> None:
    scene.call(scene.client, scene.host, DEAD_PORT, every=0.1)


def stop_the_caller(scene: Scene) -> None:
    scene.hang_up()


def serve_few(scene: Scene) -> None:
    scene.restart(backlog=BACKLOG)


def flood(scene: Scene) -> None:
    """The client never hears the answers to its SYNs, and so the handshakes stay half-open."""
    _drop_at_client(scene, f"tcp sport {PORT}")
    flooder = scene.client.program(HALF_OPEN, scene.host.address, PORT, BACKLOG - 1)
    scene.hold("flood", flooder)


def stop_the_flood(scene: Scene) -> None:
    scene.end("flood")
    _let_through(scene)
    scene.restart()


def send(scene: Scene) -> None:
    scene.keep(scene.client.program(SINK, SINK_PORT))
    scene.keep(scene.host.program(SENDER, scene.client.address, SINK_PORT))


def lose_packets(scene: Scene) -> None:
    _drop_at_client(scene, f"tcp dport {SINK_PORT} numgen random mod 100 < 15")


def _drop_at_client(scene: Scene, matches: str) -> None:
    rules = f"""table ip {scene.host.spec.name.replace("-", "_")} {{
        chain input {{
            type filter hook input priority 0;
            ip saddr {scene.host.address} {matches} drop
        }}
    }}"""
    scene.client.run("nft", "-f", "-", text=rules)


def _let_through(scene: Scene) -> None:
    scene.client.run("nft", "delete", "table", "ip", scene.host.spec.name.replace("-", "_"))


CASES = [
    LabCase(
        name="dead-port-on-loopback",
        rule="connection-failures-bounded",
        breaks=dial_own_dead_port,
        mends=stop_the_caller,
        # Who is refused by this host is sent a reset by it.
        also=frozenset({"resets-sent-bounded"}),
        says="dials a closed port of its own, over loopback",
    ),
    LabCase(
        name="dead-port-elsewhere",
        rule="connection-failures-bounded",
        breaks=dial_a_dead_port_elsewhere,
        mends=stop_the_caller,
        says="dialled by this host outward",
    ),
    LabCase(
        name="peer-at-a-closed-port",
        rule="resets-sent-bounded",
        breaks=peer_dials_a_dead_port,
        mends=stop_the_caller,
        says="peers dial a closed port of this host",
    ),
    LabCase(
        name="half-open-flood",
        rule="half-open-connections-bounded",
        prepares=serve_few,
        breaks=flood,
        mends=stop_the_flood,
        says=f"half-open connections of 0.0.0.0:{PORT} is {BACKLOG - 1}",
    ),
    LabCase(
        name="lossy-path",
        rule="retransmissions-bounded",
        prepares=send,
        breaks=lose_packets,
        mends=_let_through,
        says="expected at most 5 % of",
    ),
]

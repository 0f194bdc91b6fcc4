"""S1.3: a service that is not where its clients expect it, and one that moved untold."""

from __future__ import annotations

from typing import Any

from tests.lab.cases.case import LabCase, Scene
from tests.lab.sessions import serve

PORT = 8443
FORMER_PORT = 60000
# One that does not listen has no process to count the descriptors of, and no port to let through.
ALSO = frozenset({"service-descriptors-available", "firewall-allows-service"})


def policy(**service: list[int]) -> dict[str, Any]:
    return {"services": {"update": {"port": PORT, **service}}}


def stop(scene: Scene) -> None:
    scene.end("service")


def restart(scene: Scene, address: str = "0.0.0.0", *, v6only: bool = False) -> None:
    stop(scene)
    scene.hold("service", serve(scene.host, PORT, address=address, v6only=v6only))


def restart_on_loopback(scene: Scene) -> None:
    restart(scene, "127.0.0.1")


def restart_for_both(scene: Scene) -> None:
    restart(scene, "::")


def restart_for_ipv6_alone(scene: Scene) -> None:
    restart(scene, "::", v6only=True)


def move_away(scene: Scene) -> None:
    stop(scene)
    scene.hold("elsewhere", serve(scene.host, FORMER_PORT))


def move_back(scene: Scene) -> None:
    scene.end("elsewhere")
    restart(scene)


def serve_both(scene: Scene) -> None:
    restart(scene)
    scene.hold("elsewhere", serve(scene.host, FORMER_PORT))


def leave_the_former_port(scene: Scene) -> None:
    scene.end("elsewhere")


CASES = [
    LabCase(
        name="service-down",
        rule="service-listening",
        item="update",
        policy=policy(),
        prepares=restart,
        breaks=stop,
        mends=restart,
        also=ALSO,
        says="not listened on",
    ),
    LabCase(
        name="service-on-loopback",
        rule="service-listening",
        item="update",
        policy=policy(),
        prepares=restart,
        breaks=restart_on_loopback,
        mends=restart,
        also=ALSO,
        says="loopback only",
    ),
    LabCase(
        name="service-v6only",
        rule="service-listening",
        item="update",
        policy=policy(),
        prepares=restart_for_both,
        breaks=restart_for_ipv6_alone,
        mends=restart_for_both,
        also=ALSO,
        says="without IPv4",
    ),
    LabCase(
        name="service-moved",
        rule="service-listening",
        item="update",
        policy=policy(),
        prepares=restart,
        breaks=move_away,
        mends=move_back,
        also=ALSO,
        says=str(FORMER_PORT),
    ),
    LabCase(
        name="service-moved-untold",
        rule="legacy-port-still-served",
        item=f"update:{FORMER_PORT}",
        policy=policy(legacy_ports=[FORMER_PORT]),
        prepares=serve_both,
        breaks=leave_the_former_port,
        also=ALSO,
        says="not listened on",
    ),
]

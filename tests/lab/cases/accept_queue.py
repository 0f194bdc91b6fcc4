"""S3: the shop behind a queue of 128."""

from __future__ import annotations

from tests.lab.cases.case import SHOP, LabCase, Scene, sysctl

SOMAXCONN = "net.core.somaxconn"


def serve(scene: Scene) -> None:
    scene.restart()


def restart_then_raise(scene: Scene) -> None:
    scene.host.sysctl(SOMAXCONN, 128)
    scene.restart()
    scene.host.sysctl(SOMAXCONN, 4096)


def clamp(scene: Scene) -> None:
    scene.host.sysctl(SOMAXCONN, 128)
    scene.restart()


def raise_and_restart(scene: Scene) -> None:
    """The commands that are printed; and the restart, for the service is no unit of systemd."""
    scene.follow_remedy("listener-backlog-in-effect", "shop")
    scene.restart()


def ask_for_less(scene: Scene) -> None:
    scene.restart(backlog=100)


def serve_quickly(scene: Scene) -> None:
    scene.restart(backlog=4)


def overflow(scene: Scene) -> None:
    scene.restart(backlog=4, accept=False)
    scene.dial(6, every=0.1)


def fill(scene: Scene) -> None:
    # The queue holds one more than its limit: nobody is turned away yet.
    scene.restart(backlog=4, accept=False)
    scene.dial(5)


def accept(scene: Scene) -> None:
    scene.hang_up()
    scene.listener.accept_from_now_on()


CASES = [
    LabCase(
        name="somaxconn-128",
        rule="somaxconn-covers-backlog",
        item="shop",
        policy=SHOP,
        prepares=serve,
        breaks=sysctl(net__core__somaxconn=128),
        says="128",
    ),
    LabCase(
        name="somaxconn-below-policy",
        rule="somaxconn-meets-policy",
        policy={"min_somaxconn": 4096},
        breaks=sysctl(net__core__somaxconn=128),
        says="4096",
    ),
    LabCase(
        name="stale-listener",
        rule="listener-backlog-in-effect",
        item="shop",
        policy=SHOP,
        prepares=serve,
        breaks=restart_then_raise,
        mends=serve,
        says="older than the setting",
    ),
    LabCase(
        name="clamped-listener",
        rule="listener-backlog-in-effect",
        item="shop",
        policy=SHOP,
        prepares=serve,
        breaks=clamp,
        mends=raise_and_restart,
        also=frozenset({"somaxconn-covers-backlog"}),
        says="clamped by net.core.somaxconn",
    ),
    LabCase(
        name="modest-listener",
        rule="listener-backlog-in-effect",
        item="shop",
        policy=SHOP,
        prepares=serve,
        breaks=ask_for_less,
        mends=serve,
        says="asks for less",
    ),
    LabCase(
        name="overflowing-queue",
        rule="accept-queue-not-overflowing",
        prepares=serve_quickly,
        breaks=overflow,
        mends=accept,
        says="TcpExtListenOverflows",
    ),
    LabCase(
        name="full-queue",
        rule="accept-queue-not-overflowing",
        prepares=serve_quickly,
        breaks=fill,
        mends=accept,
        says="accept queue of",
    ),
]

"""S1.6: a router that forgets before the host probes, and sessions that nobody probes at all."""

from __future__ import annotations

import time
from typing import Any

from tests.lab.cases.case import LabCase, Scene, sysctl
from tests.lab.sessions import dial, serve

PORT = 8443
SETTLED_SECONDS = 1.1
IDLE_TIMEOUT = 350
UPSTREAM_ADDRESS = "198.18.0.99"
DATABASE = {"address": UPSTREAM_ADDRESS, "port": PORT, "keepalive": "required"}

SOONER = sysctl(net__ipv4__tcp_keepalive_time=200)
DEFAULTS = sysctl(
    net__ipv4__tcp_keepalive_time=7200,
    net__ipv4__tcp_keepalive_intvl=75,
    net__ipv4__tcp_keepalive_probes=9,
)

PROBED = "service-connections-use-keepalive"
STALE = "service-sessions-not-stale"
UPSTREAM = "upstream-connections-use-keepalive"


def policy(idle_timeout: int = IDLE_TIMEOUT) -> dict[str, Any]:
    services = {"login": {"port": PORT, "keepalive": "required"}}
    return {"path_idle_timeout": idle_timeout, "services": services}


def restart(scene: Scene, keepalive: str) -> None:
    scene.end("client")
    scene.end("service")
    scene.hold("service", serve(scene.host, PORT, keepalive))
    scene.hold("client", dial(scene.client, scene.host.address, PORT, 3))


def restart_with(scene: Scene) -> None:
    SOONER(scene)
    restart(scene, "on")


def restart_without(scene: Scene) -> None:
    restart(scene, "off")


def arm_timers_before_the_sysctl(scene: Scene) -> None:
    scene.host.sysctl("net.ipv4.tcp_keepalive_time", 7200)
    restart(scene, "on")
    # Accepted later, they would get timers of the new setting.
    scene.host.shell(
        "for try in $(seq 500); do"
        f' [ "$(ss -Htno sport = :{PORT} | grep -c keepalive)" -ge 3 ] && exit 0;'
        " sleep 0.02; done; exit 1"
    )
    SOONER(scene)


def probe_each_second(scene: Scene) -> None:
    scene.host.sysctl("net.ipv4.tcp_keepalive_time", 1)
    # After a probe the timer runs for the interval, even where that is the longer.
    scene.host.sysctl("net.ipv4.tcp_keepalive_intvl", 1)
    restart(scene, "on")


def forget(scene: Scene) -> None:
    restart(scene, "off")
    # Longer than the path remembers in this case.
    time.sleep(2 * SETTLED_SECONDS)


def offer_upstream(scene: Scene, keepalive: str) -> None:
    SOONER(scene)
    scene.end("pool")
    scene.end("upstream")
    scene.client.shell(f"ip addr replace {UPSTREAM_ADDRESS}/16 dev eth0")
    scene.hold("upstream", serve(scene.client, PORT))
    scene.hold("pool", dial(scene.host, UPSTREAM_ADDRESS, PORT, 3, keepalive))


def pool_with(scene: Scene) -> None:
    offer_upstream(scene, "on")
    # The last of these acts: by now the connections of all have been silent for a second.
    time.sleep(SETTLED_SECONDS)


def pool_without(scene: Scene) -> None:
    offer_upstream(scene, "off")
    time.sleep(SETTLED_SECONDS)


CASES = [
    LabCase(
        name="keepalive-too-late",
        rule="keepalive-precedes-idle-timeout",
        policy={"path_idle_timeout": IDLE_TIMEOUT},
        prepares=SOONER,
        breaks=DEFAULTS,
        says=f"less than {IDLE_TIMEOUT}",
    ),
    LabCase(
        name="dead-peer-unnoticed",
        rule="keepalive-detects-dead-peer-in-time",
        policy={"dead_peer_within": 120},
        prepares=sysctl(
            net__ipv4__tcp_keepalive_time=60,
            net__ipv4__tcp_keepalive_intvl=10,
            net__ipv4__tcp_keepalive_probes=6,
        ),
        breaks=DEFAULTS,
        says="7875",
    ),
    LabCase(
        name="without-so-keepalive",
        rule=PROBED,
        item="login",
        policy=policy(),
        prepares=restart_with,
        breaks=restart_without,
        mends=restart_with,
        says="3 without a timer",
    ),
    LabCase(
        name="timers-armed-before-the-sysctl",
        rule=PROBED,
        item="login",
        policy=policy(),
        prepares=restart_with,
        breaks=arm_timers_before_the_sysctl,
        mends=restart_with,
        says="timers that run already keep their time",
    ),
    LabCase(
        name="already-logged-in",
        rule=STALE,
        item="login",
        policy=policy(idle_timeout=2),
        prepares=probe_each_second,
        breaks=forget,
        mends=probe_each_second,
        also=frozenset({PROBED}),
        says="silent for more than 2 s",
    ),
    LabCase(
        name="pool-without-keepalive",
        rule=UPSTREAM,
        item="database",
        policy={"path_idle_timeout": IDLE_TIMEOUT, "upstreams": {"database": DATABASE}},
        prepares=pool_with,
        breaks=pool_without,
        mends=pool_with,
        says="3 without a timer",
    ),
]

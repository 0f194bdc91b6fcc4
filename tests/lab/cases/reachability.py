"""S0 and all others: a host that cannot be judged, or whose word cannot be trusted."""

from __future__ import annotations

from tests.lab.cases.case import LabCase, Scene

# On a host that is not reached every other rule is unknown.
ALL_OTHERS = frozenset(
    {
        "accept-queue-not-overflowing",
        "icmp-redirects-match-policy",
        "icmp-redirects-not-ignored",
        "listener-backlog-in-effect",
        "somaxconn-covers-backlog",
        "somaxconn-meets-policy",
        "tcp-abort-on-overflow-disabled",
        "tcp-max-syn-backlog-covers-backlog",
        "tcp-syncookies-enabled",
        "tcp-timestamps-enabled",
        "tcp-tw-recycle-disabled",
        "tcp-tw-reuse-matches-policy",
    }
)


def stop_sshd(scene: Scene) -> None:
    scene.host.sshd.stop()


def start_sshd(scene: Scene) -> None:
    scene.host.sshd.start()


def forget_key(scene: Scene) -> None:
    scene.host.lab.forget(scene.host)


def change_key(scene: Scene) -> None:
    scene.host.sshd.renew_host_keys()


def learn_key(scene: Scene) -> None:
    scene.host.lab.forget(scene.host)
    scene.host.lab.learn(scene.host)


CASES = [
    LabCase(
        name="sshd-down",
        rule="host-reachable",
        breaks=stop_sshd,
        mends=start_sshd,
        also=ALL_OTHERS,
        says="refused",
    ),
    LabCase(
        name="unknown-host-key",
        rule="host-reachable",
        breaks=forget_key,
        mends=learn_key,
        also=ALL_OTHERS,
        says="known_hosts",
    ),
    LabCase(
        name="changed-host-key",
        rule="host-reachable",
        breaks=change_key,
        mends=learn_key,
        also=ALL_OTHERS,
        says="if the host was given a new key",
    ),
]

"""S0: a peer whose connections to sshd grow."""

from __future__ import annotations

from tests.lab.cases.case import LabCase, Scene

LIMIT = 3
SSH_PORT = 22


def pile_up(scene: Scene) -> None:
    # Fewer than ten: beyond, sshd's MaxStartups begins to turn logins away.
    dialler = scene.client.dial(scene.host, SSH_PORT, LIMIT + 3)
    scene.hold("cron job", dialler)
    scene.host.shell(
        "for try in $(seq 200); do"
        f' [ "$(ss -Htn state established sport = :22 | wc -l)" -ge {LIMIT + 3} ] && exit 0;'
        " sleep 0.02; done; exit 1"
    )


CASES = [
    LabCase(
        name="multiplying-tunnel",
        rule="ssh-sessions-per-peer-bounded",
        policy={"limits": {"ssh_sessions_per_peer": LIMIT}},
        breaks=pile_up,
        says=f"{LIMIT + 3} from ",
    ),
]

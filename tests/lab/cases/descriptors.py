"""S3's other cause: listeners, and hosts, that run out of file descriptors."""

from __future__ import annotations

from tests.lab.cases.case import SHOP, LabCase, Scene

LIMIT = 20
"""Of which the idle service uses five: its streams, its socket, and its epoll."""

PERSISTED = "fs.file-max = 1000000\n"


def serve(scene: Scene) -> None:
    scene.restart(accept=True)


def run_out(scene: Scene) -> None:
    _limit(scene, LIMIT)
    scene.dial(LIMIT - 6)


def _limit(scene: Scene, limit: int) -> None:
    scene.host.shell(
        "pid=$(ss -Hlntp 'sport = :80' | sed 's/.*pid=\\([0-9]*\\).*/\\1/')"
        ' && prlimit --pid "$pid" --nofile="$1:"',
        str(limit),
    )


def fake_file_table(scene: Scene) -> None:
    """Descriptors are counted for the whole machine, which shall not run out: plain files."""
    scene.host.write_file("/run/file-nr", "1000\t0\t1000000\n")
    scene.host.write_file("/run/file-max", "1000000\n")
    scene.host.write_file("/etc/sysctl.d/50-files.conf", PERSISTED)
    for name in ("file-nr", "file-max"):
        scene.host.run("mount", "--bind", f"/run/{name}", f"/proc/sys/fs/{name}")


def use_up(scene: Scene) -> None:
    scene.host.sysctl("fs.file-nr", "999000\t0\t1000000")


def free(scene: Scene) -> None:
    scene.host.sysctl("fs.file-nr", "1000\t0\t1000000")


def lower_file_max(scene: Scene) -> None:
    scene.host.sysctl("fs.file-max", 100000)


CASES = [
    LabCase(
        name="service-out-of-descriptors",
        rule="service-descriptors-available",
        item="shop",
        policy=SHOP,
        prepares=serve,
        breaks=run_out,
        says=f"90 % of its soft limit, {LIMIT}",
    ),
    LabCase(
        name="host-out-of-descriptors",
        rule="file-descriptors-available",
        prepares=fake_file_table,
        breaks=use_up,
        mends=free,
        says="open files (fs.file-nr) is 999000, expected at most 900000",
    ),
    LabCase(
        name="file-max-below-policy",
        rule="file-descriptors-available",
        policy={"min_file_max": 1000000},
        prepares=fake_file_table,
        breaks=lower_file_max,
        says="fs.file-max is 100000, expected at least 1000000",
        # It is what the next boot sets that is judged there.
        also=frozenset({"settings-persist"}),
    ),
]

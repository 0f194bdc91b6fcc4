"""Faults after the login: what the host's shell prints, and connections that are cut."""

from __future__ import annotations

from collections.abc import Callable

from tests.lab.connections.faults.fault import Fault, Rest, Said
from tests.lab.connections.faults.login import no_shell
from tests.lab.connections.faults.network import both
from tests.lab.connections.faults.stage import Stage
from tests.lab.inventory import Variables

TAKE = "dd bs=1 status=none count="
"""Passes so many bytes on, each as it comes."""

ASKED = 'sh -c "$SSH_ORIGINAL_COMMAND"'
COMPLETE = Said("complete")


def shell(command: str) -> Callable[[Stage], Variables]:
    return lambda stage: stage.shell(command)


def wire_cut(after: int) -> Callable[[Stage], Variables]:
    return lambda stage: stage.cut_after(after)


def output_cut(after: int) -> Callable[[Stage], Variables]:
    """The session's sshd is killed once the host wrote so much of its answer."""
    return shell(f"{ASKED} | {{ {TAKE}{after}; sleep 0.2; kill -9 $PPID; }}")


def sshd_killed(stage: Stage) -> Variables:
    command = f"{ASKED} | {{ {TAKE}3000; sleep 0.2; kill -9 $(cat /run/sshd.pid) $PPID; }}"
    return stage.shell(command)


def wall_clock(stage: Stage) -> Variables:
    """Each time that somebody asks this host for the time, another day went by."""
    host = stage.host()
    clock = (
        "#!/bin/sh\nn=$(cat /run/days 2>/dev/null || echo 0)\necho $((n + 1)) > /run/days\n"
        'exec /run/date -d "now + $n days" "$@"\n'
    )
    host.shell("cp -p /usr/bin/date /run/date; rm /usr/bin/date")
    host.write_file("/usr/bin/date", clock, 0o755)
    first, then = (int(host.run("date", "+%s").stdout) for _ in range(2))
    assert then - first > 80_000
    return stage.at(host)


LOGS = "see the host's sshd log"
PRINTS = "look at what its login shell and commands print"
HUNG = "look for a hung command on the host, or raise --command-timeout"
OUTPUT = "more than 64 MiB of standard output"
ERROR = "more than 4 MiB of standard error"

HANDSHAKE_CUTS = tuple(
    Fault(f"wire-cut-after-{size}", wire_cut(size), *both("closed", when, LOGS))
    for size, when in (
        (0, "closed the connection before it said that it speaks SSH"),
        (20, "closed the connection before it said that it speaks SSH"),
        (60, "closed the connection during the key exchange"),
        (1300, "closed the connection during the key exchange"),
    )
)

# Which stage these meet, up to the first of the output, depends on this machine's algorithms.
LATER_CUTS = tuple(
    Fault(
        f"wire-cut-after-{size}",
        wire_cut(size),
        *both("closed", "connection", LOGS),
        rest=Rest.SEEN,
    )
    for size in (1700, 2000, 2400, 2900)
)

NONCE = 44
"""What connection ssh has a shell say first: that it is there."""

OUTPUT_CUTS = tuple(
    Fault(
        f"output-cut-after-{size}",
        output_cut(size),
        Said("closed", "the connection ended", LOGS),
        Said("closed", "the connection ended" if size > NONCE else "right after the login", LOGS),
        rest=Rest.SEEN,
    )
    for size in (1, 40, 70, 150, 1000, 5000, 20000)
)

FAULTS = (
    *HANDSHAKE_CUTS,
    *LATER_CUTS,
    *OUTPUT_CUTS,
    Fault(
        "sshd-killed",
        sshd_killed,
        *both("closed", "the connection ended after", LOGS),
        rest=Rest.SEEN,
    ),
    Fault(
        "end-mark-missing",
        shell(f"{ASKED} | sed -u '/^nethygiene-[0-9a-f]* done$/d'"),
        *both("closed", "the connection ended after", LOGS),
        rest=Rest.SEEN,
    ),
    Fault(
        "greeting",
        shell(f"echo 'Welcome. All is watched.'; echo 'No fun here.' >&2; {ASKED}"),
        COMPLETE,
        COMPLETE,
        rest=Rest.JUDGED,
    ),
    Fault(
        "greeting-then-failure",
        shell("echo 'Welcome, but closed for maintenance'; exit 3"),
        *no_shell("closed for maintenance"),
    ),
    Fault(
        "greeting-without-end",
        shell("yes 'Welcome, and welcome again'"),
        *both("too-much-output", OUTPUT, PRINTS, "it began with 'Welcome, and welcome again'"),
    ),
    Fault(
        "one-byte-a-second",
        lambda stage: {
            **stage.shell("while :; do printf x; sleep 1; done"),
            "ansible_ssh_common_args": "-o ConnectTimeout=12",
        },
        Said("command-timeout", "did not end within", HUNG),
        Said("timeout", "logged in, but gave no shell within 12 s", "what its login shell does"),
    ),
    Fault(
        "output-without-end",
        shell(f"{ASKED}; yes"),
        COMPLETE,
        COMPLETE,
        rest=Rest.JUDGED,
    ),
    Fault(
        "silence-without-end",
        shell(f"{ASKED}; sleep 60"),
        COMPLETE,
        COMPLETE,
        rest=Rest.JUDGED,
    ),
    Fault(
        "flood-of-stdout",
        shell("head -c 1000000000 /dev/zero"),
        *both("too-much-output", OUTPUT, PRINTS, "printed more than 256 KiB"),
    ),
    Fault(
        "flood-of-stderr",
        shell("head -c 1000000000 /dev/zero >&2"),
        *both("too-much-output", ERROR, PRINTS, "printed more than 256 KiB"),
    ),
    Fault(
        "flood-after-the-start",
        shell(f"{{ {ASKED}; }} | {{ {TAKE}3000; exec head -c 1000000000 /dev/zero; }}"),
        *both("too-much-output", OUTPUT, PRINTS),
        rest=Rest.SEEN,
    ),
    Fault("wall-clock-jumps", wall_clock, COMPLETE, COMPLETE, rest=Rest.JUDGED),
)

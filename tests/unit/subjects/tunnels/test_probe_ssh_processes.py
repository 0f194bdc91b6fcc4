"""The arguments of ssh: what rules ask for is told as it is, and no password leaves the host."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

import pytest

from nethygiene.inventory.policy import policy_from_plain
from nethygiene.subjects.tunnels.invocation import parse_invocation
from nethygiene.subjects.tunnels.ssh_processes import NAME, PROBE, SshProcesses, parse
from nethygiene.transcript import Section
from tests.unit.collect.shells import PATH, SHELLS

CANARY = "c4n4ry-Hunter2"
TUNNEL = {"user": "root", "destination": "cloud.example"}
# Read alike before and after: what the rules see is the same.
PLAIN = [
    ["ssh", "-N", "-f", "-L", "127.0.0.1:19922:localhost:22", "-p", "22", "me@cloud.example"],
    ["ssh", "-NL19922:localhost:22", "cloud.example", "-v"],
    [
        "ssh",
        "-oBatchMode=yes",
        "-o",
        "ServerAliveInterval 15",
        "-o",
        " Port = 22 ",
        "-l",
        "me",
        "h",
    ],
    ["ssh", "-i", "/root/.ssh/id", "-S", "none", "-F", "/etc/ssh/other", "-J", "a,b", "h"],
    ["ssh", "-W", "far:22", "--", "jump"],
    ["tunnel", "-N", "-R", "8080:localhost:80", "ssh://me@cloud.example:2222/"],
    ["ssh", "-gM", "-D", "1080", "fe80::1%eth0"],
    ["ssh: /root/.ssh/socket [mux]"],
    ["ssh", "-o", "PermitLocalCommand=yes", r"back\nslash"],
    ["ssh"],
]
# What is hidden: the arguments, and the ones that are told in their place.
SECRET = {
    ("ssh", "h", "mysql", f"-p{CANARY}", f"--password={CANARY}"): ("ssh", "h"),
    ("ssh", "-v", "h", f"TOKEN={CANARY}", "run"): ("ssh", "-v", "h"),
    ("ssh", "--", "h", "curl", f"Authorization: Bearer {CANARY}"): ("ssh", "--", "h"),
    ("ssh", f"-oProxyCommand=sshpass -p {CANARY} nc", "h"): ("ssh", "-oProxyCommand=*", "h"),
    ("ssh", "-o", f" proxycommand {CANARY}", "h"): ("ssh", "-o", "proxycommand=*", "h"),
    ("ssh", "-o", f"SetEnv=TOKEN={CANARY}", "h"): ("ssh", "-o", "SetEnv=*", "h"),
    ("ssh", "-o", f"RemoteCommand={CANARY}\\n=x", "h"): ("ssh", "-o", "RemoteCommand=*", "h"),
    ("ssh", f"me:{CANARY}@h"): ("ssh", "me@h"),
    ("ssh", f"ssh://me:{CANARY}@h:22"): ("ssh", "ssh://me@h:22"),
    ("ssh", "-p", CANARY, "h"): ("ssh", "-p", "*", "h"),
    ("ssh", f"-p{CANARY}", "h"): ("ssh", "-p*", "h"),
    ("ssh", f"--password={CANARY}", "h"): ("ssh", "-?", "h"),
    ("ssh", "-I", CANARY, "h"): ("ssh", "-I", "*", "h"),
    ("/bin/sh", "/usr/local/bin/ssh", CANARY): ("/bin/sh",),
    ("python3.11", "/usr/local/bin/ssh", CANARY): ("python3.11",),
}


def ask(folder: Path, shell: tuple[str, ...], processes: list[list[str]]) -> Section:
    """What the probe's own command prints where /proc holds these processes."""
    for pid, argv in enumerate(processes, 1000):
        place = folder / str(pid)
        place.mkdir()
        (place / "comm").write_text("ssh\n")
        (place / "status").write_text("State:\tS (sleeping)\nPPid:\t1\nUid:\t0\t0\t0\t0\n")
        (place / "cmdline").write_bytes(b"".join(word.encode() + b"\0" for word in argv))
    (command,) = PROBE.commands_for(policy_from_plain({"tunnels": {"t": TUNNEL}}))
    script = shlex.split(command.shell)[2]
    script = script.replace("/proc/[0-9]", f"{folder}/[0-9]").replace("#/proc/", f"#{folder}/")
    words = [*shell[:-1], "-c", script, "sh", "root"]
    done = subprocess.run(words, capture_output=True, env={"PATH": PATH, "LC_ALL": "C"}, check=True)
    return Section(done.stdout, done.stderr)


def read(section: Section) -> list[tuple[str, ...]]:
    fact = parse({NAME: section})
    assert isinstance(fact, SshProcesses), fact
    return [one.argv for one in fact._processes]


@pytest.mark.parametrize("shell", SHELLS.values(), ids=SHELLS)
def test_arguments_that_rules_ask_for_read_as_they_are(
    tmp_path: Path, shell: tuple[str, ...]
) -> None:
    told = read(ask(tmp_path, shell, PLAIN))
    assert [parse_invocation(one) for one in told] == [parse_invocation(one) for one in PLAIN]


@pytest.mark.parametrize("shell", SHELLS.values(), ids=SHELLS)
def test_what_may_be_a_password_stays_on_the_host(tmp_path: Path, shell: tuple[str, ...]) -> None:
    section = ask(tmp_path, shell, [list(argv) for argv in SECRET])
    assert CANARY.encode() not in section.stdout + section.stderr
    assert read(section) == list(SECRET.values())


def test_hiding_changes_nothing_else() -> None:
    for argv, told in SECRET.items():
        if argv[0] != "ssh":
            continue
        whole, seen = parse_invocation(argv), parse_invocation(told)
        assert [key for key, _ in whole.options] == [key for key, _ in seen.options]
        assert (whole.local, whole.remote) == (seen.local, seen.remote)
        assert bool(whole.unreadable) == bool(seen.unreadable)
        assert whole.destination is not None
        assert seen.destination is not None
        assert whole.destination.host == seen.destination.host

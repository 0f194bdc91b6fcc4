"""Faults of the login: who we are, and what this login may do."""

from __future__ import annotations

import socket

from tests.lab.connections.faults.fault import Fault, Said
from tests.lab.connections.faults.network import BUSY, both
from tests.lab.connections.faults.stage import Stage
from tests.lab.inventory import Variables

PASSPHRASE = "correct-horse-battery-staple"
PROXY_SECRET = "hunter2-of-the-proxy"
"""What no message may repeat."""


def refused(stage: Stage) -> Variables:
    return stage.at(stage.host("AuthorizedKeysFile /etc/ssh/of_nobody"))


def wrong_user(stage: Stage) -> Variables:
    return stage.at(stage.host(), ansible_user="nobody-here")


def passphrase(stage: Stage) -> Variables:
    host = stage.host()
    locked = stage.keys("locked", passphrase=PASSPHRASE)
    host.write_file("/etc/ssh/lab_authorized_keys", f"{stage.keys.public(locked)}\n")
    return stage.at(host, ansible_ssh_private_key_file=str(locked))


def password_wanted(stage: Stage) -> Variables:
    return stage.at(stage.host("PasswordAuthentication yes", "PubkeyAuthentication no"))


def nologin(stage: Stage) -> Variables:
    host = stage.host(login="audit")
    host.run("sed", "-i", "s,^\\(audit:.*\\):/bin/sh,\\1:/usr/sbin/nologin,", "/etc/passwd")
    return stage.at(host)


def forced(stage: Stage) -> Variables:
    return stage.shell("echo 'backups only' >&2; exit 1")


def max_sessions(stage: Stage) -> Variables:
    return stage.at(stage.host("MaxSessions 0"))


def max_startups(stage: Stage) -> Variables:
    host = stage.host("MaxStartups 1", "LoginGraceTime 0")
    with stage.lab.inside():
        # Holds the one place of those who have not logged in yet.
        stage.stack.enter_context(socket.create_connection((host.address, 22)))
    return stage.at(host)


def proxy_that_fails(stage: Stage) -> Variables:
    command = f'sh -c "echo no way through >&2; exit 1" {PROXY_SECRET}'
    return stage.at(stage.host(), ansible_ssh_common_args=f"-o 'ProxyCommand={command}'")


AUTHORIZED = "is in the user's authorized_keys and that ansible_user is right"
RUN_SH = "give the audit user a login that may run /bin/sh"
SHELL = "see the user's login shell, and ForceCommand"


def no_shell(cause: str) -> tuple[Said, Said]:
    """paramiko sees it when the script is sent, ssh before."""
    return Said("exec-denied", cause, RUN_SH), Said("exec-denied", cause, SHELL)


FAULTS = (
    Fault(
        "authentication-refused",
        refused,
        *both(
            "authentication", "refused; keys tried:", AUTHORIZED, "Permission denied (publickey)"
        ),
        hops=True,
    ),
    Fault(
        "wrong-user",
        wrong_user,
        *both("authentication", "nobody-here at ", AUTHORIZED, "nobody-here@"),
    ),
    Fault(
        "passphrase-without-agent",
        passphrase,
        # paramiko also tried the fleet's key, which was refused.
        Said("authentication", "needs a passphrase and no agent holds it", "agent: ssh-add /"),
        Said("passphrase", "it has a passphrase and no agent holds it", "agent: ssh-add /"),
    ),
    Fault(
        "password-wanted",
        password_wanted,
        Said("authentication", "asks for password", "accept a public key"),
        Said("authentication", "Permission denied (password)", "accept a public key"),
    ),
    Fault(
        "nologin-shell",
        nologin,
        *no_shell("This account is currently not available"),
    ),
    Fault("forced-command", forced, *no_shell("backups only")),
    Fault(
        "max-sessions",
        max_sessions,
        *both("exec-denied", "logged in, but", "MaxSessions"),
    ),
    Fault(
        "max-startups",
        max_startups,
        *both("closed", "(Exceeded MaxStartups)", BUSY, "before it said that it speaks SSH"),
    ),
    Fault(
        "proxy-command-fails",
        proxy_that_fails,
        *both("closed", "no way through", "ProxyCommand"),
    ),
)

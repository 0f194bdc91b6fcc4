"""The shell text that asks ssh for its configuration, and reads the files that it names."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path

from nethygiene.collect.shell_file import Verbatim, sh_c
from nethygiene.subjects.tunnels.invocation import GETOPT

_SCRIPT = Path(__file__).with_name("tunnel_config.sh")
KEPT = (
    "addressfamily",
    "batchmode",
    "checkhostip",
    "clearallforwardings",
    "controlmaster",
    "exitonforwardfailure",
    "gatewayports",
    "globalknownhostsfile",
    "hostkeyalgorithms",
    "hostkeyalias",
    "hostname",
    "knownhostscommand",
    "localforward",
    "nohostauthenticationforlocalhost",
    "port",
    "proxycommand",
    "proxyjump",
    "remoteforward",
    "revokedhostkeys",
    "serveralivecountmax",
    "serveraliveinterval",
    "status",
    "stricthostkeychecking",
    "user",
    "userknownhostsfile",
    "verifyhostkeydns",
)


def config_script(questions: Iterable[tuple[str, Sequence[str]]], keywords: Iterable[str]) -> str:
    """The command that asks ssh.

    Args:
        questions: roles, and arguments for ``ssh -G``. The script does not ask for jump hosts of
            the plain destination.
        keywords: the options, in lower case, that the host sends besides those of KEPT.
    """
    calls = [
        f"{'ask' if role == 'plain' else 'follow'} {role} {shlex.join(arguments)}"
        for role, arguments in questions
    ]
    return sh_c(
        _SCRIPT,
        KEPT=Verbatim("|".join(sorted({*KEPT, *keywords}))),
        GETOPT=Verbatim(GETOPT),
        CALLS=Verbatim("; ".join(calls)),
    )

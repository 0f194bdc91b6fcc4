"""The tokens and environment variables that values of ssh_config may hold.

Source: ssh_config(5), TOKENS and ENVIRONMENT VARIABLES.
"""

from __future__ import annotations

import functools
import getpass
import hashlib
import os
import re
import socket
from collections.abc import Mapping
from pathlib import Path


@functools.lru_cache(maxsize=1)
def _local_names() -> tuple[str, str]:
    name = socket.gethostname()
    return name, name.split(".", maxsplit=1)[0]


def tokens(
    original: str, hostname: str, port: int, user: str, alias: str | None, jump: str
) -> Mapping[str, str]:
    """The value of each token for one destination."""
    local, short = _local_names()
    joined = f"{local}{hostname}{port}{user}{'' if jump == 'none' else jump}"
    return {
        "%": "%",
        "h": hostname,
        "n": original,
        "p": str(port),
        "r": user,
        "k": alias or original,
        "j": "" if jump == "none" else jump,
        "l": local,
        "L": short,
        "u": getpass.getuser(),
        "i": str(os.getuid()),
        "d": str(Path("~").expanduser()),
        "C": hashlib.sha1(
            joined.encode("utf-8", "surrogateescape"), usedforsecurity=False
        ).hexdigest(),
    }


def substitute(text: str, tokens: Mapping[str, str]) -> str:
    """A value with its tokens and ``${VARIABLE}`` replaced; unknown ones stay."""
    text = re.sub(r"%(.)", lambda match: tokens.get(match[1], match[0]), text)
    return re.sub(r"\$\{(\w+)\}", lambda match: os.environ.get(match[1], match[0]), text)

"""Checks that names of hosts, groups, addresses and users are safe to use.

They get into command lines, file names, test ids and reports, so that shell characters, white
space and control characters are refused.
"""

from __future__ import annotations

import ipaddress
import re

_HOST = re.compile(r"\w[\w.@+-]*")
_ADDRESS = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@+-]*")
_GROUP_REFUSED = re.compile(r"[\s,;|&$`<>(){}\[\]\"'\\!*?~#]|[^\x20-\U0010ffff]|\x7f")
_MAX_LENGTH = 255


def _is_ip(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return re.fullmatch(r"[0-9A-Fa-f:.]+(%[\w.-]+)?", text) is not None


def is_host_name(text: str) -> bool:
    """Whether it has letters, digits and ``. _ @ + -`` alone, or is an IP address."""
    return len(text) <= _MAX_LENGTH and (_HOST.fullmatch(text) is not None or _is_ip(text))


def is_address(text: str) -> bool:
    """Whether it is a DNS name, a name of ssh_config or a container in ASCII, or an IP address."""
    return len(text) <= _MAX_LENGTH and (_ADDRESS.fullmatch(text) is not None or _is_ip(text))


def is_user(text: str) -> bool:
    """Whether it is a login name."""
    return len(text) <= _MAX_LENGTH and _USER.fullmatch(text) is not None


def is_group_name(text: str) -> bool:
    """Whether a limit pattern can name it and a terminal can show it."""
    return (
        0 < len(text) <= _MAX_LENGTH
        and text.isprintable()
        and _GROUP_REFUSED.search(text) is None
        and text[0] not in "-@"
    )

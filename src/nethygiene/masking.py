"""Masks secrets in free text from a program, a host or a user's file before it is shown.

This is the last line of defence: data that is known to hold secrets is not read at all. It covers
the words of strangers, such as a command's complaint or a value in an error message.
"""

from __future__ import annotations

import re

MASK = "***"
# NOPASSWD is no secret: commands follow it in a line of sudoers. Nor is iptables' --queue-bypass.
_NAME = (
    r"(?:(?<!by)pass(?:word|(?<!\bnopass)wd|phrase)?|pwd|secret|token|api[_-]?key|access[_-]?key"
    r"|credentials?)"
)
# A quoted value ends with its quote, any other at white space.
_VALUE = r"""(?:"[^"\n]*"?|'[^'\n]*'?|[^\s"',;]+)"""
_PATTERNS = (
    re.compile(
        r"(?P<kept>-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----)"
        r".*?(?P<after>-----END [A-Z ]{0,40}PRIVATE KEY-----|\Z)",
        re.DOTALL,
    ),
    re.compile(rf"(?P<kept>\bsshpass\s+(?:-[vdP]\S*\s+)*-p\s*){_VALUE}(?P<after>)"),
    re.compile(
        rf"(?P<kept>\bauthorization['\"]?\s*[:=]\s*['\"]?(?:\w+\s+)?){_VALUE}(?P<after>)",
        re.IGNORECASE,
    ),
    # --password=x, --password x, DB_PASSWORD=x, "password": "x"; not PasswordAuthentication=no.
    re.compile(
        rf"(?P<kept>(?:(?<![\w-])--?[\w-]{{0,40}}{_NAME}(?:\s*=\s*|\s+)"
        rf"|{_NAME}['\"]?\s*[=:]\s*)){_VALUE}(?P<after>)",
        re.IGNORECASE,
    ),
    re.compile(r"(?P<kept>://[^/\s:@]{0,255}:)[^/\s@]{1,255}(?P<after>@)"),
)
# Most texts hold none of these words, so that one search is enough.
_HINT = re.compile(r"pass|pwd|secret|token|key|credential|authorization|://", re.IGNORECASE)


def masked(text: str) -> str:
    """The text with what looks like a password, token or private key replaced by ``***``."""
    if _HINT.search(text) is None:
        return text
    for pattern in _PATTERNS:
        text = pattern.sub(_mask, text)
    return text


def shows_hint(text: str) -> bool:
    """Whether the text may hold a secret; :func:`masked` leaves a text without a hint as it is."""
    return _HINT.search(text) is not None


def shows_secret(text: str) -> bool:
    """Whether something in the text looks like a secret."""
    return masked(text) != text


def _mask(match: re.Match[str]) -> str:
    return f"{match['kept']}{MASK}{match['after']}"

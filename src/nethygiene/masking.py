"""Secrets in free text, masked: what a program, a host or a user's file says before it is told on.

The last line of defence. What is known to hold secrets is not read in the first place; this is
for the words of strangers: a command's complaint, a value in an error message.
"""

from __future__ import annotations

import re

MASK = "***"
# Not NOPASSWD: with which a line of sudoers goes on to its commands; not iptables' --queue-bypass.
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
# Most texts hold none of this: one look at them is enough.
_HINT = re.compile(r"pass|pwd|secret|token|key|credential|authorization|://", re.IGNORECASE)


def masked(text: str) -> str:
    """The text with what looks like a password, token or private key replaced by ``***``."""
    if _HINT.search(text) is None:
        return text
    for pattern in _PATTERNS:
        text = pattern.sub(_mask, text)
    return text


def shows_hint(text: str) -> bool:
    """Whether something in it may be a secret: a text without is its own masked form."""
    return _HINT.search(text) is not None


def shows_secret(text: str) -> bool:
    """Whether something in it looks like a secret."""
    return masked(text) != text


def _mask(match: re.Match[str]) -> str:
    return f"{match['kept']}{MASK}{match['after']}"

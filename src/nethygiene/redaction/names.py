"""Pseudonyms of names, paths, link-layer addresses and keys, one for each."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re

# Every host has these, so that they identify nobody.
_COMMON_USERS = frozenset({"root", "nobody", ""})
_COMMON_HOSTS = frozenset({"localhost", "localhost.localdomain", "none", "", "*"})
_COMMON_GROUPS = frozenset({"all", "ungrouped"})
# Rules look for these names.
_KNOWN_PROCESSES = frozenset(
    {"ssh", "sshd", "dropbear", "tinysshd", "autossh", "systemd", "docker-proxy", "rootlessport"}
    | {"rootlesskit", "slirp4netns", "pasta", "pasta.avx2", "gvproxy"}
)
_COMMON_PATHS = re.compile(r"(?:/etc/|/usr/|/dev/|/proc/|/sys/|none$)")
_MAC_KEPT = 0x03
# A virtual router answers with one of these (RFC 9568, section 7.3); the last octet is its number.
_OF_VIRTUAL_ROUTERS = (b"\0\0\x5e\0\x01", b"\0\0\x5e\0\x02")


class NameMap:
    """Gives every name a pseudonym of its kind, always the same."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._given: dict[tuple[str, str], str] = {}
        self._counts: dict[str, int] = {}
        self._blobs: dict[str, str] = {}
        self._pattern: tuple[int, re.Pattern[str]] | None = None

    def name(self, kind: str, text: str) -> str:
        """The pseudonym of `text` among its kind, as ``KIND-7``."""
        pseudonym = self._given.get((kind, text))
        if pseudonym is None:
            number = self._counts[kind] = self._counts.get(kind, 0) + 1
            pseudonym = self._given[kind, text] = f"{kind}-{number}"
        return pseudonym

    def host(self, text: str) -> str:
        """A host name, or a name of ssh_config; ssh compares them in lower case."""
        lower = text.lower()
        return text if lower in _COMMON_HOSTS else self.name("host", lower)

    def group(self, text: str) -> str:
        """A group of the inventory."""
        return text if text in _COMMON_GROUPS else self.name("group", text)

    def place(self, text: str) -> str:
        """A host or a group that a policy names.

        It is a group if a host of the file is in it: no inventory that names both is valid.
        """
        return self.group(text) if self.is_group(text) else self.host(text)

    def is_group(self, text: str) -> bool:
        """Whether a host of the file is in a group of that name."""
        return text in _COMMON_GROUPS or ("group", text) in self._given

    def user(self, text: str) -> str:
        """A login name."""
        return text if text in _COMMON_USERS else self.name("user", text)

    def process(self, text: str) -> str:
        """A process name; those that rules ask for stay."""
        return text if text in _KNOWN_PROCESSES else self.name("process", text)

    def path(self, text: str) -> str:
        """A path; those of the system stay."""
        if not text or _COMMON_PATHS.match(text):
            return text
        return f"{'/' * text.startswith('/')}redacted/{self.name('file', text)}"

    def mac(self, text: str) -> str:
        """A link-layer address; it keeps the bits for groups and for local administration."""
        octets = bytes.fromhex(text.replace(":", ""))
        if octets in {bytes(len(octets)), b"\xff" * len(octets)} or octets.startswith(
            _OF_VIRTUAL_ROUTERS
        ):
            return text
        given = self._digest(b"mac", octets)[: len(octets)].ljust(len(octets), b"\0")
        first = given[0] & ~_MAC_KEPT | octets[0] & _MAC_KEPT
        return ":".join(f"{octet:02x}" for octet in (first, *given[1:]))

    def public_key(self, encoded: str) -> str:
        """The base64 of a public key; the pseudonym has the same type and length."""
        try:
            blob = base64.b64decode(encoded, validate=True)
        except ValueError:
            return "redacted"
        start = 4 + int.from_bytes(blob[:4], "big")
        if start > len(blob):
            return "redacted"
        filling = hashlib.shake_256(self._digest(b"key", blob)).digest(len(blob) - start)
        other = blob[:start] + filling
        self._blobs[_fingerprint(blob)] = _fingerprint(other)
        return base64.b64encode(other).decode("ascii")

    def fingerprint(self, text: str) -> str:
        """The SHA256 fingerprint of a key: that of the key's pseudonym."""
        pseudonym = self._blobs.get(text)
        if pseudonym is None:
            pseudonym = _fingerprint(self._digest(b"fingerprint", text.encode()))
        return pseudonym

    def known(self) -> dict[str, str]:
        """The pseudonyms of hosts, users and groups, by name."""
        return {
            name: given
            for (kind, name), given in self._given.items()
            if kind in {"host", "user", "group"} and len(name) > 2
        }

    def in_words(self, text: str) -> str:
        """Free text, with pseudonyms for the names seen so far."""
        known = self.known()
        if not known:
            return text
        if self._pattern is None or self._pattern[0] != len(known):
            words = "|".join(re.escape(name) for name in sorted(known, key=len, reverse=True))
            pattern = re.compile(rf"(?<![\w.-])(?:{words})(?![\w-]|\.\w)", re.IGNORECASE)
            self._pattern = (len(known), pattern)
        return self._pattern[1].sub(
            lambda match: known.get(match[0]) or known.get(match[0].lower()) or "redacted", text
        )

    def _digest(self, kind: bytes, data: bytes) -> bytes:
        return hmac.digest(self._key, kind + b"\0" + data, "sha256")


def _fingerprint(blob: bytes) -> str:
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")

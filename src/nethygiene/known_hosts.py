"""Reader of OpenSSH's known_hosts files, pure: text in, answers out.

paramiko's own reader fails a whole file for one ``@revoked`` line and knows neither
``@cert-authority`` nor wildcards nor negation, and it takes a stale line of one key type
beside a right one of another for a changed key.

Source: sshd(8), SSH_KNOWN_HOSTS FILE FORMAT; OpenSSH's hostfile.c, and sshconnect.c for
the fallback that it logs as "checking without port identifier".
"""

from __future__ import annotations

import base64
import binascii
import functools
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property


class KeyStatus(StrEnum):
    """The status of an offered key in known_hosts."""

    KNOWN = "known"
    UNKNOWN = "unknown"
    CHANGED = "changed"
    REVOKED = "revoked"
    AUTHORITY_ONLY = "authority-only"


class Marker(StrEnum):
    """The optional first field of a line."""

    NONE = ""
    REVOKED = "@revoked"
    AUTHORITY = "@cert-authority"


@dataclass(frozen=True, slots=True)
class KnownHostsLine:
    """One usable line.

    Attributes:
        source: file name, as the user would name it.
        number: 1-based.
        marker: what the line says about its key.
        names: the first field: patterns with commas, or one hashed name.
        key_type: as ``ssh-ed25519``.
        key: the public key in SSH's wire format.
    """

    source: str
    number: int
    marker: Marker
    names: str
    key_type: str
    key: bytes

    def __str__(self) -> str:
        return f"{self.source}:{self.number}"


@dataclass(frozen=True, slots=True)
class KeyLookup:
    """What known_hosts holds of a key, and the lines that say so."""

    status: KeyStatus
    lines: tuple[KnownHostsLine, ...] = ()


def parse(text: str, source: str) -> tuple[list[KnownHostsLine], list[int]]:
    """The usable lines of one file, and the numbers of those that are not.

    A line that cannot be understood never takes others with it.
    """
    lines: list[KnownHostsLine] = []
    bad: list[int] = []
    for number, raw in enumerate(text.split("\n"), start=1):
        fields = raw.split()
        if not fields or fields[0].startswith("#"):
            continue
        line = _parse_line(fields, source, number)
        if line is None:
            bad.append(number)
        else:
            lines.append(line)
    return lines, bad


def _parse_line(fields: list[str], source: str, number: int) -> KnownHostsLine | None:
    marker = Marker.NONE
    if fields[0].startswith("@"):
        try:
            marker = Marker(fields[0])
        except ValueError:
            return None
        fields = fields[1:]
    if len(fields) < 3:
        return None
    names, key_type, encoded = fields[:3]
    try:
        key = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        return None
    kind = key_type.encode("utf-8", "surrogateescape")
    if key[:4] != len(kind).to_bytes(4, "big") or key[4 : 4 + len(kind)] != kind:
        return None
    if names.startswith("|") and _hashed(names) is None:
        return None
    return KnownHostsLine(source, number, marker, names, key_type, key)


def _hashed(names: str) -> tuple[bytes, bytes] | None:
    """Salt and HMAC-SHA1 of a hashed name, ``|1|SALT|HASH``."""
    parts = names.split("|")
    if len(parts) != 4 or parts[1] != "1":
        return None
    try:
        salt = base64.b64decode(parts[2], validate=True)
        digest = base64.b64decode(parts[3], validate=True)
    except (binascii.Error, ValueError):
        return None
    return (salt, digest) if len(digest) == 20 else None


# Inner and outer key of HMAC (RFC 2104), the HMAC-SHA1 to match, the line.
_Hashed = tuple[bytes, bytes, bytes, KnownHostsLine]
_sha1 = functools.partial(hashlib.sha1, usedforsecurity=False)


def _hmac_keys(salt: bytes) -> tuple[bytes, bytes]:
    padded = (salt if len(salt) <= 64 else _sha1(salt).digest()).ljust(64, b"\0")
    return bytes(byte ^ 0x36 for byte in padded), bytes(byte ^ 0x5C for byte in padded)


@dataclass(frozen=True, slots=True)
class _Patterns:
    """A line whose names hold ``*``, ``?`` or ``!``."""

    line: KnownHostsLine
    accepted: tuple[str, ...]
    refused: tuple[str, ...]

    def match(self, name: str) -> bool:
        if any(_globs(glob, name) for glob in self.refused):
            return False
        return any(_globs(glob, name) for glob in self.accepted)


def _globs(glob: str, name: str) -> bool:
    """Whether ``*`` and ``?`` of a pattern cover a name.

    Not by fnmatch: it compiles a pattern of 1 MB, which an audited host may hold, for 9 s and into
    500 MB, and takes ten times as long for one of 20 characters.
    """
    place = star = resume = 0
    starred = False
    position = 0
    while position < len(name):
        if place < len(glob) and glob[place] == "*":
            starred, star, resume = True, place, position
            place += 1
        elif place < len(glob) and glob[place] in {"?", name[position]}:
            place += 1
            position += 1
        elif starred:
            # The last star takes one more; those before it never have to.
            resume += 1
            place, position = star + 1, resume
        else:
            return False
    return not glob[place:].strip("*")


def host_names(host: str, port: int | None) -> tuple[str, str | None]:
    """The name that a host is looked up by, and the fallback, which is tried if that finds nothing.

    Args:
        host: host name or address after ssh_config, or the HostKeyAlias.
        port: None for a HostKeyAlias, which never carries a port.
    """
    bare = host.lower()
    if port is None or port == 22:
        return bare, None
    return f"[{bare}]:{port}", bare


@dataclass(frozen=True)
class KnownHosts:
    """The lines of several files, indexed.

    Attributes:
        lines: all usable lines in the files' order.
        bad: ``file:line`` of each line that could not be understood.
        unreadable: ``file (why)`` of each file that could not be read.
    """

    lines: tuple[KnownHostsLine, ...] = ()
    bad: tuple[str, ...] = ()
    unreadable: tuple[str, ...] = ()
    _found: dict[str, tuple[KnownHostsLine, ...]] = field(
        default_factory=dict, compare=False, repr=False
    )

    @classmethod
    def joined(cls, parts: Iterable[KnownHosts]) -> KnownHosts:
        """Several files as one."""
        files = list(parts)
        return cls(
            tuple(line for part in files for line in part.lines),
            tuple(bad for part in files for bad in part.bad),
            tuple(missing for part in files for missing in part.unreadable),
        )

    @cached_property
    def _index(
        self,
    ) -> tuple[dict[str, list[KnownHostsLine]], list[_Patterns], list[_Hashed]]:
        plain: dict[str, list[KnownHostsLine]] = {}
        patterns: list[_Patterns] = []
        hashed: list[_Hashed] = []
        for line in self.lines:
            if line.names.startswith("|"):
                salted = _hashed(line.names)
                if salted is not None:
                    hashed.append((*_hmac_keys(salted[0]), salted[1], line))
                continue
            names = [name for name in line.names.split(",") if name]
            if any(character in line.names for character in "*?!"):
                globs = [name.lower() for name in names]
                accepted = tuple(glob for glob in globs if not glob.startswith("!"))
                refused = tuple(glob[1:] for glob in globs if glob.startswith("!"))
                if accepted:
                    patterns.append(_Patterns(line, accepted, refused))
                continue
            for name in names:
                plain.setdefault(name.lower(), []).append(line)
        return plain, patterns, hashed

    def matching(self, name: str) -> tuple[KnownHostsLine, ...]:
        """All lines for one name as :func:`host_names` gives it."""
        matching = self._found.get(name)
        if matching is None:
            plain, patterns, hashed = self._index
            wire = name.encode("utf-8", "surrogateescape")
            lines = list(plain.get(name, ()))
            lines += [entry.line for entry in patterns if entry.match(name)]
            # hmac.digest() would pad each salt again, which takes twice as long.
            lines += [
                line
                for inner, outer, digest, line in hashed
                if _sha1(outer + _sha1(inner + wire).digest()).digest() == digest
            ]
            matching = self._found[name] = tuple(lines)
        return matching

    def plain(self, name: str, fallback: str | None) -> tuple[KnownHostsLine, ...]:
        """The lines without a marker for a name, or for the fallback if there are none."""
        names = (name,) if fallback is None else (name, fallback)
        unmarked = ([line for line in self.matching(each) if not line.marker] for each in names)
        return tuple(next(filter(None, unmarked), ()))

    def key_types(self, host: str, port: int | None) -> tuple[str, ...]:
        """Types of the keys known for a host, to ask it for those first."""
        lines = self.plain(*host_names(host, port))
        return tuple(dict.fromkeys(line.key_type for line in lines))

    def judge(self, host: str, port: int | None, key: bytes) -> KeyLookup:
        """The status of `key` (wire format), which `host` offers, in these files."""
        primary, fallback = host_names(host, port)
        lines = self.matching(primary)
        bare = self.matching(fallback) if fallback is not None else ()
        same = [line for line in (*lines, *bare) if line.key == key]
        revoked = [line for line in same if line.marker is Marker.REVOKED]
        if revoked:
            return KeyLookup(KeyStatus.REVOKED, tuple(revoked))
        known = [line for line in same if line.marker is Marker.NONE]
        if known:
            return KeyLookup(KeyStatus.KNOWN, tuple(known))
        others = [line for line in lines if line.marker is Marker.NONE]
        if others:
            return KeyLookup(KeyStatus.CHANGED, tuple(others))
        authorities = [line for line in (*lines, *bare) if line.marker is Marker.AUTHORITY]
        if authorities:
            return KeyLookup(KeyStatus.AUTHORITY_ONLY, tuple(authorities))
        return KeyLookup(KeyStatus.UNKNOWN)


def fingerprint(key: bytes) -> str:
    """``SHA256:…`` of a public key in wire format, as ``ssh-keygen -l`` prints it."""
    digest = hashlib.sha256(key).digest()
    return "SHA256:" + base64.b64encode(digest).decode("ascii").rstrip("=")

"""Whether to trust the key that a host offers, and which types of key to ask it for."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass, field
from pathlib import Path

from nethygiene.errors import ConnectError
from nethygiene.known_hosts import (
    KeyLookup,
    KeyStatus,
    KnownHosts,
    Marker,
    fingerprint,
    host_names,
    parse,
)

# The signature algorithms to ask for, by the type of a known key; SHA-1 is not among them.
_ALGORITHMS = {
    "ssh-ed25519": ("ssh-ed25519",),
    "ecdsa-sha2-nistp256": ("ecdsa-sha2-nistp256",),
    "ecdsa-sha2-nistp384": ("ecdsa-sha2-nistp384",),
    "ecdsa-sha2-nistp521": ("ecdsa-sha2-nistp521",),
    "ssh-rsa": ("rsa-sha2-512", "rsa-sha2-256"),
}
_ALL_ALGORITHMS = tuple(name for names in _ALGORITHMS.values() for name in names)
_NAMES = {"ssh-ed25519": "ed25519", "ssh-rsa": "rsa"}

_SHOWN = 3

# The state of a file: its stamp, or why it cannot be read.
_Stamp = tuple[int, int, int] | str
_FILES: dict[tuple[str, _Stamp], KnownHosts] = {}
_LOCK = threading.Lock()
_JOINED: dict[tuple[tuple[str, _Stamp], ...], KnownHosts] = {}


def load(paths: tuple[str, ...], *, expected: bool = False) -> KnownHosts:
    """Several files as one; each is read again only when it changed.

    Args:
        paths: in order; a file that does not exist is empty.
        expected: the user named the files: a file that does not exist is unreadable.
    """
    key = tuple((path, _stamp(path, expected=expected)) for path in paths)
    joined = _JOINED.get(key)
    if joined is not None:
        return joined
    # A fleet's threads start together: the first reads and indexes for all.
    with _LOCK:
        joined = _JOINED.get(key)
        if joined is None:
            joined = KnownHosts.joined([_load(path, stamp) for path, stamp in key])
            joined.matching("")
            _JOINED[key] = joined
    return joined


def _stamp(path: str, *, expected: bool) -> _Stamp:
    try:
        state = Path(path).stat()
    except FileNotFoundError as error:
        return str(error.strerror) if expected else ""
    except (OSError, ValueError) as error:
        return getattr(error, "strerror", None) or str(error)
    return state.st_mtime_ns, state.st_size, state.st_ino


def _load(path: str, stamp: _Stamp) -> KnownHosts:
    if stamp == "" or path == os.devnull:
        return KnownHosts()
    if isinstance(stamp, str):
        return KnownHosts(unreadable=(f"{path} ({stamp})",))
    loaded = _FILES.get((path, stamp))
    if loaded is None:
        try:
            text = Path(path).read_bytes().decode("utf-8", "surrogateescape")
        except OSError as error:
            return KnownHosts(unreadable=(f"{path} ({error.strerror})",))
        lines, bad = parse(text, path)
        loaded = KnownHosts(tuple(lines), tuple(f"{path}:{number}" for number in bad))
        _FILES[path, stamp] = loaded
    return loaded


def known_elsewhere(known: KnownHosts, offered: str) -> tuple[str, str] | None:
    """The message and the cure for an unknown host's key that is known of another host.

    Args:
        known: the lines of known_hosts.
        offered: the key's fingerprint.
    """
    lines = [
        line
        for line in known.lines
        if line.marker is Marker.NONE and fingerprint(line.key) == offered
    ]
    if not lines:
        return None
    hashed = lines[0].names.startswith("|")
    name = "a hashed name" if hashed else lines[0].names
    alias = "NAME" if hashed else name.partition(",")[0]
    # Thousands of hosts may be made from one image.
    more = f" and {len(lines) - _SHOWN:,} more" if len(lines) > _SHOWN else ""
    words = f"which is not known for it, but as {name} at {', '.join(map(str, lines[:_SHOWN]))}"
    words += more
    cure = (
        f"if that is the same host, set -o HostKeyAlias={alias} in ansible_ssh_common_args, or"
        " correct ansible_host and ansible_port; if not, two hosts share one key"
    )
    return words, cure


@dataclass(frozen=True, slots=True)
class HostKeyPolicy:
    """The inputs that decide about one host's key.

    Attributes:
        host: its name in known_hosts: HostName, or HostKeyAlias.
        port: None with an alias.
        fingerprints: `nethygiene_host_keys`; if given, they alone decide.
        files: known_hosts files.
        files_expected: the user named those files.
        strict: `yes`, `accept-new` or `no`.
        allowed: HostKeyAlgorithms, empty for all.
    """

    host: str
    port: int | None
    fingerprints: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    files_expected: bool = False
    strict: str = "yes"
    allowed: tuple[str, ...] = field(default=())

    @property
    def known(self) -> KnownHosts:
        """The lines of all files."""
        return load(self.files, expected=self.files_expected)

    def algorithms(self) -> tuple[str, ...]:
        """Host key algorithms to ask for, those of known keys first.

        Raises:
            ConnectError: ``kex`` if HostKeyAlgorithms leaves none that paramiko has.
        """
        types = () if self.fingerprints else self.known.key_types(self.host, self.port)
        first = [name for kind in types for name in _ALGORITHMS.get(kind, ())]
        preferred = dict.fromkeys([*first, *_ALL_ALGORITHMS])
        names = tuple(name for name in preferred if not self.allowed or name in self.allowed)
        if not names:
            raise ConnectError(
                "kex",
                f"HostKeyAlgorithms for {self.host} names none that paramiko has",
                "set ansible_connection: ssh, or allow ssh-ed25519",
            )
        return names

    def pinned_mismatch(self, key: bytes) -> bool:
        """Whether fingerprints are declared, and none is this key's."""
        declared = {text.rstrip("=") for text in self.fingerprints}
        return bool(declared) and fingerprint(key) not in declared

    def check(self, key_type: str, key: bytes) -> None:
        """Return if the key is trusted.

        Raises:
            ConnectError: ``unknown-host-key``, ``changed-host-key``, ``revoked-host-key``
                or ``host-key-ca``, with the offered fingerprint.
        """
        if self.fingerprints:
            if self.pinned_mismatch(key):
                raise self._error(
                    "changed-host-key",
                    key,
                    f"offers {key_type} {fingerprint(key)}, which nethygiene_host_keys"
                    f" ({', '.join(self.fingerprints)}) does not name",
                    f"{self._out_of_band(key_type)}; if it is right, put it into"
                    " nethygiene_host_keys; if not, this is another host or somebody in between",
                )
            return
        lookup = self.known.judge(self.host, self.port, key)
        if lookup.status is KeyStatus.KNOWN:
            return
        if lookup.status is KeyStatus.UNKNOWN and self.strict != "yes":
            return
        if lookup.status is KeyStatus.CHANGED and self.strict == "no":
            return
        raise self._refusal(lookup, key_type, key)

    def _refusal(self, lookup: KeyLookup, key_type: str, key: bytes) -> ConnectError:
        offered = f"{key_type} {fingerprint(key)}"
        lines = ", ".join(str(line) for line in lookup.lines)
        if lookup.status is KeyStatus.REVOKED:
            return self._error(
                "revoked-host-key",
                key,
                f"offers {offered}, which is revoked at {lines}",
                "do not connect; give the host a new key, and find out why this one was revoked",
            )
        if lookup.status is KeyStatus.CHANGED:
            return self._error(
                "changed-host-key",
                key,
                f"offers {offered}, but another key is known for it at {lines}",
                f"{self._out_of_band(key_type)}; if the host was given a new key, replace that"
                " line; if not, this is another host or somebody in between",
            )
        if lookup.status is KeyStatus.AUTHORITY_ONLY:
            return self._error(
                "host-key-ca",
                key,
                f"is known only through the certificate authority at {lines}, and offers {offered}",
                "set ansible_connection: ssh for it: OpenSSH's client checks host certificates",
            )
        files = ", ".join(self.files) or "any known_hosts file"
        missing = "; ".join(self.known.unreadable)
        unread = f"; not readable: {missing}" if missing else ""
        elsewhere = known_elsewhere(self.known, fingerprint(key))
        if elsewhere is not None:
            words, cure = elsewhere
            return self._error("unknown-host-key", key, f"offers {offered}, {words}{unread}", cure)
        return self._error(
            "unknown-host-key",
            key,
            f"offers {offered}, which is not in {files}{unread}",
            f"{self._out_of_band(key_type)}, then add its line to known_hosts,"
            " or nethygiene_host_keys to the inventory",
        )

    def _out_of_band(self, key_type: str) -> str:
        name = _NAMES.get(key_type, "ecdsa")
        return (
            "compare the fingerprint with the host's own"
            f" (on its console: ssh-keygen -lf /etc/ssh/ssh_host_{name}_key.pub)"
        )

    def _error(self, code: str, key: bytes, message: str, cure: str) -> ConnectError:
        name = host_names(self.host, self.port)[0]
        return ConnectError(code, f"{name} {message}", cure, fingerprint(key))

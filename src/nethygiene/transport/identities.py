"""The keys to offer a server: from files and from the agent, the named ones first."""

from __future__ import annotations

import base64
import binascii
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import paramiko
from cryptography.exceptions import UnsupportedAlgorithm
from paramiko.agent import AgentKey, AgentSSH
from paramiko.message import Message

from nethygiene.known_hosts import fingerprint
from nethygiene.transport.deadline import Deadline
from nethygiene.transport.ssh_options import SshOptions

_OPENSSH_MAGIC = b"openssh-key-v1\0"


@dataclass(frozen=True, slots=True)
class Identity:
    """A key that can sign, and its name in messages."""

    label: str
    key: paramiko.PKey


@dataclass(frozen=True, slots=True)
class _KeyFile:
    """One private key file: the key, or why it cannot be used, and its public half."""

    path: str
    key: paramiko.PKey | None
    public: bytes | None
    problem: str | None = None
    needs_passphrase: bool = False


_LOCK = threading.Lock()
_LOADED: dict[tuple[str, int, int, int], _KeyFile] = {}


def _load(path: str) -> _KeyFile:
    try:
        state = Path(path).stat()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        return _KeyFile(path, None, None, f"{path}: {reason}")
    stamp = (path, state.st_mtime_ns, state.st_size, state.st_ino)
    with _LOCK:
        loaded = _LOADED.get(stamp)
        if loaded is None:
            loaded = _LOADED[stamp] = _read(path)
    return loaded


def _read(path: str) -> _KeyFile:
    try:
        key = paramiko.PKey.from_path(path)
    except (paramiko.PasswordRequiredException, TypeError):
        # cryptography raises TypeError for an encrypted key without a password.
        problem = f"{path} needs a passphrase"
        return _KeyFile(path, None, _public_half(path), problem, needs_passphrase=True)
    except OSError as error:
        return _KeyFile(path, None, _public_half(path), f"{path}: {error.strerror or error}")
    except (paramiko.SSHException, ValueError, UnsupportedAlgorithm, IndexError) as error:
        reason = (str(error) or type(error).__name__).replace("\n", " ")
        problem = f"{path} is no private key that paramiko can read ({reason})"
        return _KeyFile(path, None, _public_half(path), problem)
    return _KeyFile(path, key, key.asbytes())


def _public_half(path: str) -> bytes | None:
    """The public half of a key that cannot be opened, from ``.pub`` or from its clear part."""
    try:
        fields = Path(f"{path}.pub").read_text("ascii", "replace").split()
        return base64.b64decode(fields[1], validate=True)
    except (OSError, IndexError, binascii.Error):
        pass
    try:
        lines = Path(path).read_text("ascii", "replace").splitlines()
        blob = base64.b64decode("".join(line for line in lines if not line.startswith("-----")))
    except (OSError, binascii.Error):
        return None
    if not blob.startswith(_OPENSSH_MAGIC):
        return None
    message = Message(blob[len(_OPENSSH_MAGIC) :])
    for _ in ("cipher", "kdf", "kdf options"):
        message.get_string()
    message.get_int()
    return message.get_binary()


class _Agent(AgentSSH):
    """The agent at a socket, with a deadline on every answer."""

    def __init__(self, path: str, deadline: Deadline) -> None:
        super().__init__()
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._socket.settimeout(max(deadline.remaining(), 0.001))
            self._socket.connect(path)
            self._connect(self._socket)  # type: ignore[attr-defined] # paramiko's own way in
        except BaseException:
            self._socket.close()
            raise

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()


class AgentRefusedError(paramiko.SSHException):
    """The agent did not sign. This ends the connection: paramiko signs in its own thread."""


class _AgentIdentity(AgentKey):
    """A key of the agent. Its failures have an error of their own, unlike the server's."""

    def sign_ssh_data(self, data: bytes, algorithm: str | None = None) -> Message:  # type: ignore[override]
        """Let the agent sign.

        Raises:
            AgentRefusedError: the agent refused, is gone, or did not answer in time.
        """
        try:
            return super().sign_ssh_data(data, algorithm)
        except (OSError, TypeError, paramiko.SSHException) as error:
            raise AgentRefusedError(f"the agent did not sign: {error}") from error


@dataclass(slots=True)
class Identities:
    """The keys to offer for one login, each looked up when it is asked for.

    Attributes:
        options: those of the destination.
        named: key files that the inventory or command line names; they come first.
        deadline: the login's.
        problems: why some keys cannot be used, noted as they are looked up.
        locked: files that need a passphrase and that the agent does not hold.
    """

    options: SshOptions
    named: tuple[str, ...]
    deadline: Deadline
    problems: list[str] = field(default_factory=list)
    locked: list[str] = field(default_factory=list)
    _agent: _Agent | None = None
    _held: dict[bytes, Identity] | None = None

    def __iter__(self) -> Iterator[Identity]:
        """Yield named keys, ssh_config's that the agent holds, the agent's others, other files.

        sshd counts each as a try and ends the connection after six (MaxAuthTries).
        """
        offered: set[bytes] = set()
        for path in self.named:
            yield from self._file(_load(path), offered, named=True)
        files = [_load(path) for path in self.options.identity_files if path not in self.named]
        held = self._agent_keys()
        for file in files:
            if file.public in held and file.public not in offered:
                offered.add(file.public)
                yield held[file.public]
        if not self.options.identities_only:
            for public, identity in held.items():
                if public not in offered:
                    offered.add(public)
                    yield identity
        for file in files:
            yield from self._file(file, offered, named=False)

    def _file(self, file: _KeyFile, offered: set[bytes], *, named: bool) -> Iterator[Identity]:
        if file.public is not None and file.public in offered:
            return
        if file.key is not None and file.public is not None:
            offered.add(file.public)
            self._certify(file.key, file.path)
            yield Identity(f"{file.path} ({fingerprint(file.public)})", file.key)
            return
        held = self._agent_keys().get(file.public or b"")
        if held is not None and file.public is not None:
            offered.add(file.public)
            yield held
        elif file.needs_passphrase:
            self.locked.append(file.path)
            self.problems.append(f"{file.problem} and no agent holds it")
        elif file.problem is not None and (named or Path(file.path).exists()):
            # A default key file that does not exist is no problem.
            self.problems.append(file.problem)

    def _certify(self, key: paramiko.PKey, path: str) -> None:
        """Attach a CertificateFile for this key, unless paramiko has found ``PATH-cert.pub``."""
        if getattr(key, "public_blob", None) is not None:
            return
        for certificate in self.options.certificate_files:
            try:
                key.load_certificate(certificate)
            except (OSError, ValueError, paramiko.SSHException) as error:
                self.problems.append(f"CertificateFile {certificate} is not for {path}: {error}")

    def _agent_keys(self) -> dict[bytes, Identity]:
        if self._held is not None:
            return self._held
        self._held = {}
        path = self.options.identity_agent
        if path is None:
            return self._held
        try:
            self._agent = _Agent(path, self.deadline)
        except (OSError, ValueError, TypeError, paramiko.SSHException) as error:
            self.problems.append(f"the agent at {path} cannot be used: {error}")
            return self._held
        for key in self._agent.get_keys():
            identity = _AgentIdentity(self._agent, key.blob, key.comment)
            name = f"agent key {key.comment or key.get_name()} ({fingerprint(key.blob)})"
            self._held[bytes(key.blob)] = Identity(name, identity)
        return self._held

    def close(self) -> None:
        """Close the connection to the agent."""
        if self._agent is not None:
            self._agent.close()
            self._agent = None

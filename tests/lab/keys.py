"""SSH key pairs, made by ssh-keygen."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

KeyType = Literal["ed25519", "ecdsa", "rsa"]


@dataclass(frozen=True, slots=True)
class KeyPair:
    """One key pair.

    Attributes:
        type: as ssh-keygen calls it.
        private: the private key's text.
        public: type and key of the public line, as ``ssh-ed25519 AAAA…``.
    """

    type: KeyType
    private: str
    public: str

    @property
    def host_key_file(self) -> str:
        """What sshd calls the file of a host key of this type."""
        return f"ssh_host_{self.type}_key"


def generate(path: Path, type_: KeyType = "ed25519") -> KeyPair:
    """Make a key pair at `path` and `path`.pub, without a passphrase.

    Raises:
        subprocess.CalledProcessError: ssh-keygen refused.
    """
    argv = ["ssh-keygen", "-q", "-t", type_, "-N", "", "-C", "nethygiene-lab", "-f", str(path)]
    subprocess.run(argv, check=True, capture_output=True)
    public = path.with_suffix(".pub").read_text()
    return KeyPair(type_, path.read_text(), " ".join(public.split()[:2]))

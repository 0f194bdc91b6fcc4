"""Which type of host key ssh asks a server for first.

Source: OpenSSH 9.8, sshconnect2.c, order_hostkeyalgs. By default, and if HostKeyAlgorithms only
adds or removes types, ssh asks first for the types that known_hosts has. It keeps the order of a
list and of ``^``. If the server has a key of a type that stands ahead, it shows that key. ssh then
ends with "Host key verification failed.", although another of the server's keys is known.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from fnmatch import fnmatchcase

_RSA = frozenset({"ssh-rsa", "rsa-sha2-256", "rsa-sha2-512"})
# Before 8.2 ssh kept the order of a list with + or - too.
_MERGES_SINCE = (8, 2)


def plain_type(algorithm: str) -> str:
    """The type of key behind a signature algorithm; RSA has three algorithms."""
    return "ssh-rsa" if algorithm in _RSA else algorithm


def follows_known_hosts(
    effective: str, settings: Iterable[str], version: tuple[int, int] | None
) -> bool:
    """Whether ssh puts the types ahead that known_hosts has.

    Args:
        effective: the list in effect.
        settings: HostKeyAlgorithms of every line that may be in effect.
        version: the version of OpenSSH; None if unknown.
    """
    merges = version is not None and version >= _MERGES_SINCE
    return not any(_taken_as_it_is(setting, effective, merges=merges) for setting in settings)


def _taken_as_it_is(setting: str, effective: str, *, merges: bool) -> bool:
    """Whether a line may be the one in effect, and is one whose order ssh keeps."""
    algorithms = effective.split(",")
    if setting[:1] in {"+", "-"}:
        return not merges
    if setting[:1] == "^":
        return _lists(setting[1:].split(",")[:1], algorithms[0])
    # If the list in effect has more than this line lists, another line set it.
    return all(_lists(setting.split(","), algorithm) for algorithm in algorithms)


def _lists(patterns: Iterable[str], algorithm: str) -> bool:
    return any(fnmatchcase(algorithm, pattern) for pattern in patterns)


def asked_before(algorithms: str, known_types: Collection[str]) -> tuple[str, ...]:
    """The types that stand ahead of the first known type; empty if no type is known.

    Certificates do not count, because a server with one is known by its authority. Security keys do
    not count, because sshd has none.
    """
    ahead: list[str] = []
    for key_type in _types(algorithms):
        if key_type in known_types:
            return tuple(ahead)
        if key_type not in ahead:
            ahead.append(key_type)
    return ()


def _types(algorithms: str) -> Iterator[str]:
    for algorithm in algorithms.split(","):
        if algorithm and "-cert-" not in algorithm and not algorithm.startswith("sk-"):
            yield plain_type(algorithm)

"""Which type of host key ssh asks a server for first.

Source: OpenSSH 9.8, sshconnect2.c, order_hostkeyalgs. By default, and where HostKeyAlgorithms only
adds or removes some, ssh asks for the types that known_hosts has; a list and ``^`` it takes as
they are. Where the server has a key of a type that stands further ahead, it shows that one, and
ssh ends with "Host key verification failed." although another of its keys is known.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from fnmatch import fnmatchcase

_RSA = frozenset({"ssh-rsa", "rsa-sha2-256", "rsa-sha2-512"})
# Before that a list with + or - was taken as it is, too.
_MERGES_SINCE = (8, 2)


def plain_type(algorithm: str) -> str:
    """The type of key behind a signature algorithm: RSA has three of these."""
    return "ssh-rsa" if algorithm in _RSA else algorithm


def follows_known_hosts(
    effective: str, settings: Iterable[str], version: tuple[int, int] | None
) -> bool:
    """Whether ssh puts the types ahead that known_hosts has.

    Args:
        effective: the list that ssh comes to.
        settings: HostKeyAlgorithms as it is set, by every line that may be the one in effect.
        version: of OpenSSH; None for an unknown one.
    """
    merges = version is not None and version >= _MERGES_SINCE
    return not any(_taken_as_it_is(one, effective, merges=merges) for one in settings)


def _taken_as_it_is(setting: str, effective: str, *, merges: bool) -> bool:
    """Whether a line may be the one in effect, and is one whose order ssh keeps."""
    algorithms = effective.split(",")
    if setting[:1] in {"+", "-"}:
        return not merges
    if setting[:1] == "^":
        return _lists(setting[1:].split(",")[:1], algorithms[0])
    # A longer one than it lists comes of another line: this one is for other destinations.
    return all(_lists(setting.split(","), one) for one in algorithms)


def _lists(patterns: Iterable[str], algorithm: str) -> bool:
    return any(fnmatchcase(algorithm, one) for one in patterns)


def asked_before(algorithms: str, known: Collection[str]) -> tuple[str, ...]:
    """The types that stand ahead of the first known one; none where none is known.

    Certificates are left out, for a server that has one is known by its authority; so are security
    keys, of which sshd has none.
    """
    ahead: list[str] = []
    for one in _types(algorithms):
        if one in known:
            return tuple(ahead)
        if one not in ahead:
            ahead.append(one)
    return ()


def _types(algorithms: str) -> Iterator[str]:
    for one in algorithms.split(","):
        if one and "-cert-" not in one and not one.startswith("sk-"):
            yield plain_type(one)

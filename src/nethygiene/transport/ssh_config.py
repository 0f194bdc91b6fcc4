"""What ssh_config says of a destination, in plain values.

OpenSSH's client itself answers where it exists: ``ssh -G`` knows Match, Include, tokens
and the order of precedence, in 5 ms. Without it, paramiko's parser answers, which knows
no Include. What neither the values here nor paramiko can honour, and what would change
which host is trusted or reached, is an error that names connection `ssh`.

Source: ssh_config(5), TOKENS for what is expanded here.
"""

from __future__ import annotations

import functools
import getpass
import hashlib
import os
import re
import shutil
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import paramiko

from nethygiene.errors import ConnectError
from nethygiene.transport.deadline import Deadline
from nethygiene.transport.process import Bounds, Child, Ending

_DEFAULT_IDENTITIES = tuple(f"~/.ssh/id_{kind}" for kind in ("ed25519", "ecdsa", "rsa"))

_MAX_ANSWER = 1024 * 1024

# Options that decide whom to trust or how to get there and that cannot be honoured here.
_BEYOND_US = {
    "revokedhostkeys": ("none",),
    "knownhostscommand": ("none",),
    "bindinterface": (),
    "proxyusefdpass": ("no", "false"),
}


@dataclass(frozen=True, slots=True)
class SshQuery:
    """What is asked of ssh_config; equal queries have equal answers.

    Attributes:
        destination: host name, address or alias, as the inventory has it.
        port: None leaves it to ssh_config.
        user: None leaves it to ssh_config.
        arguments: further arguments of ssh, of -o, -J and -F.
        config: a file for -F, None for the user's and the system's own.
        identities: key files that the inventory or command line names.
    """

    destination: str
    port: int | None = None
    user: str | None = None
    arguments: tuple[str, ...] = ()
    config: str | None = None
    identities: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SshOptions:
    """The answer. Algorithm lists are empty where ssh_config is not known to restrict them.

    Attributes:
        destination: as asked, for messages.
        hostname: what to connect to, and the name of its key unless there is an alias.
        strict: `yes`, `accept-new` or `no` (StrictHostKeyChecking).
        identity_files: key files in order, expanded; those that the query named first.
        identity_agent: path of the agent's socket, None for no agent.
        known_hosts: the user's and the global files, expanded.
        proxy_jump: hops in order, as ``user@host:port``.
        proxy_command: shell command with its tokens expanded.
        connect_timeout: seconds, None where none is set.
        config: the -F file that jump hosts are resolved with as well.
    """

    destination: str
    hostname: str
    port: int
    user: str
    strict: str = "yes"
    identity_files: tuple[str, ...] = ()
    identities_only: bool = False
    identity_agent: str | None = None
    certificate_files: tuple[str, ...] = ()
    known_hosts: tuple[str, ...] = ()
    host_key_alias: str | None = None
    proxy_jump: tuple[str, ...] = ()
    proxy_command: str | None = None
    connect_timeout: float | None = None
    address_family: str = "any"
    bind_address: str | None = None
    pubkey_authentication: bool = True
    host_key_algorithms: tuple[str, ...] = ()
    kex_algorithms: tuple[str, ...] = ()
    ciphers: tuple[str, ...] = ()
    macs: tuple[str, ...] = ()
    config: str | None = None


def config_error(destination: str, problem: str, cure: str) -> ConnectError:
    """An ssh_config, or arguments for ssh, that cannot be used."""
    return ConnectError("ssh-config", f"ssh_config for {destination}: {problem}", cure)


def client_arguments(query: SshQuery) -> list[str]:
    """Arguments of OpenSSH's client for a query, without program and destination.

    Of an option given twice ssh obeys the first: the inventory's own variables lead.
    """
    arguments: list[str] = []
    if query.port is not None:
        arguments += ["-p", str(query.port)]
    if query.user is not None:
        arguments += ["-l", query.user]
    for identity in query.identities:
        arguments += ["-i", identity]
    if query.config is not None and not any(text.startswith("-F") for text in query.arguments):
        arguments += ["-F", query.config]
    return [*arguments, *query.arguments]


def resolve(query: SshQuery, deadline: Deadline, *, for_client: bool = False) -> SshOptions:
    """What ssh_config comes to for a destination.

    Args:
        query: the destination and what is said of it.
        deadline: until when OpenSSH's client must have answered.
        for_client: that client will connect as well, and honours every option.

    Raises:
        ConnectError: ``ssh-config`` for a configuration that is wrong or beyond paramiko,
            ``name-resolution`` for a name that no host can have, ``timeout``.
    """
    if not re.fullmatch(
        r"[^-\s\x00-\x1f/\\'\"`$;&<>|(){}][^\s\x00-\x1f/\\'\"`$;&<>|(){}]*", query.destination
    ):
        raise ConnectError(
            "name-resolution",
            f"{query.destination!r} cannot be a host's name",
            "correct ansible_host in the inventory",
        )
    client = shutil.which("ssh")
    if client is None:
        return _by_paramiko(query)
    answer = _ask_client(client, query, deadline)
    if not for_client:
        _refuse_beyond_us(query, answer)
    return _expand(query, answer)


def _refuse_beyond_us(query: SshQuery, answer: Mapping[str, tuple[str, ...]]) -> None:
    for name, harmless in _BEYOND_US.items():
        value = answer.get(name, ("none",))[0]
        if name in answer and value.lower() not in harmless:
            raise config_error(
                query.destination,
                f"{name} {value} cannot be honoured by connection paramiko",
                "set ansible_connection: ssh for this host",
            )


_ANSWERS: dict[tuple[SshQuery, str | None, str | None], Mapping[str, tuple[str, ...]]] = {}


def _ask_client(client: str, query: SshQuery, deadline: Deadline) -> Mapping[str, tuple[str, ...]]:
    key = (query, os.environ.get("HOME"), _stamp(query))
    answer = _ANSWERS.get(key)
    if answer is not None:
        return answer
    command = [client, "-T", "-G", *client_arguments(query), "--", query.destination]
    bounds = Bounds(deadline, _MAX_ANSWER, _MAX_ANSWER)
    try:
        # In a session of its own: what `Match exec` runs cannot ask on our terminal.
        child = Child(command)
    except (OSError, ValueError) as error:
        raise config_error(query.destination, f"ssh cannot be run: {error}", "mend ssh") from None
    try:
        child.feed(b"")
        ending = child.pump(bounds)
        status = child.status(deadline)
    finally:
        child.end()
    if ending is Ending.DEADLINE:
        raise ConnectError(
            "timeout",
            f"`ssh -G {query.destination}` gave no answer within {deadline.seconds:g} s",
            "look for a slow `Match exec` or CanonicalizeHostname in ssh_config",
        )
    text = child.stdout.decode("utf-8", "surrogateescape")
    if status != 0 or not text:
        said = child.stderr.decode("utf-8", "replace").strip().splitlines()
        problem = said[-1] if said else f"ssh -G ended with status {status}"
        raise config_error(
            query.destination,
            problem,
            "correct ssh_config, --ssh-config or ansible_ssh_common_args",
        )
    collected: dict[str, list[str]] = {}
    for line in text.splitlines():
        name, _, value = line.partition(" ")
        collected.setdefault(name.lower(), []).append(value)
    answer = {name: tuple(values) for name, values in collected.items()}
    _ANSWERS[key] = answer
    return answer


def _stamp(query: SshQuery) -> str | None:
    """What tells one state of the -F file from another, for the cache."""
    path = explicit_config(query)
    if path is None:
        return None
    try:
        state = Path(path).stat()
    except OSError:
        return None
    return f"{state.st_mtime_ns} {state.st_size} {state.st_ino}"


def explicit_config(query: SshQuery) -> str | None:
    """The file that -F names, in the arguments or beside them."""
    for index, text in enumerate(query.arguments):
        if text == "-F" and index + 1 < len(query.arguments):
            return query.arguments[index + 1]
        if text.startswith("-F"):
            return text[2:]
    return query.config


def _expand(query: SshQuery, answer: Mapping[str, tuple[str, ...]]) -> SshOptions:
    def one(name: str, default: str = "") -> str:
        return answer.get(name, (default,))[0]

    hostname = one("hostname", query.destination)
    user = one("user") or query.user or getpass.getuser()
    port = int(one("port", "22"))
    alias = one("hostkeyalias") or None
    jump = one("proxyjump")
    tokens = _tokens(query.destination, hostname, port, user, alias, jump)
    identities = [_path(text, tokens) for text in answer.get("identityfile", ())]
    named = [str(Path(text).expanduser()) for text in query.identities]
    files = [path for name in ("userknownhostsfile", "globalknownhostsfile")
             for path in _split_files(one(name))]  # fmt: skip
    command = one("proxycommand")
    timeout = one("connecttimeout", "none")
    return SshOptions(
        destination=query.destination,
        hostname=hostname,
        port=port,
        user=user,
        strict=_strict(one("stricthostkeychecking", "ask")),
        identity_files=tuple(dict.fromkeys([*named, *(p for p in identities if p != "none")])),
        identities_only=one("identitiesonly") == "yes",
        identity_agent=_agent(one("identityagent", "SSH_AUTH_SOCK"), tokens),
        certificate_files=tuple(_path(text, tokens) for text in answer.get("certificatefile", ())),
        known_hosts=tuple(_path(path, tokens) for path in files),
        host_key_alias=alias,
        proxy_jump=tuple(jump.split(",")) if jump not in ("", "none") else (),
        proxy_command=_substitute(command, tokens) if command not in ("", "none") else None,
        connect_timeout=float(timeout) if timeout.isdigit() and int(timeout) > 0 else None,
        address_family=one("addressfamily", "any"),
        bind_address=one("bindaddress") or None,
        pubkey_authentication=one("pubkeyauthentication", "yes") not in ("no", "false"),
        host_key_algorithms=_names(one("hostkeyalgorithms")),
        kex_algorithms=_names(one("kexalgorithms")),
        ciphers=_names(one("ciphers")),
        macs=_names(one("macs")),
        config=explicit_config(query),
    )


def _by_paramiko(query: SshQuery) -> SshOptions:
    """The same without OpenSSH's client: paramiko's parser, -o and -J by hand."""
    config = paramiko.SSHConfig()
    explicit = explicit_config(query)
    paths = [explicit] if explicit else ["~/.ssh/config", "/etc/ssh/ssh_config"]
    texts: list[str] = []
    for path in paths:
        try:
            texts.append(Path(path).expanduser().read_text("utf-8", "surrogateescape"))
        except OSError as error:
            if explicit:
                raise config_error(
                    query.destination, f"{path}: {error.strerror}", "correct --ssh-config"
                ) from None
    text = "\n".join(texts)
    beyond = re.search(r"^\s*(include|match)\b.*$", text, re.IGNORECASE | re.MULTILINE)
    # Debian's own file includes a directory that is empty unless somebody fills it.
    if beyond and not _includes_nothing(beyond[0]):
        raise config_error(
            query.destination,
            f"`{beyond[0].strip()}` cannot be understood without OpenSSH's client",
            "install openssh-client, or name a plain file by --ssh-config",
        )
    lead = _given_options(query)
    try:
        config.parse([*lead, *text.splitlines()])
        found = config.lookup(query.destination)
    except (paramiko.SSHException, ValueError) as error:
        raise config_error(query.destination, str(error), "correct ssh_config") from None
    answer: dict[str, tuple[str, ...]] = {}
    for name, value in found.items():
        # The stubs know nothing of it, but IdentityFile and CertificateFile are lists.
        values: object = value
        answer[name.lower()] = tuple(values) if isinstance(values, list) else (str(value),)
    answer.setdefault("identityfile", () if query.identities else _DEFAULT_IDENTITIES)
    answer.setdefault("userknownhostsfile", ("~/.ssh/known_hosts ~/.ssh/known_hosts2",))
    answer.setdefault(
        "globalknownhostsfile", ("/etc/ssh/ssh_known_hosts /etc/ssh/ssh_known_hosts2",)
    )
    _refuse_beyond_us(query, answer)
    return _expand(query, answer)


def _given_options(query: SshQuery) -> list[str]:
    lines = ["Host *"]
    if query.port is not None:
        lines.append(f"Port {query.port}")
    if query.user is not None:
        lines.append(f"User {query.user}")
    rest = iter(query.arguments)
    for text in rest:
        value = text[2:] or next(rest, "")
        if text.startswith("-o"):
            lines.append(value)
        elif text.startswith("-J"):
            lines.append(f"ProxyJump {value}")
    return lines


def _includes_nothing(line: str) -> bool:
    words = line.split()
    if words[0].lower() != "include":
        return False
    return not any(
        any(Path("/").glob(str(Path("/etc/ssh", word)).lstrip("/"))) for word in words[1:]
    )


def _strict(value: str) -> str:
    if value in ("no", "off", "false"):
        return "no"
    return "accept-new" if value == "accept-new" else "yes"


def _names(value: str) -> tuple[str, ...]:
    # A leading + or - would be a change to a default that only OpenSSH knows.
    return tuple(value.split(",")) if value and value[0] not in "+-^" else ()


def _split_files(value: str) -> list[str]:
    """Paths that ssh -G prints with spaces between, though a path may hold some itself."""
    return [path for path in re.split(r" (?=[/~%$])", value) if path not in ("", "none")]


def _agent(value: str, tokens: Mapping[str, str]) -> str | None:
    if value == "none":
        return None
    if value == "SSH_AUTH_SOCK":
        return os.environ.get("SSH_AUTH_SOCK") or None
    if value.startswith("$") and not value.startswith("${"):
        return os.environ.get(value[1:]) or None
    return _path(value, tokens)


def _path(value: str, tokens: Mapping[str, str]) -> str:
    return str(Path(_substitute(value, tokens)).expanduser())


@functools.lru_cache(maxsize=1)
def _local_names() -> tuple[str, str]:
    name = socket.gethostname()
    return name, name.split(".", maxsplit=1)[0]


def _tokens(
    original: str, hostname: str, port: int, user: str, alias: str | None, jump: str
) -> Mapping[str, str]:
    local, short = _local_names()
    joined = f"{local}{hostname}{port}{user}{'' if jump == 'none' else jump}"
    return {
        "%": "%",
        "h": hostname,
        "n": original,
        "p": str(port),
        "r": user,
        "k": alias or original,
        "j": "" if jump == "none" else jump,
        "l": local,
        "L": short,
        "u": getpass.getuser(),
        "i": str(os.getuid()),
        "d": str(Path("~").expanduser()),
        "C": hashlib.sha1(joined.encode(), usedforsecurity=False).hexdigest(),
    }


def _substitute(text: str, tokens: Mapping[str, str]) -> str:
    text = re.sub(r"%(.)", lambda match: tokens.get(match[1], match[0]), text)
    return re.sub(r"\$\{(\w+)\}", lambda match: os.environ.get(match[1], match[0]), text)


def split_hop(hop: str) -> tuple[str | None, str, int | None]:
    """User, host and port of one ProxyJump hop: ``[user@]host[:port]`` or ``ssh://…``.

    Raises:
        ConnectError: ``ssh-config``, for a hop that is none of these.
    """
    text = hop.removeprefix("ssh://").rstrip("/")
    user, _, place = text.rpartition("@")
    match = re.fullmatch(r"\[([^]]+)\](?::(\d+))?|([^:]+)(?::(\d+))?", place)
    if match is None:
        raise config_error(hop, "not a jump host", "write ProxyJump as user@host:port")
    host = match[1] or match[3]
    port = match[2] or match[4]
    return user or None, host, int(port) if port else None


_MAX_HOPS = 8


def jumps(
    options: SshOptions, identities: tuple[str, ...], deadline: Deadline, *, for_client: bool
) -> list[tuple[SshQuery, SshOptions]]:
    """The jump hosts on the way to a destination, the nearest to it first.

    Args:
        options: of the destination.
        identities: key files that the command line names for all hosts.
        deadline: as for :func:`resolve`.
        for_client: as for :func:`resolve`.

    Raises:
        ConnectError: as :func:`resolve`, and ``ssh-config`` for hosts that lead to each other.
    """
    found: list[tuple[SshQuery, SshOptions]] = []
    current = options
    while current.proxy_jump:
        asked = jump_query(current.proxy_jump, options.config, identities)
        if any(asked == earlier for earlier, _ in found) or len(found) == _MAX_HOPS:
            raise config_error(
                options.destination,
                f"its jump hosts lead in a circle, by way of {asked.destination}",
                "look for a ProxyJump that leads back to itself; write ProxyJump none there",
            )
        current = resolve(asked, deadline, for_client=for_client)
        found.append((asked, current))
    return found


def jump_query(hops: Sequence[str], config: str | None, identities: tuple[str, ...]) -> SshQuery:
    """How the last of some hops is asked for: by way of those before it, as OpenSSH does.

    Like OpenSSH's own, it inherits the -F file and none of the -o options.
    """
    user, host, port = split_hop(hops[-1])
    before = ("-J", ",".join(hops[:-1])) if len(hops) > 1 else ()
    return SshQuery(host, port, user, before, config, identities)

"""Opens a stream to a name and port within a deadline, which covers name resolution."""

from __future__ import annotations

import errno
import ipaddress
import os
import queue
import socket
import subprocess
import tempfile
import threading

from nethygiene.errors import ConnectError
from nethygiene.transport.deadline import Deadline
from nethygiene.transport.ssh_options import SshOptions
from nethygiene.transport.wire import SocketWire

_FAMILIES = {"any": socket.AF_UNSPEC, "inet": socket.AF_INET, "inet6": socket.AF_INET6}

_SocketAddress = tuple[str | bytes | int, ...]
_Address = tuple[socket.AddressFamily, _SocketAddress]

_UNREACHABLE = (errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN, errno.ENETDOWN,
                errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)  # fmt: skip


def place(host: str, port: int) -> str:
    """``host:port``, with brackets around an IPv6 address."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def timed_out(where: str, phase: str, deadline: Deadline) -> ConnectError:
    """The error for a deadline that passed; `phase` is what was waited for."""
    return ConnectError(
        "timeout",
        f"{where}: no answer within {deadline.seconds:g} s while waiting for {phase}",
        "see whether the host is up and a firewall drops packets, or raise --connect-timeout",
    )


def resolve_name(host: str, port: int, family: str, deadline: Deadline) -> list[_Address]:
    """Addresses of a host, in the resolver's order.

    ``getaddrinfo`` has no timeout, so it runs in a daemon thread. If the resolver does not
    answer, the thread is left behind, and ends when the resolver gives up.

    Raises:
        ConnectError: ``name-resolution`` or ``timeout``.
    """
    socket_family = _FAMILIES.get(family, socket.AF_UNSPEC)
    if _is_address(host):
        return _addresses(host, port, socket_family, socket.AI_NUMERICHOST)
    answers: queue.SimpleQueue[list[_Address] | ConnectError] = queue.SimpleQueue()

    def look_up() -> None:
        try:
            answers.put(_addresses(host, port, socket_family, 0))
        except ConnectError as error:
            answers.put(error)

    threading.Thread(target=look_up, name=f"resolve {host}", daemon=True).start()
    try:
        answer = answers.get(timeout=deadline.remaining())
    except queue.Empty:
        raise timed_out(host, "name resolution", deadline) from None
    if isinstance(answer, ConnectError):
        raise answer
    return answer


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _addresses(host: str, port: int, family: int, flags: int) -> list[_Address]:
    try:
        entries = socket.getaddrinfo(host, port, family, socket.SOCK_STREAM, 0, flags)
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ConnectError(
            "name-resolution",
            f"{host!r} cannot be resolved: {reason}",
            "correct ansible_host, or the name service of this machine",
        ) from None
    return list(dict.fromkeys((entry[0], entry[4]) for entry in entries))


def connect_tcp(options: SshOptions, deadline: Deadline) -> SocketWire:
    """A TCP connection to the first address that accepts one.

    Raises:
        ConnectError: ``name-resolution``, ``refused``, ``no-route`` or ``timeout``, as the
            last address gave it.
    """
    where = place(options.hostname, options.port)
    addresses = resolve_name(options.hostname, options.port, options.address_family, deadline)
    last: OSError | None = None
    for index, (family, address) in enumerate(addresses):
        left = deadline.remaining()
        if left <= 0:
            break
        # An address that drops packets must leave time for those after it.
        share = left / (len(addresses) - index)
        try:
            return _connect(family, address, options.bind_address, share)
        except OSError as error:
            last = error
    if last is None or isinstance(last, TimeoutError) or last.errno == errno.ETIMEDOUT:
        raise timed_out(where, "the TCP connection", deadline)
    if last.errno == errno.ECONNREFUSED:
        raise ConnectError(
            "refused",
            f"{where} refused the connection",
            "start sshd there, or correct ansible_host and ansible_port",
        )
    if last.errno in _UNREACHABLE:
        raise ConnectError(
            "no-route",
            f"{where} cannot be reached: {last.strerror}",
            "see to the route to it (ip route get), and that a firewall does not reject",
        )
    raise ConnectError(
        "no-route",
        f"{where}: {last.strerror or last}",
        "see whether this machine may connect there",
    )


def _connect(
    family: socket.AddressFamily, address: _SocketAddress, source: str | None, seconds: float
) -> SocketWire:
    connection = socket.socket(family, socket.SOCK_STREAM)
    try:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        if source is not None:
            connection.bind((source, 0))
        connection.settimeout(seconds)
        connection.connect(address)
    except BaseException:
        connection.close()
        raise
    return SocketWire(connection, place(str(address[0]), int(address[1])))


def run_proxy(options: SshOptions, command: str) -> SocketWire:
    """The stream of a ProxyCommand, run by the user's shell as OpenSSH does.

    Raises:
        ConnectError: ``no-route`` if it cannot be started.
    """
    near, far = socket.socketpair()
    errors = tempfile.TemporaryFile()  # noqa: SIM115 - the wire owns and closes it
    shell = os.environ.get("SHELL") or "/bin/sh"
    try:
        # In a session of its own it has no terminal, and so cannot ask for a password.
        proxy = subprocess.Popen(
            [shell, "-c", f"exec {command}"],
            stdin=far.fileno(),
            stdout=far.fileno(),
            stderr=errors,
            start_new_session=True,
            env={**os.environ, "SSH_ASKPASS_REQUIRE": "never"},
        )
    except (OSError, ValueError) as error:
        near.close()
        errors.close()
        raise ConnectError(
            "no-route",
            f"ProxyCommand for {options.destination} cannot be started: {error}",
            "correct ProxyCommand in ssh_config",
        ) from None
    finally:
        far.close()
    return SocketWire(near, place(options.hostname, options.port), proxy, errors)

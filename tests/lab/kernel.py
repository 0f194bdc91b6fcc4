"""The system calls behind a lab host that Python lacks: setns, unshare, mount, and ctnetlink."""

from __future__ import annotations

import ctypes
import os
import socket
import struct
from enum import IntFlag
from pathlib import Path

_libc = ctypes.CDLL(None, use_errno=True)


class Namespaces(IntFlag):
    """Which namespaces to leave or enter: the CLONE_NEW* values of <linux/sched.h>."""

    MOUNT = 0x00020000
    UTS = 0x04000000
    IPC = 0x08000000
    PID = 0x20000000
    NET = 0x40000000


class MountFlags(IntFlag):
    """The MS_* values of <linux/mount.h> that the lab needs."""

    NONE = 0
    READ_ONLY = 1
    REMOUNT = 32
    BIND = 4096
    RECURSIVE = 16384
    PRIVATE = 1 << 18


def unshare(kinds: Namespaces) -> None:
    """Leave the namespaces of these kinds for new ones (PID: for the children to come).

    Raises:
        OSError: the kernel refused, usually for want of root.
    """
    _checked(_libc.unshare(int(kinds)), f"unshare({kinds!r})")


def setns(namespace: Path | int, kind: Namespaces) -> None:
    """Enter the namespace that a /proc/PID/ns file or an open descriptor of one stands for.

    It moves the calling thread alone (PID: the children to come).

    Raises:
        OSError: the file is gone, or the kernel refused.
    """
    if isinstance(namespace, int):
        _checked(_libc.setns(namespace, int(kind)), f"setns({namespace}, {kind!r})")
        return
    fd = os.open(namespace, os.O_RDONLY | os.O_CLOEXEC)
    try:
        _checked(_libc.setns(fd, int(kind)), f"setns({namespace}, {kind!r})")
    finally:
        os.close(fd)


def mount(
    source: str | Path,
    target: str | Path,
    filesystem: str = "",
    flags: MountFlags = MountFlags.NONE,
    options: str = "",
) -> None:
    """mount(2).

    Raises:
        OSError: the kernel refused; the text names source, target and file system.
    """
    status = _libc.mount(
        os.fsencode(source),
        os.fsencode(target),
        filesystem.encode(),
        ctypes.c_ulong(int(flags)),
        options.encode(),
    )
    _checked(status, f"mount {filesystem or 'bind'} {source} on {target}")


def forget_connections() -> None:
    """Flush the connections that this thread's network namespace tracks.

    Raises:
        OSError: the kernel refused, or has no ctnetlink.
    """
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_NETFILTER) as kernel:
        kernel.bind((0, 0))
        # struct nlmsghdr, and struct nfgenmsg: no attribute names a connection, so it is all.
        kernel.send(struct.pack("=IHHIIBBH", 20, _CT_DELETE, _REQUEST_AND_ACK, 1, 0, 0, 0, 0))
        error = struct.unpack_from("=i", kernel.recv(4096), 16)[0]
    if error:
        raise OSError(-error, os.strerror(-error), "ctnetlink")


_NETLINK_NETFILTER = 12
_CT_DELETE = 1 << 8 | 2  # NFNL_SUBSYS_CTNETLINK, IPCTNL_MSG_CT_DELETE
_REQUEST_AND_ACK = 1 | 4


def _checked(status: int, call: str) -> None:
    if status != 0:
        errno = ctypes.get_errno()
        raise OSError(errno, f"{call}: {os.strerror(errno)}")

"""What a traced program did to the host, from strace's output: all that is no reading."""

from __future__ import annotations

import re
from collections.abc import Iterator

_OPENING = frozenset({"open", "openat", "openat2", "creat"})
_SENDING = frozenset({"sendto", "sendmsg", "sendmmsg"})
_NEVER = frozenset(
    {
        "adjtimex",
        "bpf",
        "chmod",
        "chown",
        "chroot",
        "clock_adjtime",
        "clock_settime",
        "delete_module",
        "fallocate",
        "fchmod",
        "fchmodat",
        "fchmodat2",
        "fchown",
        "fchownat",
        "finit_module",
        "fremovexattr",
        "fsetxattr",
        "fsopen",
        "ftruncate",
        "futimesat",
        "init_module",
        "kexec_load",
        "kill",
        "lchown",
        "link",
        "linkat",
        "lremovexattr",
        "lsetxattr",
        "memfd_create",
        "mkdir",
        "mkdirat",
        "mknod",
        "mknodat",
        "mount",
        "move_mount",
        "mq_open",
        "msgget",
        "open_tree",
        "pidfd_send_signal",
        "pivot_root",
        "process_vm_writev",
        "ptrace",
        "reboot",
        "removexattr",
        "rename",
        "renameat",
        "renameat2",
        "rmdir",
        "semget",
        "setdomainname",
        "sethostname",
        "setns",
        "settimeofday",
        "setxattr",
        "shmget",
        "swapoff",
        "swapon",
        "symlink",
        "symlinkat",
        "tgkill",
        "tkill",
        "truncate",
        "umount2",
        "unlink",
        "unlinkat",
        "unshare",
        "utime",
        "utimensat",
        "utimes",
    }
)
TRACED = ",".join(
    f"?{name}"
    for name in sorted(
        _OPENING | _SENDING | _NEVER | {"connect", "bind", "setsockopt", "ioctl", "execve"}
    )
)
"""For ``strace -e trace=``."""

_CALL = re.compile(r"^(?:\d+ +)?(?P<name>[a-z_0-9]+)\((?P<arguments>.*)")
_WRITES = re.compile(r"\bO_(WRONLY|RDWR|CREAT|TRUNC|APPEND|TMPFILE)\b")
_WRITABLE = re.compile(r'"/dev/(null|tty)"')
_TYPE = re.compile(r"nlmsg_type=([^,]+?)(?: /\*.*?\*/)?,")
# 0: padding that ip sends along. 0xa10: NFT_MSG_GETGEN, where strace does not know the family.
# 0x44f to 0x452: what runuser's PAM tells the kernel's audit log of a session, as any login does.
_ASKING = re.compile(
    r"RTM_GET\w+|SOCK_DIAG_BY_FAMILY|NFNL_SUBSYS_NFTABLES<<8\|NFT_MSG_GET\w+|0xa10"
    r"|NFNL_SUBSYS_NFT_COMPAT<<8\|NFNL_MSG_COMPAT_GET"
    r"|NFNL_SUBSYS_IPSET<<8\|IPSET_CMD_(LIST|SAVE|PROTOCOL|HEADER|TYPE)|0|0x4(4f|50|51|52)"
)
# nss asks a cache of names, and runuser's PAM logs: neither is there on a lab host.
_NAMES = re.compile(r'sun_path="(/var/run/nscd/socket|/dev/log|/run/[^"]*dbus[^"]*)"')
_OPTIONS = re.compile(r", (SOL_SOCKET|SOL_NETLINK), ")
_READS = re.compile(r", (TCGETS\w*|SIOCG\w+|FIONREAD|TIOCGWINSZ)\b")
_LOADERS = re.compile(r'/(modprobe|insmod|kmod)"')


def writes(trace: str) -> Iterator[str]:
    """The calls of a trace that could change something, as strace wrote them."""
    for line in trace.splitlines():
        call = _CALL.match(line)
        if call is not None and _changes(call["name"], call["arguments"]):
            yield line


def _changes(name: str, arguments: str) -> bool:
    if name in _OPENING:
        writing = name == "creat" or _WRITES.search(arguments)
        return bool(writing) and not _WRITABLE.search(arguments)
    if name in _SENDING:
        types = [one.strip() for one in _TYPE.findall(arguments)]
        return not types or not all(_ASKING.fullmatch(one) for one in types)
    if name == "connect":
        return not ("AF_UNIX" in arguments and _NAMES.search(arguments))
    if name == "bind":
        return "AF_NETLINK" not in arguments
    if name == "setsockopt":
        return not _OPTIONS.search(arguments)
    if name == "ioctl":
        return not _READS.search(arguments)
    if name == "execve":
        return bool(_LOADERS.search(arguments))
    return name in _NEVER

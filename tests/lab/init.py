"""Process 1 of a lab host: builds the host around itself, then reaps its orphans.

Runs in a child of the keeper that is already first in a new PID namespace. What it
mounts lies in the host's own mount namespace, over file systems that vanish with it.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from tests.lab.kernel import Namespaces, mount, unshare
from tests.lab.spec import AUDIT_UID, HostSpec

PRIVATE = ("/etc", "/var", "/usr")
"""Directories that a host sees through an overlay: it may change them, the machine's stay."""

SCRATCH = ("/run", "/tmp")
"""Directories that start empty and are the host's own."""

# A new network namespace takes conf.all and conf.default from the machine, which may be hardened
# or a router: the lab's hosts start from the kernel's own defaults wherever they are built.
KERNEL_DEFAULTS = {
    "net.ipv4.ip_forward": "0",
    "net.ipv6.conf.all.forwarding": "0",
    "net.ipv4.conf.all.accept_redirects": "1",
    "net.ipv4.conf.default.accept_redirects": "1",
    "net.ipv4.conf.eth0.accept_redirects": "1",
    "net.ipv4.conf.all.secure_redirects": "1",
    "net.ipv4.conf.all.shared_media": "1",
    "net.ipv4.conf.all.rp_filter": "0",
    "net.ipv4.conf.default.rp_filter": "0",
    "net.ipv4.conf.eth0.rp_filter": "0",
    "net.ipv6.conf.all.disable_ipv6": "0",
    "net.ipv6.conf.default.disable_ipv6": "0",
    "net.ipv6.conf.eth0.disable_ipv6": "0",
    "net.ipv6.conf.all.accept_redirects": "1",
    "net.ipv6.conf.default.accept_redirects": "1",
    "net.ipv6.conf.eth0.accept_redirects": "1",
    # Duplicate address detection would hold link-local addresses back for a second.
    "net.ipv6.conf.all.accept_dad": "0",
    "net.ipv6.conf.eth0.accept_dad": "0",
}

SSHD = "/usr/sbin/sshd"
SSHD_START_SECONDS = 120.0

SSHD_CONFIG = """\
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
AuthorizedKeysFile /etc/ssh/lab_authorized_keys
UsePAM no
UseDNS no
StrictModes no
PrintMotd no
PrintLastLog no
PidFile /run/sshd.pid
LogLevel VERBOSE
Subsystem sftp internal-sftp
"""


def build(
    spec: HostSpec,
    overlays: Path,
    on_network: Callable[[], None],
    wait_for_link: Callable[[], None],
) -> None:
    """Make this process's surroundings the host, and start its sshd.

    `overlays` is the tmpfs directory for what the host changes. `on_network` is called once the
    network namespace exists, so that the keeper can put eth0 in it; `wait_for_link` returns then.

    Raises:
        OSError: a namespace or mount was refused.
        RuntimeError: ip or sshd failed; the text holds their words.
    """
    unshare(Namespaces.MOUNT | Namespaces.NET | Namespaces.UTS | Namespaces.IPC)
    on_network()
    socket.sethostname(spec.name)
    mount("proc", "/proc", "proc")
    mount("sysfs", "/sys", "sysfs")
    for directory in PRIVATE:
        _overlay(directory, overlays / directory.strip("/"))
    for directory in SCRATCH:
        mount(
            "tmpfs", directory, "tmpfs", options="mode=1777" if directory == "/tmp" else "mode=755"
        )
    _write_etc(spec)
    wait_for_link()
    for key, value in (*KERNEL_DEFAULTS.items(), *spec.sysctls):
        Path("/proc/sys", key.replace(".", "/")).write_text(value)
    if spec.sysctls:
        # Else it would be lost at the next boot of a host that boots itself.
        folder = Path("/etc/sysctl.d")
        folder.mkdir(exist_ok=True)
        lines = "".join(f"{key} = {value}\n" for key, value in spec.sysctls)
        (folder / "10-lab.conf").write_text(lines)
    _run("ip", "-batch", "-", text=_addressing(spec))
    start_sshd()


def start_sshd() -> None:
    """Start sshd and return when it listens: it writes its PidFile after that.

    Raises:
        RuntimeError: it did not come up within SSHD_START_SECONDS.
    """
    pid_file = Path("/run/sshd.pid")
    pid_file.unlink(missing_ok=True)
    _run(SSHD, "-E", "/var/log/sshd.log")
    deadline = time.monotonic() + SSHD_START_SECONDS
    while not pid_file.exists():
        if time.monotonic() > deadline:
            raise RuntimeError(f"sshd did not come up: {Path('/var/log/sshd.log').read_text()}")
        time.sleep(0.002)


def reap_for_ever() -> None:
    """Be a good process 1 until the keeper ends the lab."""
    signal.signal(signal.SIGCHLD, _reap)
    while True:
        signal.pause()


def _reap(_signal: int, _frame: object) -> None:
    try:
        while os.waitpid(-1, os.WNOHANG)[0] != 0:
            pass
    except ChildProcessError:
        return


def _overlay(directory: str, storage: Path) -> None:
    upper, work = storage / "upper", storage / "work"
    upper.mkdir(parents=True)
    work.mkdir()
    options = f"lowerdir={directory},upperdir={upper},workdir={work}"
    mount("overlay", directory, "overlay", options=options)


def _write_etc(spec: HostSpec) -> None:
    Path("/run/sshd").mkdir(mode=0o755)
    for login, uid in (("root", 0), ("audit", AUDIT_UID)):
        home = Path("/var/home", login)
        home.mkdir(parents=True, mode=0o755)
        os.chown(home, uid, uid)
    accounts = _other_lines("/etc/passwd")
    accounts += ["root:x:0:0:root:/var/home/root:/bin/sh"]
    accounts += [f"audit:x:{AUDIT_UID}:{AUDIT_UID}:audit:/var/home/audit:/bin/sh"]
    _put("/etc/passwd", "\n".join(accounts) + "\n")
    _put(
        "/etc/group",
        "\n".join([*_other_lines("/etc/group"), "root:x:0:"]) + f"\naudit:x:{AUDIT_UID}:\n",
    )
    # No password fits "*", and unlike "!" it does not lock the account for keys.
    _put("/etc/shadow", "root:*:19000:0:99999:7:::\naudit:*:19000:0:99999:7:::\n", 0o600)
    _put("/etc/hostname", f"{spec.name}\n")
    # A lab host has no boot of its own that could set sysctls; this says so to settings-persist.
    _put("/run/.containerenv", "")
    _put("/etc/hosts", f"127.0.0.1 localhost\n::1 localhost\n127.0.1.1 {spec.name}\n")
    if spec.sudoers is not None:
        _put("/etc/sudoers", f"root ALL=(ALL:ALL) ALL\n{spec.sudoers}\n", 0o440)
    config = "\n".join([*spec.sshd_options, SSHD_CONFIG])
    for stale in Path("/etc/ssh").glob("ssh_host_*"):
        stale.unlink()
    for name, text in spec.host_keys:
        _put(f"/etc/ssh/{name}", text, 0o600)
        config += f"HostKey /etc/ssh/{name}\n"
    _put("/etc/ssh/sshd_config", config)
    _put("/etc/ssh/lab_authorized_keys", spec.authorized_keys)


def _other_lines(file: str) -> list[str]:
    lines = Path(file).read_text(encoding="utf-8", errors="replace").splitlines()
    return [line for line in lines if not line.startswith(("root:", "audit:"))]


def _put(file: str, text: str, mode: int = 0o644) -> None:
    path = Path(file)
    path.unlink(missing_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)


def _addressing(spec: HostSpec) -> str:
    addresses = [add_address(address, "eth0") for address in spec.addresses]
    return "\n".join(["link set lo up", *addresses, "link set eth0 up", ""])


def add_address(address: str, interface: str) -> str:
    """The line of an ``ip -batch`` that gives an interface an address, usable at once."""
    nodad = " nodad" if ":" in address else ""
    return f"addr add {address} dev {interface}{nodad}"


def _run(*argv: str, text: str = "") -> None:
    done = subprocess.run(argv, input=text, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(argv)}: exit {done.returncode}: {done.stderr.strip()}")

"""A lab host as the tests handle it: commands, sysctls, sockets, routes and its sshd."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from ipaddress import ip_interface
from typing import TYPE_CHECKING, Literal

from tests.lab.endpoints import DIALLER, LISTENER, Dialler, Endpoint, Listener
from tests.lab.errors import LabError
from tests.lab.init import PRIVATE, SCRATCH, add_address
from tests.lab.keys import KeyPair
from tests.lab.old_kernel import SYSCTL_DIRECTORY_WITH_RECYCLE
from tests.lab.spec import HostSpec, Login
from tests.lab.sshd import Sshd

if TYPE_CHECKING:
    from tests.lab.lab import Lab

Family = Literal["ipv4", "ipv6"]

ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/var/home/root",
    "LC_ALL": "C.UTF-8",
}
"""Of commands that tests run inside a host, whatever the test run's own looks like."""

COMMAND_SECONDS = 120.0

# The interpreter below a virtual environment: a host may not see where that lies.
_PYTHON: str = getattr(sys, "_base_executable", sys.executable)


class LabHost:
    """One running host. Made by :meth:`tests.lab.lab.Lab.host`, never alone.

    Attributes:
        lab: where it stands.
        spec: what it was made from.
        login: who audits log in as.
        public_keys: of its host keys, as ``ssh-ed25519 AAAA…``.
        lab_pid: its process 1, as the lab's keeper counts.
        machine_pid: the same process, as the machine counts.
        sshd: its sshd.
    """

    def __init__(
        self,
        lab: Lab,
        spec: HostSpec,
        login: Login,
        keys: Sequence[KeyPair],
        lab_pid: int,
        machine_pid: int,
    ) -> None:
        self.lab = lab
        self.spec = spec
        self.login = login
        self.public_keys = tuple(pair.public for pair in keys)
        self.lab_pid = lab_pid
        self.machine_pid = machine_pid
        self.sshd = Sshd(self)
        self._interfaces = 1

    def __repr__(self) -> str:
        return f"<LabHost {self.name} {self.address}>"

    @property
    def name(self) -> str:
        """Host name, also the inventory's."""
        return self.spec.name

    @property
    def address(self) -> str:
        """The first address of eth0, where its sshd is reached."""
        return str(ip_interface(self.spec.addresses[0]).ip)

    @property
    def address6(self) -> str:
        """The first IPv6 address of eth0.

        Raises:
            LabError: the host was made without one.
        """
        for address in self.spec.addresses:
            if ":" in address:
                return str(ip_interface(address).ip)
        raise LabError(f"lab host {self.name} has no IPv6 address")

    def run(
        self, *argv: str, text: str = "", check: bool = True, timeout: float = COMMAND_SECONDS
    ) -> subprocess.CompletedProcess[str]:
        """Run a command as root in all of the host's namespaces, `text` being its input.

        Raises:
            LabError: with `check`, it did not exit 0; the text holds its standard error.
            subprocess.TimeoutExpired: it took longer than `timeout` seconds.
        """
        done = subprocess.run(
            self._entering(*argv),
            env=ENVIRONMENT,
            input=text,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
            check=False,
        )
        if check and done.returncode != 0:
            raise LabError(
                f"on lab host {self.name}: {' '.join(argv)}: exit {done.returncode}: "
                f"{done.stderr.strip() or done.stdout.strip()}"
            )
        return done

    def shell(
        self, script: str, *arguments: str, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Run a script with /bin/sh; its arguments are $1, $2…

        Raises:
            LabError: with `check`, it did not exit 0.
        """
        return self.run("sh", "-c", script, "sh", *arguments, check=check)

    def python(self, program: str, *arguments: str) -> str:
        """Run a Python program (the machine's interpreter, no packages); returns its output.

        Raises:
            LabError: it did not exit 0.
        """
        return self.run(_PYTHON, "-I", "-S", "-c", program, *arguments).stdout

    def sysctl(self, key: str, value: int | str | None = None) -> str:
        """Read a sysctl, after writing `value` when one is given. Slashes may stand for dots.

        Raises:
            LabError: there is no such key, or the kernel refuses the value.
        """
        path = "/proc/sys/" + (key if "/" in key else key.replace(".", "/"))
        if value is not None:
            self.shell('printf "%s\\n" "$2" > "$1"', path, str(value))
        return self.run("cat", path).stdout.strip()

    def listen(
        self,
        port: int,
        backlog: int = 128,
        *,
        address: str | None = None,
        family: Family = "ipv4",
        accept: bool = False,
    ) -> Listener:
        """Start a process that listens on a TCP port; without `accept` it lets its queue fill.

        Args:
            port: TCP port.
            backlog: what it asks listen(2) for; the kernel may give it less.
            address: to bind to; None is any of that family.
            family: IPv6 sockets are v6-only.
            accept: take connections at once, and hold them.

        Raises:
            tests.lab.endpoints.EndpointError: the port could not be bound.
        """
        four = family == "ipv4"
        bound = address or ("0.0.0.0" if four else "::")
        mode = "accept" if accept else "hold"
        arguments = ["4" if four else "6", bound, str(port), str(backlog), mode]
        return Listener(self._spawn, LISTENER, arguments)

    def dial(
        self, other: LabHost, port: int, n: int = 1, *, every: float = 0, family: Family = "ipv4"
    ) -> Dialler:
        """Start a process here that opens `n` connections to another host and holds them.

        `every` so many seconds (0: never) it opens one more, whether the others succeeded or not.
        """
        four = family == "ipv4"
        to = other.address if four else other.address6
        return Dialler(
            self._spawn, DIALLER, ["4" if four else "6", to, str(port), str(n), str(every)]
        )

    def connect_from(self, other: LabHost, port: int, n: int = 1) -> Dialler:
        """Have `other` hold `n` connections to a port of this host."""
        return other.dial(self, port, n)

    def program(self, source: str, *arguments: str | float) -> Endpoint:
        """Start a Python program here that prints "ready", and ends when its input does.

        It goes before other processes: a busy machine delays the audit, and not the traffic that
        the audit counts.

        Raises:
            tests.lab.endpoints.EndpointError: it did not come up.
        """
        words = [str(argument) for argument in arguments]
        return Endpoint(self._spawn, f"import os; os.nice(-10)\n{source}", words)

    def write_file(self, path: str, text: str, mode: int = 0o644) -> None:
        """Write a file that only this host sees, with its parent directories.

        Raises:
            LabError: the path is not below one of the host's own directories.
        """
        own = "|".join(f"{directory}/*" for directory in (*PRIVATE, *SCRATCH))
        script = (
            f'file=$(readlink -m -- "$1") && case $file in {own}) ;; *)'
            f' echo "$file lies in none of the host\'s own directories ({own})" >&2; exit 1;; esac'
            ' && mkdir -p "${file%/*}" && cat > "$file" && chmod "$2" "$file"'
        )
        self.run("sh", "-c", script, "sh", path, f"{mode:o}", text=text)

    def hide(self, tool: str) -> None:
        """Take a tool away from this host: running it ends in 127, as where it is not installed.

        Raises:
            LabError: the host has no such tool.
        """
        script = 'found=1; while path=$(command -v "$1"); do rm "$path"; found=0; done; exit $found'
        self.shell(script, tool)

    def fake_sysctl_directory(self, tcp_tw_recycle: int) -> None:
        """Give the host a /proc/sys/net/ipv4 as kernels before 4.12 had it, with tcp_tw_recycle.

        All other entries stay the kernel's own, and writable. The new one is a plain file: the
        remedy's ``sysctl -w`` works on it, but nothing acts upon it.
        """
        self.shell(SYSCTL_DIRECTORY_WITH_RECYCLE, str(tcp_tw_recycle))

    def attach(self, bridge: str, *addresses: str) -> str:
        """Plug in one more interface, on the bridge of this name (made if need be).

        Returns the interface's name, eth1 and so on.
        """
        interface = f"eth{self._interfaces}"
        cable = f"h{self.spec.index}e{self._interfaces}"
        self.lab.cable(self.lab_pid, cable, interface, bridge)
        self._interfaces += 1
        self.sysctl(f"net/ipv6/conf/{interface}/accept_dad", 0)
        lines = [add_address(address, interface) for address in addresses]
        self.run("ip", "-batch", "-", text="\n".join([*lines, f"link set {interface} up", ""]))
        return interface

    def _entering(self, *argv: str) -> list[str]:
        enter = ["nsenter", "-t", str(self.machine_pid), "-m", "-n", "-p", "-u", "-i"]
        return [*enter, "--", *argv]

    def _spawn(self, program: str, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self._entering(_PYTHON, "-I", "-S", "-c", program, *arguments),
            env=ENVIRONMENT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

"""The process that holds a whole lab: when it ends, the kernel takes everything with it.

Two processes. The outer one stays in the machine's namespaces; it waits for the inner one
and removes the lab's directory, whatever became of the test run. The inner one is process 1
of the lab's PID namespace and lives in the network namespace with the bridges (where audits
run as well). It reads requests, one JSON line each, and ends when the other end of its socket
does, so that neither Ctrl-C, SIGTERM nor SIGKILL of the test run can leave a host behind.

Run as ``python -m tests.lab.keeper DIRECTORY`` with a stream socket as standard input.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import traceback
from pathlib import Path
from typing import Any, NoReturn

from tests.lab import init
from tests.lab.kernel import MountFlags, Namespaces, mount, setns, unshare
from tests.lab.spec import HostSpec

CLIENT_ADDRESSES = ("198.18.0.1/16", "fd42:198:18::1/64")
"""Of the bridge itself: audits come from here. RFC 2544's range is on no real network."""


def main() -> None:
    """Start the inner process, wait for its end, and remove the lab's directory."""
    directory = Path(sys.argv[1])
    unshare(Namespaces.PID)
    inner = os.fork()
    if inner == 0:
        _inner(directory)
    os.close(0)
    os.waitpid(inner, 0)
    shutil.rmtree(directory, ignore_errors=True)


def _inner(directory: Path) -> NoReturn:
    control = socket.socket(fileno=0)
    try:
        unshare(Namespaces.MOUNT | Namespaces.NET)
        mount("none", "/", flags=MountFlags.PRIVATE | MountFlags.RECURSIVE)
        overlays = directory / "overlays"
        overlays.mkdir()
        mount("tmpfs", overlays, "tmpfs", options="mode=700")
        # What a host may not change it shall not change: the real machine is below.
        mount("none", "/", flags=MountFlags.REMOUNT | MountFlags.BIND | MountFlags.READ_ONLY)
        keeper = Keeper(overlays)
        keeper.add_bridge("lan", CLIENT_ADDRESSES)
        _answer(control, {"pid": _machine_pid()})
        with control.makefile("r", encoding="utf-8") as requests:
            for line in requests:
                _answer(control, keeper.obey(json.loads(line)))
    except BaseException:  # noqa: BLE001 - the last words of process 1, for the test run to show
        _answer(control, {"error": traceback.format_exc()})
    os._exit(0)


def _answer(control: socket.socket, reply: dict[str, Any]) -> None:
    try:
        control.sendall(json.dumps(reply).encode() + b"\n")
    except BrokenPipeError:
        os._exit(0)


class Keeper:
    """Makes hosts, bridges and the cables between them."""

    def __init__(self, overlays: Path) -> None:
        self._overlays = overlays
        self._bridges: set[str] = set()
        self._own_pids = os.open("/proc/self/ns/pid", os.O_RDONLY)
        _ip("link set lo up")

    def obey(self, request: dict[str, Any]) -> dict[str, Any]:
        """Carry out one request; an error becomes the reply's ``error``."""
        try:
            match request["do"]:
                case "hosts":
                    return {
                        "hosts": self.make_hosts([HostSpec.from_json(s) for s in request["hosts"]])
                    }
                case "remove":
                    os.kill(request["host"], signal.SIGKILL)
                    os.waitpid(request["host"], 0)
                    return {}
                case "cable":
                    self.add_bridge(request["bridge"])
                    _ip(
                        _cable(
                            request["cable"],
                            request["host"],
                            request["interface"],
                            request["bridge"],
                        )
                    )
                    return {}
                case other:
                    return {"error": f"unknown request {other!r}"}
        except (OSError, RuntimeError) as error:
            return {"error": str(error)}

    def add_bridge(self, name: str, addresses: tuple[str, ...] = ()) -> None:
        """Add a bridge unless it is there.

        Its MAC address is fixed: by itself a bridge takes the lowest of its ports, and hosts that
        come and go would change it under connections. Multicast snooping is off, or IPv6
        neighbours get lost.
        """
        if name in self._bridges:
            return
        self._bridges.add(name)
        # The first byte says locally administered.
        mac = f"02:00:00:00:00:{len(self._bridges):02x}"
        lines = [f"link add {name} address {mac} type bridge forward_delay 0 mcast_snooping 0"]
        lines += [init.add_address(address, name) for address in addresses]
        _ip("\n".join([*lines, f"link set {name} up"]))

    def make_hosts(self, specs: list[HostSpec]) -> list[dict[str, int]]:
        """Make hosts side by side; returns each one's process 1, as lab and machine count.

        Raises:
            RuntimeError: a host could not be built; the text names it and the reason.
        """
        for spec in specs:
            self.add_bridge(spec.bridge)
        births = [self._conceive(spec) for spec in specs]
        for birth in births:
            birth.hear()
        _ip("\n".join(_cable(f"h{b.spec.index}", b.pid, "eth0", b.spec.bridge) for b in births))
        for birth in births:
            birth.go()
        for birth in births:
            birth.hear()
        return [{"pid": birth.pid, "machine_pid": birth.machine_pid} for birth in births]

    def _conceive(self, spec: HostSpec) -> Birth:
        here, there = socket.socketpair()
        unshare(Namespaces.PID)
        pid = os.fork()
        if pid == 0:
            here.close()
            _be_host(spec, self._overlays / str(spec.index), there)
        # Without this the next host's process would be born into this one's PID namespace.
        setns(self._own_pids, Namespaces.PID)
        there.close()
        return Birth(spec, pid, here)


class Birth:
    """A host under construction, seen by the keeper."""

    def __init__(self, spec: HostSpec, pid: int, channel: socket.socket) -> None:
        self.spec = spec
        self.pid = pid
        self.machine_pid = 0
        self._channel = channel
        self._reader = channel.makefile("r", encoding="utf-8")

    def hear(self) -> None:
        """Wait for the host's next word.

        Raises:
            RuntimeError: it is an error, or the host died without a word.
        """
        line = self._reader.readline()
        word: dict[str, Any] = json.loads(line) if line else {"error": "died while being built"}
        if "error" in word:
            raise RuntimeError(f"lab host {self.spec.name}: {word['error']}")
        if "machine_pid" in word:
            self.machine_pid = word["machine_pid"]

    def go(self) -> None:
        """Tell the host that its eth0 is there."""
        self._channel.sendall(b".")


def _be_host(spec: HostSpec, overlays: Path, keeper: socket.socket) -> NoReturn:
    try:
        os.close(0)
        os.open("/dev/null", os.O_RDWR)
        machine_pid = _machine_pid()
        init.build(
            spec,
            overlays,
            on_network=lambda: _answer(keeper, {"machine_pid": machine_pid}),
            wait_for_link=lambda: _wait(keeper),
        )
        _answer(keeper, {})
        keeper.close()
        init.reap_for_ever()
    except Exception as error:  # noqa: BLE001 - told to the keeper, which raises it in the test run
        _answer(keeper, {"error": f"{type(error).__name__}: {error}"})
    os._exit(1)


def _machine_pid() -> int:
    """This process's id as the machine counts, while /proc is still the machine's."""
    return int(Path("/proc/self").readlink().name)


def _wait(keeper: socket.socket) -> None:
    if keeper.recv(1) == b"":
        raise RuntimeError("the keeper gave up")


def _cable(cable: str, host: int, interface: str, bridge: str) -> str:
    return (
        f"link add {cable} type veth peer name {interface} netns {host}\n"
        f"link set {cable} addrgenmode none\n"
        f"link set {cable} master {bridge} up"
    )


def _ip(batch: str) -> None:
    done = subprocess.run(
        ["ip", "-batch", "-"], input=batch + "\n", capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise RuntimeError(f"ip -batch: {done.stderr.strip()}\n{batch}")


if __name__ == "__main__":
    main()

"""The light SSH server: thousands of hosts in one process, and none of their work.

    python -m tests.lab.load.server FOLDER ADDRESS WINDOW

It answers on port 22 of every loopback address that FOLDER/addresses lists, each with a host key
of its own, which it writes to FOLDER/known_hosts before it says "ready". The first script that it
is sent it lets the real host at ADDRESS run; each further host that is sent the same one sleeps
for the window and repeats the answer, with the boundary of the script that it was sent itself.
The audit cannot tell them from real hosts, and they take 2 ms of CPU each.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import sys
from dataclasses import dataclass, field
from pathlib import Path

import asyncssh

_BOUNDARY = re.compile(rb"nethygiene-[0-9a-f]{32}")
_PLACEHOLDER = b"(boundary)"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a script came to, the boundary left out."""

    stdout: bytes
    stderr: bytes
    status: int


@dataclass(slots=True)
class Server:
    """All hosts.

    Attributes:
        folder: holds the client's key, the addresses, and the real host's known_hosts.
        real: address of the host that runs what is new.
        window: seconds after which the others answer.
    """

    folder: Path
    real: str
    window: float
    _answers: dict[bytes, asyncio.Task[Answer]] = field(default_factory=dict)

    async def serve(self) -> None:
        """Serve until the standard input ends."""
        addresses = (self.folder / "addresses").read_text().split()
        keys = {one: asyncssh.generate_private_key("ssh-ed25519") for one in addresses}
        lines = [f"{one} {key.export_public_key().decode()}" for one, key in keys.items()]
        (self.folder / "known_hosts").write_text("".join(lines))
        common = asyncssh.SSHServerConnectionOptions(
            server_host_keys=[keys[addresses[0]]],
            authorized_client_keys=str(self.folder / "identity.pub"),
            process_factory=self._run,
            encoding=None,
            line_editor=False,
            # As cheap for both sides as any that a current sshd has.
            kex_algs=["curve25519-sha256", "curve25519-sha256@libssh.org"],
        )
        options = {
            one: asyncssh.SSHServerConnectionOptions(common, server_host_keys=[key])
            for one, key in keys.items()
        }
        loop = asyncio.get_running_loop()
        over = loop.run_in_executor(None, sys.stdin.buffer.read)
        with socket.create_server(("", 22), backlog=1024) as listener:
            listener.setblocking(False)
            print("ready", flush=True)  # noqa: T201 - what the test waits for
            accepting = loop.create_task(self._accept(listener, options))
            await asyncio.wait([over, accepting], return_when=asyncio.FIRST_COMPLETED)
            accepting.cancel()

    async def _accept(
        self, listener: socket.socket, options: dict[str, asyncssh.SSHServerConnectionOptions]
    ) -> None:
        loop = asyncio.get_running_loop()
        tasks: set[asyncio.Task[None]] = set()
        while True:
            connection, _ = await loop.sock_accept(listener)
            task = loop.create_task(_serve(connection, options[connection.getsockname()[0]]))
            tasks.add(task)
            task.add_done_callback(tasks.discard)

    async def _run(self, process: asyncssh.SSHServerProcess[bytes]) -> None:
        command = process.command or ""
        script = await process.stdin.read()
        if command.startswith("sleep "):
            await asyncio.sleep(float(command.split()[1]))
            process.exit(0)
            return
        found = _BOUNDARY.search(script)
        boundary = found[0] if found else _PLACEHOLDER
        neutral = script.replace(boundary, _PLACEHOLDER)
        task = self._answers.get(neutral)
        if task is None:
            task = self._answers[neutral] = asyncio.create_task(
                self._really(command, script, boundary)
            )
        else:
            await asyncio.sleep(self.window)
        answer = await task
        process.stdout.write(answer.stdout.replace(_PLACEHOLDER, boundary))
        process.stderr.write(answer.stderr.replace(_PLACEHOLDER, boundary))
        process.exit(answer.status)

    async def _really(self, command: str, script: bytes, boundary: bytes) -> Answer:
        ssh = await asyncio.create_subprocess_exec(
            *("ssh", "-F", "none", "-o", "BatchMode=yes", "-i", str(self.folder / "identity")),
            *("-o", f"UserKnownHostsFile={self.folder / 'real'}", f"root@{self.real}", command),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        stdout, stderr = await ssh.communicate(script)
        return Answer(
            stdout.replace(boundary, _PLACEHOLDER),
            stderr.replace(boundary, _PLACEHOLDER),
            ssh.returncode or 0,
        )


async def _serve(connection: socket.socket, options: asyncssh.SSHServerConnectionOptions) -> None:
    # Who hangs up in the midst of it is no fault of the server's.
    with contextlib.suppress(asyncssh.Error, OSError):
        await (await asyncssh.run_server(connection, options=options)).wait_closed()


if __name__ == "__main__":
    asyncio.run(Server(Path(sys.argv[1]), sys.argv[2], float(sys.argv[3])).serve())

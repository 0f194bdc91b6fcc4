"""A real sshd for each test, on loopback, with keys and configuration of its own."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from nethygiene.transport import close_shared_connections
from tests.lab.connections.servers import (
    MARK,
    SSHD,
    Keys,
    Sshd,
    SshdFactory,
    free_port,
    wait_for,
)


@pytest.fixture(autouse=True)
def _needs_sshd() -> None:
    missing = []
    if os.getuid() != 0:
        missing.append("root")
    if not Path(SSHD).exists() or shutil.which("ssh-keygen") is None:
        missing.append("openssh-server")
    if missing:
        reason = f"a real sshd needs {' and '.join(missing)}"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No agent, key or known_hosts of whoever runs the tests takes part."""
    home = tmp_path / "home"
    (home / ".ssh").mkdir(parents=True, mode=0o700)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)


@pytest.fixture(autouse=True)
def nothing_left_behind() -> Iterator[None]:
    """Every test must give back its descriptors and end its threads."""
    close_shared_connections()
    threads = set(threading.enumerate())
    before = _descriptors()
    yield
    close_shared_connections()
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        left = {
            thread
            for thread in set(threading.enumerate()) - threads
            if not thread.name.startswith(("nethygiene-watchdog", "resolve "))
        }
        after = _descriptors()
        if not left and len(after) <= len(before):
            return
        time.sleep(0.02)
    assert not left, f"threads left behind: {left}"
    assert len(after) <= len(before), f"descriptors left behind: {after} where there were {before}"


def _descriptors() -> list[str]:
    found = []
    for entry in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            found.append(os.readlink(entry))  # noqa: PTH115 - a Path would resolve it
    return [link for link in found if not link.startswith("/proc/")]


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    return Keys(tmp_path_factory.mktemp("keys"))


@pytest.fixture
def sshd(tmp_path: Path, keys: Keys) -> Iterator[SshdFactory]:
    """Starts sshds; `options` are lines of sshd_config, `host_keys` their key files."""
    running: list[Sshd] = []

    def start(
        *options: str,
        host_keys: tuple[Path, ...] = (),
        authorized: tuple[Path, ...] | None = None,
        port: int | None = None,
    ) -> Sshd:
        number = len(running)
        directory = tmp_path / f"sshd{number}"
        directory.mkdir()
        user_key = keys("user")
        chosen = host_keys or (keys("host"),)
        accepted = directory / "authorized_keys"
        accepted.write_text(
            "".join(f"{keys.public(path)}\n" for path in (authorized or (user_key,)))
        )
        number_of_port = port or free_port()
        config = directory / "sshd_config"
        lines = [
            f"ListenAddress 127.0.0.1:{number_of_port}",
            *(f"HostKey {path}" for path in chosen),
            f"AuthorizedKeysFile {accepted}",
            "PidFile none",
            "UsePAM no",
            "StrictModes no",
            "PermitRootLogin yes",
            "PasswordAuthentication no",
            "KbdInteractiveAuthentication no",
            "LogLevel VERBOSE",
            f"SetEnv {MARK}={number_of_port}",
        ]
        # The first value of an option counts: a test's own come first.
        config.write_text("\n".join([*options, *lines]) + "\n")
        log = directory / "log"
        Path("/run/sshd").mkdir(exist_ok=True)
        process = subprocess.Popen(
            [SSHD, "-D", "-f", str(config), "-E", str(log)], start_new_session=True
        )
        known_hosts = directory / "known_hosts"
        public = keys.public(chosen[0])
        known_hosts.write_text(f"[127.0.0.1]:{number_of_port} {public}\n")
        server = Sshd(number_of_port, process, log, chosen[0], public, user_key, known_hosts)
        running.append(server)
        wait_for(server)
        return server

    yield start
    for server in running:
        server.stop()

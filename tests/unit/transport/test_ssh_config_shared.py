"""One answer of `ssh -G` for all hosts, where it is the same for all of them."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Lock

import pytest

from nethygiene.errors import ConnectError
from nethygiene.transport import ssh_config_shared
from nethygiene.transport.deadline import Deadline
from nethygiene.transport.ssh_config import resolve
from nethygiene.transport.ssh_options import SshOptions, SshQuery

pytestmark = pytest.mark.skipif(shutil.which("ssh") is None, reason="no ssh on PATH")
Ask = Callable[..., SshOptions]


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A log of what OpenSSH's client was asked."""
    log = tmp_path / "asked"
    log.touch()
    wrapper = tmp_path / "ssh"
    wrapper.write_text(f'#!/bin/sh\necho "$@" >>{log}\nexec {shutil.which("ssh")} "$@"\n')
    wrapper.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    return log


@pytest.fixture
def ask(tmp_path: Path) -> Ask:
    writing = Lock()

    def resolved(config: str, destination: str, **changes: object) -> SshOptions:
        path = tmp_path / "config"
        # A file that is written twice, or read half written, is another one.
        with writing:
            if not path.exists() or path.read_text() != config:
                path.write_text(config)
        query = SshQuery(destination, config=str(path), **changes)  # type: ignore[arg-type]
        return resolve(query, Deadline.after(120))

    return resolved


COMMON = "Port 2200\nHost *\n User audit\n IdentityFile ~/key\nMatch all\n ConnectTimeout 7\n"


def test_it_is_asked_once_for_a_fleet(
    asked: Path, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    # However long a busy machine takes to answer the first, the others wait for it.
    monkeypatch.setattr(ssh_config_shared, "_PATIENCE", 60.0)
    names = [f"10.0.0.{number}" for number in range(40)] + ["Web.Example.com", "fd00::1"]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda name: ask(COMMON, name, port=22, user="root"), names))
    assert [one.hostname for one in found] == [name.lower() for name in names]
    assert [one.destination for one in found] == names
    assert {(one.port, one.user, one.connect_timeout) for one in found} == {(22, "root", 7.0)}
    assert len(asked.read_text().splitlines()) == 1


@pytest.mark.parametrize("change", [{"port": 23}, {"user": "eve"}, {"arguments": ("-oPort=24",)}])
def test_another_question_has_an_answer_of_its_own(
    asked: Path, ask: Ask, change: dict[str, object]
) -> None:
    one, other = ask(COMMON, "10.0.0.1"), ask(COMMON, "10.0.0.2", **change)
    assert (one.port, one.user) != (other.port, other.user)
    assert len(asked.read_text().splitlines()) == 2


@pytest.mark.parametrize(
    "config",
    [
        "Host web-*\n User root\n",
        "Host=web-2\n User root\n",
        'Host "web-2"\n User root\n',
        "Host * !web-2\n User root\n",
        "Match host web-2\n User root\n",
        "match originalhost web-2\nUser root\n",
        "HostName %h.example.com\n",
        "  HOSTNAME=10.0.0.1\n",
        "IdentityFile /keys/%n\n",
        "CanonicalizeHostname always\n",
        "Include {folder}/included\n",
        "Host *\n Include {folder}/inc*\n",
    ],
)
def test_where_hosts_differ_each_is_asked_for(
    asked: Path, ask: Ask, tmp_path: Path, config: str
) -> None:
    (tmp_path / "included").write_text("Host web-2\n User root\n")
    config = config.format(folder=tmp_path)
    names = ["web-1", "web-2"]
    together = [ask(config, name) for name in names]
    assert len(asked.read_text().splitlines()) == 2
    # A different file of the same words, so that nothing is remembered.
    assert together == [ask(f"{config}# {name}\n", name) for name in names]


@pytest.mark.parametrize("name", ["root@web-2", "fe80::1%eth0", "web-2%"])
def test_a_name_that_is_more_than_a_name_is_asked_for(asked: Path, ask: Ask, name: str) -> None:
    ask(COMMON, "web-1")
    ask(COMMON, name)
    assert len(asked.read_text().splitlines()) == 2


@pytest.mark.parametrize(
    ("name", "hostname"),
    [("10.1", "10.0.0.1"), ("0x7f.1", "127.0.0.1"), ("fd00:0::01", "fd00::1")],
)
def test_an_address_is_written_as_ssh_does(ask: Ask, name: str, hostname: str) -> None:
    # known_hosts knows it by that.
    ask(COMMON, "web-1")
    assert ask(COMMON, name).hostname == hostname


def test_one_host_whose_question_hangs_holds_up_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = tmp_path / "started"
    hang = (
        f'case "$*" in *web-1) echo $$ >{started}.new; mv {started}.new {started}; exec sleep 300'
    )
    wrapper = tmp_path / "ssh"
    wrapper.write_text(f'#!/bin/sh\n{hang} ;; esac\nexec {shutil.which("ssh")} "$@"\n')
    wrapper.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    config = tmp_path / "config"
    config.write_text(COMMON)

    def ask_within(name: str, seconds: float) -> SshOptions:
        return resolve(SshQuery(name, config=str(config)), Deadline.after(seconds))

    with ThreadPoolExecutor(1) as pool:
        hanging = pool.submit(ask_within, "web-1", 120.0)
        while not started.exists():
            assert not hanging.done(), hanging.result()
            time.sleep(0.01)
        assert ask_within("web-2", 60.0).port == 2200
        assert not hanging.done()
        os.kill(int(started.read_text()), signal.SIGKILL)
        with pytest.raises(ConnectError, match="ssh -G ended"):
            hanging.result()
    with pytest.raises(ConnectError, match=r"gave no answer within 0\.5 s"):
        ask_within("web-1", 0.5)


@pytest.mark.parametrize(
    ("arguments", "first", "asked_for"),
    [
        (("-J", "web-2"), "web-1", 2),
        (("-J", "web-1"), "web-1", 2),
        (("-J", "hop"), "web-1", 1),
        (("-o", "HostName=%h.example"), "web-1", 2),
        (("-o", "LogLevel=QUIET"), "web-1", 1),
    ],
)
def test_arguments_that_make_hosts_differ(
    asked: Path, ask: Ask, arguments: tuple[str, ...], first: str, asked_for: int
) -> None:
    for name in (first, "web-2"):
        ask(COMMON, name, arguments=arguments)
    assert len(asked.read_text().splitlines()) == asked_for


def test_a_wrong_configuration_is_told_for_each_host(ask: Ask) -> None:
    for name in ("web-1", "web-2"):
        with pytest.raises(ConnectError, match=f"{name}.*bad configuration option"):
            ask("Nonsense yes\n", name)


def test_a_jump_host_is_not_reached_by_way_of_itself(ask: Ask) -> None:
    assert ask("ProxyJump web-2\n", "web-1").proxy_jump == ("web-2",)
    for name in ("web-2", "WEB-2"):
        with pytest.raises(ConnectError, match="loop"):
            ask("ProxyJump web-2\n", name)

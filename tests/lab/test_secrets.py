"""Secrets of a real audit: of the client's key, of the inventory, and those that a host shows."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from nethygiene.collect.evidence import read_evidence
from tests.canaries import ProcessWatch, canary, found_below, found_in
from tests.lab.audit import AuditRun, audit
from tests.lab.cases.tunnels import POLICY, settle
from tests.lab.host import LabHost
from tests.lab.lab import Lab

NAMES = ("passphrase", "inventory", "argv", "command", "proxy", "fastopen", "core", "environment")
SECRET = {name: canary(name) for name in NAMES}
# These two are in processes of the host that were there before.
OF_THE_CLIENT = {name: SECRET[name] for name in ("passphrase", "inventory")}
TALKATIVE = (
    *("-vv", "--tb=long", "--showlocals", "--setup-show", "--debug=debug.log", "-rA"),
    *("-o", "log_cli=true", "--log-level=DEBUG", "--log-file=log.txt", "--annotations=github"),
    *("--html=report.html", "--self-contained-html", "--junit-xml=junit.xml"),
    *("--summary-md=summary.md", "--evidence=evidence.jsonl"),
    *("--window=0", "-k", "tunnel or persist or plain"),
)
SYSCTLS = f"""
net.ipv4.tcp_fastopen_key = {SECRET["fastopen"]}
net.ipv6.conf.default.stable_secret={SECRET["fastopen"]}
-kernel.core_pattern=|/usr/bin/dump --token={SECRET["core"]}
net.ipv4.tcp_syncookies = 1
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("talkative")


@pytest.fixture(scope="module")
def agent(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An agent that holds the key of the lab, whose file has a passphrase; yields that file."""
    folder = tmp_path_factory.mktemp("agent")
    key, ask, socket = folder / "id", folder / "ask", folder / "socket"
    key.write_text(lab.identity.read_text())
    key.chmod(0o600)
    words = ["ssh-keygen", "-q", "-p", "-P", "", "-N", SECRET["passphrase"], "-f", str(key)]
    subprocess.run(words, check=True, capture_output=True)
    Path(f"{key}.pub").write_text(Path(f"{lab.identity}.pub").read_text())
    ask.write_text(f"#!/bin/sh\nprintf '%s\\n' '{SECRET['passphrase']}'\n")
    ask.chmod(0o700)
    with subprocess.Popen(["ssh-agent", "-D", "-a", str(socket)], stdout=subprocess.DEVNULL) as one:
        try:
            environment = {
                **os.environ,
                "SSH_AUTH_SOCK": str(socket),
                "SSH_ASKPASS": str(ask),
                "SSH_ASKPASS_REQUIRE": "force",
            }
            while not socket.exists():
                assert one.poll() is None
            add = ["ssh-add", "-q", str(key)]
            subprocess.run(add, env=environment, check=True, capture_output=True)
            yield key
        finally:
            one.terminate()


@pytest.fixture(scope="module")
def hosts(lab: Lab) -> Iterator[list[LabHost]]:
    """A host that is full of secrets, with a tunnel whose job is careless with them."""
    cloud, host = lab.hosts("jump", "secretive")
    settle(host, cloud)
    host.write_file("/etc/sysctl.d/50-secret.conf", SYSCTLS)
    waits = "import time; time.sleep(300)"
    careless = f"sleep 300; sshpass -p '{SECRET['proxy']}%' true"
    remote = f"mysql --password='{SECRET['command']}'"
    ssh = ["runuser", "-u", "plant", "--", "ssh", "-o", f"ProxyCommand={careless}", "cloud.example"]
    with ExitStack() as stack:
        for words in (
            [sys.executable, "-I", "-S", "-c", waits, f"--password={SECRET['argv']}"],
            ["env", f"TOKEN={SECRET['environment']}", "sleep", "300"],
            [*ssh, remote],
        ):
            words[0] = "/usr/bin/python3" if words[0] == sys.executable else words[0]
            one = stack.enter_context(subprocess.Popen(host._entering(*words)))
            stack.callback(one.terminate)
        while "ProxyCommand" not in host.shell("cat /proc/[0-9]*/cmdline", check=False).stdout:
            pass
        yield [host, cloud]
    for each in (host, cloud):
        lab.remove(each)


@pytest.fixture(scope="module")
def watched(
    lab: Lab, hosts: list[LabHost], agent: Path, folder: Path
) -> tuple[AuditRun, ProcessWatch]:
    """An audit over both clients and through a jump host, as talkative as can be."""
    secretive, other = hosts
    config = folder / "ssh_config"
    config.write_text(f"Host *\n IdentityAgent {agent.parent}/socket\n")
    variables = {
        "db_password": SECRET["inventory"],
        "ansible_ssh_private_key_file": str(agent),
        "ansible_ssh_common_args": f"-F {config} -J root@{other.address}",
        "nested": {"token": [SECRET["inventory"]]},
    }
    inventory = lab.inventory([secretive], variables=variables, policy=POLICY, name="secrets")
    # The same host twice: by both clients, each through a jump host.
    lines = inventory.read_text().split("    secretive:\n")
    entries = "".join(
        f"    by-{kind}:\n{lines[1]}      ansible_connection: {kind}\n"
        for kind in ("paramiko", "ssh")
    )
    inventory.write_text(lines[0] + entries)
    outputs = [
        f"{one.replace('=', f'={folder}/', 1)}" if _names_file(one) else one for one in TALKATIVE
    ]
    # A check of a user's own talks over the connection that is logged.
    own = folder / "test_plain.py"
    own.write_text("def test_plain(host):\n    assert host.run('true').rc == 0\n")
    with ProcessWatch(OF_THE_CLIENT) as watch:
        run = audit(lab, [secretive], str(own), *outputs, inventory=inventory)
    inventory.unlink()
    return run, watch


def _names_file(option: str) -> bool:
    return option.startswith("--") and option.endswith(
        (".log", ".txt", ".html", ".xml", ".md", ".jsonl")
    )


def test_the_audit_saw_the_hosts(watched: tuple[AuditRun, ProcessWatch], folder: Path) -> None:
    run, watch = watched
    assert [host["error"] for host in run.document["hosts"]] == [None] * 2, run
    assert any(words.startswith("ssh -T ") for words in watch.seen)
    assert run.one("by-ssh", "tunnel-running").outcome == "passed", run
    assert {"debug.log", "log.txt", "report.html", "junit.xml"} <= {
        one.name for one in folder.iterdir()
    }


def test_nothing_that_is_written_holds_a_secret(
    watched: tuple[AuditRun, ProcessWatch], folder: Path, lab: Lab
) -> None:
    run, _ = watched
    assert found_in((run.stdout + run.stderr).encode(), SECRET) == set()
    assert found_below(folder, SECRET) == set()
    assert found_below(lab.directory, SECRET) == set()
    _, hosts = read_evidence(folder / "evidence.jsonl")
    for host in hosts:
        carried = b"".join(one.stdout + one.stderr for one in host.sections.values())
        assert b"cloud.example" in carried
        assert found_in(carried, SECRET) == set()
        assert b"PRIVATE KEY" not in carried


def test_no_process_shows_one(watched: tuple[AuditRun, ProcessWatch]) -> None:
    assert watched[1].found == set()


def test_a_leak_would_be_seen(lab: Lab, hosts: list[LabHost], folder: Path) -> None:
    leaky = folder / "test_leaky.py"
    script = "cat /etc/sysctl.d/50-secret.conf /proc/[0-9]*/cmdline /proc/[0-9]*/environ"
    leaky.write_text(f"def test_leaky(host):\n    assert host.run({script!r}).stdout == ''\n")
    run = audit(lab, hosts[:1], str(leaky), "-k", "leaky", "-vv", "--window=0")
    shown = {"argv", "command", "proxy", "fastopen", "core", "environment"}
    assert found_in(run.stdout.encode(), SECRET) == shown
    leaky.unlink()

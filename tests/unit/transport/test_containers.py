"""docker, podman and kubectl: a program on PATH plays each, and runs what it is given here."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest

from nethygiene.errors import ConnectError
from nethygiene.inventory.target import ConnectionKind, Target
from nethygiene.transcript import Cut
from nethygiene.transport import ConnectSettings, open_connection
from nethygiene.transport.containers import exec_arguments

TOOL = """#!/bin/sh
echo "$0 $*" | sed 's,.*/,,' >> {log}
{before}
while [ "$1" != /bin/sh ]; do shift; done
exec "$@"
"""


@pytest.fixture
def tool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return tmp_path


def install(directory: Path, name: str, before: str = "") -> Path:
    log = directory / "log"
    path = directory / name
    path.write_text(TOOL.format(log=log, before=before))
    path.chmod(0o700)
    return log


def target(kind: ConnectionKind, address: str, user: str | None = None) -> Target:
    return Target(name="c", address=address, kind=kind, user=user)


@pytest.mark.parametrize(
    ("kind", "address", "user", "expected"),
    [
        ("docker", "web", None, "docker exec -i web"),
        ("docker", "www@web", "root", "docker exec -i -u www web"),
        ("podman", "web", "www", "podman exec -i -u www web"),
        ("kubectl", "pod", "www", "kubectl exec -i pod --"),
        (
            "kubectl",
            "pod?namespace=n&container=c",
            None,
            "kubectl --namespace=n --container=c exec -i pod --",
        ),
    ],
)
def test_arguments(kind: ConnectionKind, address: str, user: str | None, expected: str) -> None:
    assert " ".join(exec_arguments(target(kind, address, user))) == expected


@pytest.mark.parametrize(
    ("kind", "address"), [("docker", "-privileged"), ("docker", ""), ("kubectl", "pod?x=1")]
)
def test_addresses_that_are_none(kind: ConnectionKind, address: str) -> None:
    with pytest.raises(ConnectError):
        exec_arguments(target(kind, address))


@pytest.mark.parametrize("kind", ["docker", "podman", "kubectl"])
def test_one_exec_serves_the_opening_and_the_first_command(
    tool: Path, kind: ConnectionKind
) -> None:
    log = install(tool, kind, "echo a greeting")
    connection = open_connection(target(kind, "web"), ConnectSettings())
    output = connection.run("/bin/sh -s", b"echo out; echo err >&2; exit 5")
    assert (output.stdout, output.stderr, output.status) == (b"out\n", b"err\n", 5)
    assert len(log.read_text().splitlines()) == 1
    tricky = "printf '%s|' 'a\\nb' \"$0\" \"it's\" 'x\ny' '%b' '\\\\' \\$; cat"
    expected = subprocess.run(
        ["/bin/sh", "-c", tricky], input=b"in\n", capture_output=True, check=True
    ).stdout
    assert connection.run(tricky, b"in\n").stdout == expected
    connection.close()
    assert len(log.read_text().splitlines()) == 2


@pytest.mark.slow
def test_deadline_and_cap_hold(tool: Path) -> None:
    install(tool, "docker")
    settings = ConnectSettings(command_timeout=3.0, max_stdout=1000)
    connection = open_connection(target("docker", "web"), settings)
    began = time.monotonic()
    assert connection.run("sleep 300").cut is Cut.TIMEOUT
    assert connection.run("yes").cut is Cut.CAP
    connection.close()
    assert time.monotonic() - began < 60
    assert connection.run("true").cut is Cut.CLOSED


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("daemon: No such container: web", "name-resolution"),
        ("daemon: container 3f is not running", "refused"),
        ("permission denied on the Docker daemon socket", "authentication"),
        ("Cannot connect to the Docker daemon at unix:///x", "refused"),
        ('OCI runtime exec failed: exec: "/bin/sh": stat /bin/sh: no such file', "exec-denied"),
        ("something new", "exec-denied"),
        ("", "exec-denied"),
    ],
)  # fmt: skip
def test_what_the_tool_says_becomes_an_error(tool: Path, said: str, code: str) -> None:
    install(tool, "docker", f"echo '{said}' >&2; exit 1")
    with pytest.raises(ConnectError) as caught:
        open_connection(target("docker", "web"), ConnectSettings())
    assert caught.value.code == code
    assert said in caught.value.message
    assert caught.value.cure


def test_a_tool_that_says_nothing(tool: Path) -> None:
    install(tool, "docker", "sleep 300")
    with pytest.raises(ConnectError) as caught:
        open_connection(target("docker", "web"), ConnectSettings(connect_timeout=0.3))
    assert caught.value.code == "timeout"


@pytest.mark.usefixtures("tool")
def test_a_tool_that_is_missing() -> None:
    with pytest.raises(ConnectError, match="podman cannot be started") as caught:
        open_connection(target("podman", "web"), ConnectSettings())
    assert caught.value.code == "exec-denied"


def test_a_later_command_whose_tool_fails_is_closed(tool: Path) -> None:
    install(tool, "docker")
    connection = open_connection(target("docker", "web"), ConnectSettings())
    assert connection.run("true").status == 0
    install(tool, "docker", "echo No such container: web >&2; exit 1")
    output = connection.run("true")
    assert output.cut is Cut.CLOSED
    assert b"No such container" in output.stderr
    connection.close()

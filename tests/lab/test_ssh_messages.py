"""What the ssh that is here says when a tunnel cannot be, and that it is known for what it is."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from nethygiene.subjects.tunnels.messages import is_complaint
from tests.lab import keys
from tests.lab.cases.tunnels import HOME, furnish
from tests.lab.host import LabHost
from tests.lab.lab import Lab

TO_CLOUD = "ssh -o BatchMode=yes -o ExitOnForwardFailure=yes"
# Servers that are none: what one does with each connection.
PEERS = """
import socket, struct, sys, threading
def serve(port, act):
    listener = socket.create_server(("127.0.0.1", port))
    while True:
        connection, _ = listener.accept()
        act(connection)
def reset(connection):
    connection.recv(1)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()
held = []
def another(connection):
    connection.sendall(b"HTTP/1.1 400 \\0\\r\\n")
    held.append(connection)
acts = {3001: socket.socket.close, 3002: reset, 3003: held.append, 3004: another}
for port, act in acts.items():
    threading.Thread(target=serve, args=(port, act), daemon=True).start()
print("ready", flush=True)
sys.stdin.read()
"""
SAID = {
    "refused": (f"{TO_CLOUD} -p 9 cloud.example", "port 9: Connection refused"),
    "no route": (f"{TO_CLOUD} 198.51.100.7", "port 22: No route to host"),
    "no such name": (f"{TO_CLOUD} nowhere.invalid", "Could not resolve hostname"),
    "denied": (f"{TO_CLOUD} -F none -l audit cloud.example", "Permission denied (publickey"),
    "too many keys": (
        (
            "for n in 1 2 3 4 5 6 7; do ssh-keygen -q -t ed25519 -N '' -f /tmp/key$n; done; "
            f"{TO_CLOUD} -F none -l audit $(printf ' -i /tmp/key%s' 1 2 3 4 5 6 7) cloud.example"
        ),
        "Too many authentication failures",
    ),
    "not known": (f"{TO_CLOUD} -o UserKnownHostsFile=none cloud.example", "verification failed"),
    "changed": (f"{TO_CLOUD} -o HostKeyAlias=changed cloud.example", "HAS CHANGED"),
    "revoked": (f"{TO_CLOUD} -o HostKeyAlias=revoked cloud.example", "REVOKED HOST KEY"),
    "closed at once": (f"{TO_CLOUD} -p 3001 127.0.0.1", "kex_exchange_identification"),
    "reset at once": (f"{TO_CLOUD} -p 3002 127.0.0.1", "reset by"),
    "no greeting": (
        f"{TO_CLOUD} -o ConnectTimeout=1 -p 3003 127.0.0.1",
        "timed out during banner exchange",
    ),
    "another protocol": (
        f"{TO_CLOUD} -o ConnectTimeout=1 -p 3004 127.0.0.1",
        "kex_exchange_identification",
    ),
    "nothing in common": (
        f"{TO_CLOUD} -o KexAlgorithms=diffie-hellman-group1-sha1 cloud.example",
        "Unable to negotiate with",
    ),
    "port taken": (f"{TO_CLOUD} -N -L 127.0.0.1:3001:localhost:22 cloud.example", "in use"),
    "port refused": (f"{TO_CLOUD} -N -L 127.0.0.1:80:localhost:22 cloud.example", "bind"),
    "no such address": (f"{TO_CLOUD} -N -L 198.51.100.7:81:localhost:22 cloud.example", "bind"),
    "port taken there": (
        f"{TO_CLOUD} -N -R 127.0.0.1:22:localhost:22 cloud.example",
        "remote port forwarding failed",
    ),
    "and it stays": (
        "timeout 2 ssh -N -R 127.0.0.1:22:localhost:22 cloud.example",
        "remote port forwarding failed",
    ),
    "nothing behind it": (
        (
            f"{TO_CLOUD} -N -L 127.0.0.1:5000:localhost:9 cloud.example & "
            "until ss -ltnH 'sport = :5000' | grep -q .; do sleep 0.05; done; "
            "ssh -o BatchMode=yes -p 5000 127.0.0.1; sleep 0.1; kill $!"
        ),
        "open failed: connect failed: Connection refused",
    ),
    "a bad option": (f"{TO_CLOUD} -o Hots=yes cloud.example", "Bad configuration option"),
    "a bad line": (
        "echo 'Port many' > /tmp/bad; ssh -F /tmp/bad cloud.example",
        "terminating, 1 bad configuration options",
    ),
    "a file of all": (
        f"chmod 666 ~/.ssh/config; {TO_CLOUD} cloud.example; chmod 600 ~/.ssh/config",
        "Bad owner or permissions",
    ),
    "no ssh": ("PATH=/none; ssh cloud.example", "not found"),
}


@pytest.fixture(scope="module")
def home(lab: Lab) -> Iterator[LabHost]:
    cloud, one = lab.hosts("cloud", "home")
    furnish(one, cloud)
    (key,) = cloud.public_keys[:1]
    other = keys.generate(lab.directory / "another").public
    one.shell(
        f"echo 'cloud.example {key}\nchanged {other}\n@revoked revoked {key}' "
        f"> {HOME}/.ssh/known_hosts; ip route add unreachable 198.51.100.0/24"
    )
    with one.program(PEERS):
        yield one
    lab.remove(one)
    lab.remove(cloud)


def said(home: LabHost, script: str) -> list[str]:
    """What ssh told the user whose job it is."""
    text = f"export HOME={HOME} LC_ALL=C; {{ {script}; }} </dev/null 2>&1 >/dev/null"
    done = home.run("runuser", "-u", "plant", "--", "sh", "-c", text, check=False)
    return (done.stdout + done.stderr).splitlines()


@pytest.mark.parametrize("state", SAID)
def test_ssh_says_what_we_look_for(home: LabHost, state: str) -> None:
    script, words = SAID[state]
    lines = said(home, script)
    assert any(words in line and is_complaint(line) for line in lines), lines


def test_a_login_that_succeeds_says_nothing_of_the_kind(home: LabHost) -> None:
    lines = said(home, f"{TO_CLOUD} cloud.example true && echo done >&2")
    assert lines[-1:] == ["done"]
    lines += said(home, f"timeout 1 {TO_CLOUD} -N -L 127.0.0.1:5001:localhost:22 cloud.example")
    assert not [line for line in lines if is_complaint(line)]

"""Nothing of an inventory is executed: not its names, not its paths, whatever stands in them.

Each value would leave a file called CANARY behind, if any shell, ssh or container tool took it for
more than a word. What the inventory refuses cannot get there; what it takes is really run.
"""

from __future__ import annotations

import copy
import getpass
import json
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nethygiene.collect.command import Command
from nethygiene.engine.catalogue import all_probes, commands_for
from nethygiene.errors import ConnectError, InventoryError, UsageError
from nethygiene.inventory.load import load_inventory
from nethygiene.inventory.policy import policy_from_plain
from nethygiene.inventory.target import Target
from nethygiene.transport import ConnectSettings, open_connection
from tests.fuzz.answers import POLICY, policy
from tests.lab.connections.servers import free_port
from tests.unit.collect.shells import SHELLS, run

CANARY = "canary"
_TOUCH = f"touch {CANARY}"
HOSTILE = (
    f"$({_TOUCH})",
    f"`{_TOUCH}`",
    f";{_TOUCH};",
    f"'; {_TOUCH}; '",
    f'"; {_TOUCH}; "',
    f"'\"; {_TOUCH}; \"'",
    f"\n{_TOUCH}\n",
    f"\\'; {_TOUCH}; #",
    f"|{_TOUCH}|",
    f"&& {_TOUCH}",
    f"$(touch${{IFS}}{CANARY})",
    f"-oProxyCommand={_TOUCH}",
    f"-oProxyCommand=touch${{IFS}}{CANARY}",
    f"%h;{_TOUCH}",
    f"$'\\n{_TOUCH}'",
    f"{{nh,;{_TOUCH}}}",
    f"nh_x; {_TOUCH}",
    "*",
    "$nh",
    "--",
    "\0",
)
# In turn: most places refuse the one or the other.
SPELLINGS = (*HOSTILE, *(f"a{one}" for one in HOSTILE[::2]), *(f"a {one}" for one in HOSTILE[1::4]))


# Of the rest nothing comes into the script, whatever it says.
_POLICY = {key: POLICY[key] for key in ("tunnels", "routes", "default_interface")}
_PLAIN = policy_from_plain({})
_DECLARING = [
    name
    for name, one in all_probes().items()
    if one.commands_for(_PLAIN) != one.commands_for(policy())
]


def _paths(node: object, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Each place of a policy where a string may stand: values, and the names of items."""
    if isinstance(node, dict):
        for key, inner in node.items():
            yield (*path, key, None)
            yield from _paths(inner, (*path, key))
    elif isinstance(node, list):
        for index, inner in enumerate(node):
            yield from _paths(inner, (*path, index))
    else:
        yield path


def _with(path: tuple[Any, ...], value: str) -> dict[str, Any]:
    policy: Any = copy.deepcopy(dict(_POLICY))
    for tunnel in policy["tunnels"].values():
        # Who runs the tests: so that the commands of the tunnel's user are really run.
        tunnel["user"] = getpass.getuser()
    node = policy
    for key in path[:-2] if path[-1] is None else path[:-1]:
        node = node[key]
    if path[-1] is None:
        node[value] = node.pop(path[-2])
    else:
        node[path[-1]] = value
    return {str(key): one for key, one in policy.items()}


def _shapes(path: tuple[Any, ...], value: str) -> Iterator[str]:
    """The value, and dressed up as what stands there."""
    yield value
    if path[-1] == "run_by":
        yield f"{value}.service"
    if path[-1] == "log":
        yield f"/{value}"
    if "forwards" in str(path[-2:]):
        yield f"1:{value}:2"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


@pytest.mark.slow
def test_a_policy_s_words_stay_words_in_the_script(place: Path) -> None:
    taken: dict[str, Command] = {}
    usual = {one.shell for one in commands_for(_DECLARING, policy_from_plain(dict(_POLICY)))}
    tunnels = {"to-cloud", "tunnels", None}
    for path in _paths(_POLICY):
        if path[0] == "tunnels" and path[1] not in tunnels and path[-1] not in {"run_by", "log"}:
            continue  # as in the first of them
        for value in SPELLINGS:
            for shape in _shapes(path, value):
                try:
                    accepted = policy_from_plain(_with(path, shape))
                except UsageError:
                    continue
                for command in commands_for(_DECLARING, accepted):
                    if command.shell not in usual:
                        taken[command.shell] = command
    # Names of options, their values and paths of logs are free; if none were, nothing was tested.
    assert len(taken) > 40
    assert any("ProxyCommand" in shell for shell in taken)
    for number, words in enumerate(SHELLS.values()):
        # Each command by one of them: they quote alike.
        commands = list(taken.values())[number :: len(SHELLS)]
        answer = run(commands, words, cwd=str(place))
        assert answer.framed.complete
        assert not (place / CANARY).exists()


def test_the_words_that_are_tested_would_be_obeyed(place: Path) -> None:
    assert run([Command("x", f"echo {HOSTILE[0]}")], cwd=str(place)).framed.complete
    assert (place / CANARY).exists()


VARIABLES = (
    "ansible_host",
    "ansible_port",
    "ansible_user",
    "ansible_ssh_private_key_file",
    "ansible_become_user",
    "ansible_connection",
    "nethygiene_host_keys",
)
KINDS = ("paramiko", "ssh", "local", "docker", "podman", "kubectl")
STAND_IN = '#!/bin/sh\nwhile [ $# -gt 0 ] && [ "$1" != /bin/sh ]; do shift; done\nexec "$@"\n'


def _targets(folder: Path, kind: str, port: int) -> Iterator[Target]:
    """The targets of all hostile hosts that the inventory lets in."""
    base = {"ansible_host": "127.0.0.1", "ansible_port": port, "ansible_connection": kind}
    arguments = [f"-J {shlex.quote(one)}" for one in SPELLINGS]
    hosts: list[tuple[str, dict[str, Any]]] = [(one, base) for one in SPELLINGS]
    hosts += [("h", {**base, name: one}) for name in VARIABLES for one in SPELLINGS]
    # A ProxyCommand is one, as it is for ssh: the one command that an inventory may hold.
    arguments += [one for one in SPELLINGS if "-oProxyCommand" not in one]
    hosts += [("h", {**base, "ansible_ssh_common_args": one}) for one in arguments]
    hosts += [
        ("h", {**base, "ansible_ssh_common_args": f"-o {shlex.quote(f'{key}={one}')}"})
        for key in ("User", "HostName", "IdentityFile", "ProxyJump", "HostKeyAlias")
        for one in SPELLINGS
    ]
    seen: set[object] = set()
    for name, variables in hosts:
        path = folder / "inventory.json"
        document = {"_meta": {"hostvars": {name: variables}}, "web": {"hosts": [name]}}
        path.write_text(json.dumps(document))
        try:
            target = load_inventory(path).hosts[0].target
        except InventoryError:
            continue
        # Neither containers nor this machine take more than an address and a user.
        same = target if kind in {"paramiko", "ssh"} else (target.address, target.user)
        if same not in seen:
            seen.add(same)
            yield target


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_connection_variables_are_words_for_every_transport(
    place: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for tool in ("docker", "podman", "kubectl"):
        (place / tool).write_text(STAND_IN)
        (place / tool).chmod(0o755)
    monkeypatch.setenv("PATH", f"{place}:/usr/bin:/bin:/usr/sbin")
    settings = ConnectSettings(connect_timeout=60.0, command_timeout=60.0)
    tried = 0
    for target in _targets(place, kind, free_port()):
        tried += 1
        try:
            connection = open_connection(target, settings)
        except ConnectError:
            pass
        else:
            connection.run("/bin/sh -s", b"exit 0")
            connection.close()
        assert not (place / CANARY).exists(), target
    assert tried

"""Secrets of an inventory: no run tells them, not in an error and not at its most talkative."""

from __future__ import annotations

from pathlib import Path

import pytest

from nethygiene.inventory.connection_refused import _REFUSED
from tests.canaries import canary, found_below, found_in
from tests.plugin.conftest import Runner

SECRET = {"one": canary("one"), "two": canary("two")}
ONE, TWO = SECRET.values()
# All that pytest and its logging can be made to say.
TALKATIVE = (
    *("-vv", "--tb=long", "--showlocals", "--setup-show", "--debug=debug.log", "-rA"),
    *("-o", "log_cli=true", "--log-level=DEBUG", "--log-file=log.txt", "--annotations=github"),
    *("--html=report.html", "--self-contained-html", "--junit-xml=junit.xml"),
    *("--summary-md=summary.md", "--evidence=evidence.jsonl", "--capture=tee-sys"),
)
HOST = "all:\n  hosts:\n    here:\n      ansible_connection: local\n"
ARGUMENTS = "ansible_ssh_common_args"
VARIABLES = {
    "refused-later": f"ansible_password: '{ONE}'\n      ansible_port: x",
    "vault": f"ansible_user: !vault |\n        $ANSIBLE_VAULT;{ONE}",
    "template": f"{ARGUMENTS}: \"-o ProxyCommand='sshpass -p {{{{ {ONE} }}}} ssh j'\"",
    "proxy": f"{ARGUMENTS}: \"-o ProxyCommand='sshpass -p {ONE} ssh -W %h:%p j'\"",
    "open-quote": f'{ARGUMENTS}: "-o ProxyCommand=\'sshpass -p {ONE}"',
    "argument": f"{ARGUMENTS}: '--password={ONE}'",
    "option": "nethygiene: {tunnels: {t: {user: me, destination: d, options: "
    f"{{ProxyCommand: 'sshpass -p {ONE} nc'}}}}}}}}",
    "unknown-key": f"nethygiene: {{services: {{db: {{port: 1, password: '{ONE}'}}}}}}",
    "list": f"ansible_become_pass: ['{ONE}']",
    "mapping": f"ansible_ssh_pass: {{value: '{ONE}'}}",
    "not-yaml": f"ansible_password: '{ONE}",
    "bad-character": f"ansible_password: @{ONE}",
    "tab": f"ansible_password: x\n\t  {ONE}: x",
    "twice": f"ansible_password: '{ONE}'\n      ansible_password: '{TWO}'",
    "tag": f"ansible_password: !secret '{ONE}'",
}
IN = {name: f"{HOST}      {text}\n" for name, text in VARIABLES.items()}
WHOLE = {
    "ini": f"[all]\nhere ansible_connection=local ansible_password={ONE}\n",
    "json": f'{{"_meta": {{"hostvars": {{"here": {{"ansible_password": "{ONE}"}}}}, "x": "{TWO}"}}',
    "words": f"ansible_password={ONE}\n",
    "program-fails": f"#!/bin/sh\necho 'password={ONE}' >&2; echo 'x --token {TWO}' >&2; exit 3\n",
    "program-talks": f"#!/bin/sh\necho 'not JSON: {ONE}'\n",
    "program-refused": "#!/bin/sh\necho '"
    '{"all": {"hosts": ["here"]}, "_meta": {"hostvars": {"here": {"ansible_connection": "local",'
    f' "ansible_password": "{ONE}"}}}}}}\'\n',
}


def told(runner: Runner, inventory: Path, output: str) -> set[tuple[str, str]]:
    files = found_below(runner.folder, SECRET, but=[inventory, runner.folder / "test_mine.py"])
    return files | {("output", name) for name in found_in(output.encode(), SECRET)}


@pytest.mark.parametrize("text", [*IN.values(), *WHOLE.values()], ids=[*IN, *WHOLE])
def test_an_inventory_that_is_refused(runner: Runner, text: str) -> None:
    inventory = runner.inventory(text)
    inventory.chmod(0o755 if text.startswith("#!") else 0o644)
    suite = runner.run(f"--inventory={inventory}", *TALKATIVE)
    assert suite.status == 4, suite.output
    assert not told(runner, inventory, suite.output + suite.errors)


def test_every_refused_variable(runner: Runner) -> None:
    lines = "".join(f"      {name}: '{ONE}'\n" for name in _REFUSED)
    inventory = runner.inventory(HOST + lines)
    suite = runner.run(f"--inventory={inventory}", *TALKATIVE)
    assert suite.status == 4
    assert all(name in suite.errors + suite.output for name in _REFUSED)
    assert not told(runner, inventory, suite.output + suite.errors)


BUGGY = f'''
"""A bug in a rule, and a plain check that fails; their locals are shown."""
from nethygiene.rules import *

@rule(severity="high", kind="setting", incidents=["S3"])
def test_mine(sysctl, policy, expect):
    """Mine.

    Why: a test.
    Remedy: none.
    References: none.
    """
    mine = sysctl, policy
    raise ValueError("--password={TWO}")

def test_plain(host, policy):
    theirs = host
    assert theirs is policy
'''
PLAIN_VARIABLES = f"""\
all:
  vars:
    db_password: '{ONE}'
    vault: {{deep: ['{ONE}', {{deeper: '{TWO}'}}]}}
  hosts:
    here: {{ansible_connection: local, token: '{TWO}'}}
"""


def test_variables_that_are_none_of_ours(runner: Runner) -> None:
    inventory = runner.inventory(PLAIN_VARIABLES)
    for more in ((), ("--collect-only",)):
        suite = runner.run(f"--inventory={inventory}", *TALKATIVE, *more)
        assert suite.status in {0, 1, 10, 11}, suite.status
        assert not told(runner, inventory, suite.output + suite.errors)
    assert {"debug.log", "log.txt", "report.html", "evidence.jsonl"} <= {
        path.name for path in runner.folder.iterdir()
    }


def test_a_bug_in_a_rule_and_a_failing_check(runner: Runner) -> None:
    inventory = runner.inventory(PLAIN_VARIABLES)
    suite = runner.check(BUGGY, f"--inventory={inventory}", *TALKATIVE)
    assert suite.status == 3, suite.output
    assert "theirs     = " in suite.output
    assert not told(runner, inventory, suite.output + suite.errors)


def test_the_test_sees_a_leak(runner: Runner) -> None:
    inventory = runner.inventory(PLAIN_VARIABLES)
    leak = f"def test_leak(host):\n    leaked = {ONE!r}\n    assert host is None\n"
    suite = runner.check(leak, f"--inventory={inventory}", *TALKATIVE)
    places = {place for place, _ in told(runner, inventory, suite.output)}
    assert {"output", "report.html", "junit.xml"} <= places, places

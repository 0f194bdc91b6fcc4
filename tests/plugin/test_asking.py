"""What asks for an audit, and that no audit of other hosts than was meant looks like one."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from nethygiene.own_command import own_command
from nethygiene.shipped import default_inventory
from tests.plugin.conftest import CHECKS, LOCAL, PLUGIN, Runner

OWN = "def test_own(listeners):\n    assert len(list(listeners)) >= 0\n"


@pytest.mark.parametrize("has_inventory", [True, False])
@pytest.mark.parametrize(
    ("option", "instead"),
    [
        ("--hosts=ssh://root@10.255.255.1", "--inventory=FILE that holds the hosts"),
        ("--connection=ssh", "ansible_connection"),
        ("--ansible-inventory=hosts.ini", "ansible-inventory --list --export"),
        ("--force-ansible", "ansible_connection"),
        ("--ssh-extra-args=-v", "ansible_ssh_common_args"),
        ("--sudo-user=audit", "ansible_become_user"),
    ],
)
def test_an_option_of_testinfra_that_is_not_obeyed_is_wrong_usage(
    runner: Runner, option: str, instead: str, has_inventory: bool
) -> None:
    more = [f"--inventory={runner.inventory(LOCAL)}"] if has_inventory else []
    suite = runner.run(option, *more, "-k", "timestamps")
    assert suite.status == 4
    told = suite.output + suite.errors
    assert f"{option.partition('=')[0]} is Testinfra's" in told
    assert instead in told
    assert suite.run is None


def test_testinfra_alone_keeps_its_options(runner: Runner) -> None:
    (runner.folder / "test_theirs.py").write_text(
        "def test_theirs(host):\n    assert host.run('true').rc == 0\n"
    )
    done = runner.pytester.runpytest_inprocess(*PLUGIN, "--hosts=local://", "test_theirs.py")
    assert done.ret == 0


@pytest.mark.parametrize(
    "option",
    [
        *("--results=own.json", "--summary-md=own.md", "--evidence=own.jsonl", "--label=a=b"),
        *("--window=0", "--limit=localhost", "--fail-on=high", "--annotations=none"),
    ],
)
def test_any_option_of_ours_asks_for_an_audit(runner: Runner, option: str) -> None:
    (runner.folder / "test_own.py").write_text(OWN)
    done = runner.pytester.runpytest_inprocess(*PLUGIN, option, "test_own.py")
    text = done.stdout.str()
    assert done.ret == 0, text
    assert f"inventory: {default_inventory()} (default: this machine), " in text
    assert "1 host: localhost" in text
    name, _, value = option.partition("=")
    if name in {"--results", "--summary-md", "--evidence"}:
        assert (runner.folder / value).stat().st_size


def test_without_any_a_fixture_of_ours_says_how_to_ask(runner: Runner) -> None:
    (runner.folder / "test_own.py").write_text(
        OWN + "def test_theirs(no_such_fixture):\n    pass\n"
    )
    done = runner.pytester.runpytest_inprocess(*PLUGIN, "test_own.py")
    assert done.ret == 1
    done.stdout.fnmatch_lines(
        ["*fixture 'listeners' not found: nethygiene has it*", "*give --inventory=FILE*"]
    )
    assert "fixture 'no_such_fixture' not found: " not in done.stdout.str()


def test_without_checks_it_says_what_to_add(runner: Runner) -> None:
    inventory = runner.inventory(LOCAL)
    done = runner.pytester.runpytest_inprocess(*PLUGIN, f"--inventory={inventory}")
    assert done.ret == 4
    told = done.stdout.str() + done.stderr.str()
    assert f"{runner.folder} holds none: add them: " in told
    assert "--pyargs nethygiene.checks" in told


def test_own_checks_that_pytest_finds_by_itself_are_checks(runner: Runner) -> None:
    (runner.folder / "test_own.py").write_text(OWN)
    arguments = (*PLUGIN, f"--inventory={runner.inventory(LOCAL)}", "--window=0")
    assert runner.pytester.runpytest_inprocess(*arguments).ret == 0
    # What was found and not selected was there.
    assert runner.pytester.runpytest_inprocess(*arguments, "-k", "nothing").ret == 5


def test_the_hosts_are_told_first(runner: Runner) -> None:
    inventory = runner.inventory(LOCAL)
    suite = runner.run(f"--inventory={inventory}", "-k", "timestamps")
    head = suite.output.split("collected ")[0].splitlines()
    assert f"inventory: {inventory}, 1 host: here" in head
    assert "(default: this machine)" not in suite.output


def test_many_hosts_are_counted_and_the_first_are_named(runner: Runner) -> None:
    hosts = "".join(f"    web-{n}: {{ansible_connection: local}}\n" for n in range(7))
    inventory = runner.inventory(f"all:\n  hosts:\n{hosts}")
    suite = runner.run(f"--inventory={inventory}", "--collect-only")
    assert "7 hosts: web-0, web-1, web-2, web-3, web-4, …\n" in suite.output
    suite = runner.run(f"--inventory={inventory}", "--limit=web-5", "--collect-only")
    assert f"inventory: {inventory}, limited to web-5, 1 host: web-5\n" in suite.output


@pytest.mark.parametrize("quiet", [("-q",), ("-qq",), ("--no-header",)])
def test_they_are_told_without_a_header_too(runner: Runner, quiet: tuple[str, ...]) -> None:
    suite = runner.run(*quiet, "-k", "timestamps")
    lines = [one for one in suite.output.splitlines() if "1 host: localhost" in one]
    assert lines == [f"inventory: {default_inventory()} (default: this machine), 1 host: localhost"]
    assert suite.output.index(lines[0]) < suite.output.index("network hygiene")


def test_a_quiet_list_of_tests_holds_tests_alone(runner: Runner) -> None:
    suite = runner.run("-q", "--collect-only", "-k", "timestamps")
    assert "inventory: " not in suite.output
    assert "test_tcp_timestamps_enabled[localhost]" in suite.output


RULE = (
    "from nethygiene.rules import *\n"
    "from nethygiene.subjects.kernel.sysctl import Sysctls\n"
    "@rule(severity='high', kind='setting', incidents=['S3'])\n"
    "def test_mine(sysctl: Sysctls, expect: Expect) -> None:\n"
    "    '''Mine.\n\n    Why: a.\n    Remedy: b.\n    References: c.\n    '''\n"
    "    expect('somaxconn', sysctl['net.core.somaxconn'], at_least(1))\n"
)


def test_a_rule_that_begins_the_audit_tells_them(runner: Runner) -> None:
    (runner.folder / "test_rule.py").write_text(RULE)
    done = runner.pytester.runpytest_inprocess(*PLUGIN, "test_rule.py")
    assert done.ret == 0
    assert done.stdout.str().count("(default: this machine), 1 host: localhost") == 1


def test_evidence_is_named_as_what_it_is(runner: Runner, local: str) -> None:
    path = runner.folder / "kept.jsonl"
    runner.run(local, f"--evidence={path}", "-k", "timestamps")
    suite = runner.run(f"--from-evidence={path}", "-k", "timestamps")
    assert f"evidence: {path}, 1 host: here\n" in suite.output
    suite = runner.run(f"--from-evidence={path}", local, "-k", "timestamps")
    inventory = local.partition("=")[2]
    assert f"inventory: {inventory}, evidence: {path}, 1 host: here\n" in suite.output


@pytest.mark.slow
def test_with_xdist_they_are_told_once(runner: Runner, local: str) -> None:
    done = runner.pytester.runpytest_subprocess(
        *("-p", "nethygiene.plugin", "-p", "no:cacheprovider", "-n1", str(CHECKS)),
        *(local, "-k", "timestamps", "--window=0"),
    )
    assert done.ret == 0
    assert done.stdout.str().count("1 host: here") == 1


SENT_ON = (
    "from nethygiene.rules import *\n"
    "@rule(severity='high', kind='setting', incidents=['S3'])\n"
    "def test_mine(expect: Expect) -> None:\n"
    "    '''Mine.\n\n    Why: a.\n    Remedy: b.\n    References: c.\n    '''\n"
    "    unknown('install what `nethygiene sudoers` prints')\n"
)


@pytest.mark.parametrize("is_found", [True, False])
def test_a_command_that_the_shell_does_not_find_is_told(
    runner: Runner, local: str, is_found: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Path(sys.executable).parent
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin" if is_found else "/usr/bin:/bin")
    suite = runner.check(SENT_ON, local)
    assert suite.status == 10, suite.output
    said = f"The shell does not find `nethygiene`: type `{own_command()}` in its place."
    assert (said in " ".join(suite.output.split())) is not is_found
    assert "does not find" not in runner.run(local, "-k", "timestamps").output

"""Users' plain checks: `host`, facts by name, and assert."""

from __future__ import annotations

from nethygiene.engine.outcomes import Outcome, Reason
from tests.plugin.conftest import LOCAL, PLUGIN, Runner


def test_host_and_facts_are_of_the_same_host(runner: Runner, local: str) -> None:
    source = (
        "def test_kernel(host, kernel):\n"
        "    '''The kernel is the same by both ways.'''\n"
        "    assert host.run('uname -r').stdout.strip() == kernel.release\n"
        "def test_wrong(host):\n"
        "    assert host.file('/nowhere').exists\n"
    )
    suite = runner.check(source, local)
    assert suite.outcomes("kernel") == {"here": "passed"}
    assert suite.outcomes("wrong") == {"here": "failed"}
    assert "assert False" in suite.output, "pytest's own picture of the assertion is shown"
    assert suite.status == 1


def test_swallowing_an_unreadable_fact_is_no_pass(runner: Runner, local: str) -> None:
    source = (
        "import contextlib\n"
        "def test_swallows(sysctl):\n"
        "    with contextlib.suppress(Exception):\n"
        "        sysctl['net.nowhere.setting']\n"
        "def test_reads(sysctl):\n"
        "    assert sysctl['net.nowhere.setting'] == 1\n"
        "def test_skips(sysctl):\n"
        "    import pytest\n"
        "    with contextlib.suppress(Exception):\n"
        "        sysctl['net.nowhere.setting']\n"
        "    pytest.skip('nothing to see')\n"
    )
    suite = runner.check(source, local)
    for rule in ("swallows", "reads", "skips"):
        (result,) = suite.results(rule)
        assert (result.outcome, result.reason) == (Outcome.UNKNOWN, Reason.NOT_COLLECTED), rule
    assert suite.status == 10


def test_a_failed_assertion_stands_over_an_unreadable_fact(runner: Runner, local: str) -> None:
    source = (
        "def test_both(sysctl):\n"
        "    try:\n"
        "        sysctl['net.nowhere.setting']\n"
        "    except Exception:\n"
        "        assert 1 == 2\n"
    )
    (result,) = runner.check(source, local).results("both")
    assert result.outcome is Outcome.FAILED
    assert "also unknown: /proc/sys/net/nowhere/setting" in result.message


def test_declared_items_and_expect(runner: Runner) -> None:
    inventory = runner.inventory(
        LOCAL + "  vars: {nethygiene: {services: {a: {port: 1}, b: {port: 2}}}}\n"
    )
    source = (
        "from nethygiene.rules import equal_to\n"
        "def test_each(service, expect):\n"
        "    expect('port', service.port, equal_to(1))\n"
        "def test_none(tunnel):\n"
        "    assert tunnel\n"
    )
    suite = runner.check(source, f"--inventory={inventory}")
    assert suite.outcomes("each") == {"here:a": "passed", "here:b": "failed"}
    assert suite.outcomes("none") == {"here": "not-applicable"}


def test_from_evidence_there_is_no_host(runner: Runner, local: str) -> None:
    evidence = runner.folder / "evidence.jsonl"
    source = "def test_a(host):\n    assert host\ndef test_b(kernel):\n    assert kernel.name\n"
    first = runner.check(source, local, f"--evidence={evidence}")
    assert (first.outcomes("a"), first.outcomes("b")) == ({"here": "passed"}, {"here": "passed"})
    again = runner.check(source, f"--from-evidence={evidence}")
    assert again.outcomes("b") == {"here": "passed"}
    (result,) = again.results("a")
    assert (result.outcome, result.reason) == (Outcome.UNKNOWN, Reason.FROM_EVIDENCE)


def test_a_check_that_crashes_is_unknown_and_exits_3(runner: Runner, local: str) -> None:
    suite = runner.check("def test_a(kernel):\n    kernel.nonsense\n", local)
    (result,) = suite.results("a")
    assert (result.outcome, result.reason) == (Outcome.UNKNOWN, Reason.RULE_CRASHED)
    assert suite.status == 3


def test_severity_comes_from_a_marker(runner: Runner, local: str) -> None:
    source = "import pytest\n@pytest.mark.low\ndef test_a(kernel):\n    assert not kernel.name\n"
    suite = runner.check(source, local)
    assert suite.results("a")[0].severity == "low"
    assert suite.status == 0


def test_no_conftest_can_replace_a_fact_under_a_shipped_rule(runner: Runner, local: str) -> None:
    (runner.folder / "conftest.py").write_text(
        "import pytest\n"
        "@pytest.fixture\n"
        "def sysctl():\n"
        "    return {'net.ipv4.tcp_timestamps': 0}\n"
        "@pytest.fixture\n"
        "def expect():\n"
        "    return lambda *a: True\n"
    )
    suite = runner.run(local, "-k", "timestamps", "--confcutdir", runner.folder)
    assert suite.outcomes("tcp-timestamps-enabled") == {"here": "passed"}


def test_a_suite_without_an_audit_is_left_alone(runner: Runner) -> None:
    (runner.folder / "conftest.py").write_text(
        "import pytest\n@pytest.fixture\ndef service():\n    return 'theirs'\n"
    )
    path = runner.folder / "test_theirs.py"
    path.write_text("def test_theirs(service):\n    assert service == 'theirs'\n")
    done = runner.pytester.runpytest_inprocess(*PLUGIN, str(path))
    assert done.ret == 0
    done.stdout.no_fnmatch_line("*network hygiene*")


def test_failing_strangers_keep_their_exit_status(runner: Runner, local: str) -> None:
    suite = runner.check("def test_a():\n    assert 0\ndef test_b(kernel):\n    pass\n", local)
    assert suite.status == 1
    assert suite.outcomes("b") == {"here": "passed"}


def test_another_suites_html_report_is_left_alone(runner: Runner) -> None:
    path = runner.folder / "test_theirs.py"
    path.write_text("def test_theirs():\n    pass\n")
    report = runner.folder / "theirs.html"
    runner.pytester.runpytest_inprocess(*PLUGIN, str(path), f"--html={report}")
    html = report.read_text(encoding="utf-8")
    assert "theirs.html</title>" in html
    assert "Severity" not in html

"""pytest's own ways of choosing tests work on rules, and only what is chosen is collected."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from nethygiene.engine.results import Run
from tests.plugin.conftest import LOCAL, PLUGIN, Runner

TWO_SERVICES = LOCAL + (
    "  vars:\n"
    "    nethygiene:\n"
    "      services: {shop: {port: 1, backlog: 2000000000}, mail: {port: 2, backlog: 1}}\n"
)


def test_a_declared_item_is_one_test_each(runner: Runner) -> None:
    inventory = runner.inventory(TWO_SERVICES)
    suite = runner.run(f"--inventory={inventory}", "-k", "somaxconn_covers")
    assert suite.outcomes("somaxconn-covers-backlog") == {
        "here:mail": "passed",
        "here:shop": "failed",
    }


def test_with_none_declared_there_is_one_result_without_an_item(runner: Runner, local: str) -> None:
    suite = runner.run(local, "-k", "somaxconn_covers")
    (result,) = suite.results("somaxconn-covers-backlog")
    assert (result.item, result.outcome.value, result.reason) == (
        None,
        "not-applicable",
        "not-declared",
    )


def test_host_reachable_is_judged_whatever_is_selected(runner: Runner, local: str) -> None:
    for selection in (["-k", "timestamps"], ["-m", "low"], ["--deselect", "test_reachability.py"]):
        assert runner.run(local, *selection).outcomes("host-reachable") == {"here": "passed"}
    alone = runner.run(local, checks=runner_path("test_time_wait.py"))
    assert alone.outcomes("host-reachable") == {"here": "passed"}


def runner_path(name: str) -> str:
    """A single module of the shipped rules."""
    from tests.plugin.conftest import CHECKS  # noqa: PLC0415 - beside its only use

    return str(CHECKS / name)


@pytest.mark.parametrize(
    ("expression", "inside", "outside"),
    [
        ("not rate", "somaxconn-meets-policy", "accept-queue-not-overflowing"),
        ("rate", "accept-queue-not-overflowing", "somaxconn-meets-policy"),
        ("S1.8", "icmp-redirects-match-policy", "somaxconn-meets-policy"),
        ("S1", "tcp-tw-recycle-disabled", "somaxconn-meets-policy"),
        ("critical", "tcp-tw-recycle-disabled", "tcp-timestamps-enabled"),
        ("high and setting", "somaxconn-meets-policy", "listener-backlog-in-effect"),
    ],
)
def test_markers_select(
    runner: Runner, local: str, expression: str, inside: str, outside: str
) -> None:
    suite = runner.run(local, "-m", expression)
    assert suite.results(inside)
    assert not suite.results(outside)


def test_limit_narrows_and_so_does_testinfra_hosts(runner: Runner) -> None:
    inventory = runner.inventory(
        "all:\n  children:\n"
        "    a: {hosts: {a-1: {ansible_connection: local}, a-2: {ansible_connection: local}}}\n"
        "    b: {hosts: {b-1: {ansible_connection: local}}}\n"
    )
    suite = runner.run(f"--inventory={inventory}", "--limit=a:!a-2", "-k", "timestamps")
    assert suite.outcomes("tcp-timestamps-enabled") == {"a-1": "passed"}
    source = (
        "testinfra_hosts = ['b']\n\ndef test_mine(kernel):\n    assert kernel.name == 'Linux'\n"
    )
    assert runner.check(source, f"--inventory={inventory}").outcomes("mine") == {"b-1": "passed"}


def test_for_settings_there_is_no_window(runner: Runner, local: str) -> None:
    start = time.monotonic()
    runner.run(local, "-m", "setting", "--window=300")
    assert time.monotonic() - start < 150


def test_last_failed_runs_just_what_failed(runner: Runner) -> None:
    inventory = runner.inventory(TWO_SERVICES)
    arguments = (*PLUGIN, f"--inventory={inventory}", "--window=0.05")
    path = runner.folder / "test_mine.py"
    path.write_text(
        "from nethygiene.rules import *\n"
        "from nethygiene.subjects.kernel.sysctl import Sysctls\n"
        "@rule(severity='high', kind='setting', incidents=['S3'])\n"
        "def test_mine(sysctl: Sysctls, service: Service, expect: Expect) -> None:\n"
        "    '''Mine.\n\n    Why: a.\n    Remedy: b.\n    References: c.\n    '''\n"
        "    expect('somaxconn', sysctl['net.core.somaxconn'], at_least(service.backlog))\n"
    )
    first = runner.pytester.runpytest_inprocess(*arguments, str(path))
    assert first.ret == 1
    second = runner.pytester.runpytest_inprocess(*arguments, str(path), "--lf", "-v")
    second.stdout.fnmatch_lines(["*test_mine[[]here:shop] FAILED*"])
    second.stdout.no_fnmatch_line("*test_mine[[]here:mail]*")


def test_exitfirst_stops_after_the_first_failure(runner: Runner) -> None:
    inventory = runner.inventory(TWO_SERVICES.replace("backlog: 1}", "backlog: 1999999999}"))
    suite = runner.run(f"--inventory={inventory}", "-k", "somaxconn_covers", "-x")
    assert suite.output.count("\nFAILED") == 1 or "1 failed" in suite.output
    assert suite.status == 1
    assert "CUT SHORT: stopping after 1 failures" in suite.output


def test_what_exitfirst_left_unjudged_is_not_clean(runner: Runner) -> None:
    inventory = runner.inventory(TWO_SERVICES.replace("backlog: 1}", "backlog: 1999999999}"))
    arguments = (f"--inventory={inventory}", "-k", "somaxconn_covers", "-x")
    suite = runner.run(*arguments, "--fail-on=critical")
    assert suite.status == 2, "what was not judged may be critical"
    assert "CLEAN" not in suite.output
    assert suite.run is not None
    assert "not judged" in (suite.run.cut_short or "")


@pytest.fixture
def door() -> Iterator[tuple[int, list[float]]]:
    """A port on loopback, and when somebody knocked at it."""
    knocks: list[float] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.1)
        over = threading.Event()

        def answer() -> None:
            while not over.is_set():
                try:
                    connection, _ = server.accept()
                    knocks.append(time.monotonic())
                    connection.close()
                except TimeoutError:
                    pass

        thread = threading.Thread(target=answer)
        thread.start()
        yield server.getsockname()[1], knocks
        over.set()
        thread.join()


def test_collect_only_never_connects(runner: Runner, door: tuple[int, list[float]]) -> None:
    port, knocks = door
    inventory = runner.inventory(
        f"all: {{hosts: {{far: {{ansible_host: 127.0.0.1, ansible_port: {port}}}}}}}\n"
    )
    suite = runner.run(f"--inventory={inventory}", "--collect-only", "-q")
    assert "test_tcp_timestamps_enabled[far]" in suite.output
    assert not knocks
    # The door does see those who come: a run that collects knocks.
    runner.run(f"--inventory={inventory}", "-k", "timestamps", "--connect-timeout=2")
    assert knocks


@pytest.mark.slow
def test_workers_of_xdist_give_the_same_results(runner: Runner) -> None:
    inventory = runner.inventory(TWO_SERVICES)
    alone = runner.run(f"--inventory={inventory}", "-m", "setting")
    results = runner.folder / "distributed.json"
    done = runner.pytester.runpytest_subprocess(
        "-p", "nethygiene.plugin", "-p", "no:cacheprovider", "-n", "2",
        runner_path(""), f"--inventory={inventory}", "-m", "setting", f"--results={results}",
        "--window=0.05",
    )  # fmt: skip
    assert done.ret == alone.status == 1
    run = Run.model_validate_json(results.read_text(encoding="utf-8"))
    assert alone.run is not None
    assert run.results == alone.run.results
    assert run.rules == alone.run.rules


def test_a_host_is_sent_only_what_its_own_items_need(runner: Runner) -> None:
    """Rules of declared items ask nothing of a host that declares none."""
    inventory = runner.inventory(
        "all:\n  hosts:\n    plain: {ansible_connection: local}\n"
        "    serving:\n      ansible_connection: local\n"
        "      nethygiene: {services: {shop: {port: 1, backlog: 1}}}\n"
    )
    source = (
        "from nethygiene.rules import *\n"
        "from nethygiene.subjects.sockets.listeners import Listeners\n"
        "from nethygiene.plugin.audit_of_run import audit_of\n"
        "@rule(severity='high', kind='setting', incidents=['S3'])\n"
        "def test_mine(listeners: Listeners, service: Service, expect: Expect) -> None:\n"
        "    '''Mine.\n\n    Why: a.\n    Remedy: b.\n    References: c.\n    '''\n"
        "    expect('listeners', len(listeners.on(service.port)), equal_to(0))\n"
        "def test_sent(kernel, connection, request, _nethygiene_subject):\n"
        "    host = _nethygiene_subject.host\n"
        "    sent = audit_of(request.config).subject(host).transcript.probes\n"
        "    assert ('listeners' in sent) == (host == 'serving'), sorted(sent)\n"
    )
    suite = runner.check(source, f"--inventory={inventory}")
    assert suite.outcomes("mine") == {"plain": "not-applicable", "serving:shop": "passed"}
    assert suite.outcomes("sent") == {"plain": "passed", "serving": "passed"}

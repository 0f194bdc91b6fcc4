"""Commands among a tunnel's options: a host tells that there is one, and none of its words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from nethygiene.engine.decision import Verdict
from nethygiene.engine.outcomes import Outcome
from nethygiene.transcript import Section
from tests.cases.case import CASES, judge, load_case, rules

CASE = load_case(CASES / "tunnel-fails-fast" / "debian-derives-one-from-another.passed.yaml")
ASKED = "argument ExitOnForwardFailure=yes\n"
RUNS = "=ExitOnForwardFailure=yes\n"


def verdict(keyword: str, value: str, running: str) -> Verdict:
    """Of the tunnel with one more option, of which the running ssh has what is given."""
    transcript = CASE.transcript()
    sections = dict(transcript.sections)

    def put(section: str, behind: str, more: str) -> None:
        before = sections[section]
        text = before.stdout.decode()
        assert behind in text
        sections[section] = Section(
            text.replace(behind, behind + more).encode(), before.stderr, before.status, before.cut
        )

    put("tunnel_config:to-cloud", ASKED, f"argument -o\nargument {keyword}={value}\n")
    put("ssh_processes", RUNS, running)
    policy = {**CASE.file.policy}
    tunnel = policy["tunnels"]["to-cloud"]
    options = {**tunnel["options"], keyword: value}
    policy["tunnels"] = {"to-cloud": {**tunnel, "options": options}}
    answer = replace(transcript, sections=sections)
    (found,) = judge(rules()["tunnel-fails-fast"], answer, policy)
    return found


@pytest.mark.parametrize("keyword", ["ProxyCommand", "RemoteCommand", "LocalCommand", "SetEnv"])
def test_what_ssh_derives_from_other_options_holds_beside_a_command(keyword: str) -> None:
    found = verdict(keyword, "nc a 22", f"=-o\n={keyword}=*\n")
    assert found.outcome is Outcome.PASSED, found


@pytest.mark.parametrize("keyword", ["ProxyCommand", "KnownHostsCommand"])
def test_a_declared_command_with_which_it_does_not_run_is_told(keyword: str) -> None:
    found = verdict(keyword, "nc a 22", "=-o\n=ServerAliveInterval=300\n")
    assert found.outcome is Outcome.FAILED
    assert f"{keyword} of pid 9" in found.message
    assert "other options than are declared" in found.message

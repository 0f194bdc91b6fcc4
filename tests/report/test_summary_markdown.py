"""The Markdown summary: what it tells, and what hosts cannot do in it."""

from __future__ import annotations

import re

from nethygiene.engine.outcomes import Outcome, Severity
from nethygiene.report.run_report import RunReport
from nethygiene.report.summary_markdown import escaped, summary_markdown
from tests.report import runs
from tests.report.runs import SOMAXCONN, host, result, run, somaxconn


def test_it_tells_verdict_counts_groups_and_what_to_do() -> None:
    text = summary_markdown(RunReport(runs.mixed(), Severity.MEDIUM, ["a remark"]))
    assert text.startswith("## ❌ Findings\n")
    assert "4 failed, 6 unknown, 1 waived, 14 passed, 1 not applicable" in text
    assert "**somaxconn-covers-backlog** (high) on 2 hosts" in text
    assert r"- web-1 \[shop\], web-2 \[shop\]: net.core.somaxconn is 4096" in text
    assert "\n    sysctl -w net.core.somaxconn=16384\n" in text
    assert "*What to do (permission)*: Let the login read it: set `ansible_become: true`" in text
    assert "waived until 2027-03-31 by netops" in text
    assert "- 4 results of hosts that were not read: web-4" in text
    assert "- a remark" in text


def test_each_remedy_stands_with_its_hosts() -> None:
    text = summary_markdown(RunReport(runs.with_own_remedies(), Severity.MEDIUM))
    assert (
        "**For web-1 \\[shop\\], web-2 \\[shop\\]**\n\nRaise it.\n\n"
        f"    {runs.LONG}\n\n**For web-3 \\[shop\\]**\n\n"
    ) in text
    assert "\n\n    listen 443 backlog=9;\n" in text
    assert "\n    sysctl -w net.core.somaxconn=16384\n" in text


def test_nothing_of_a_host_is_markup() -> None:
    text = summary_markdown(RunReport(runs.hostile(), Severity.MEDIUM))
    tags = set(re.findall(r"<[^>]*>", text))
    assert tags <= {"<details>", "<summary>", "</summary>", "</details>"}
    assert not {"\x1b", "\u202e", "\u2028"} & set(text)
    assert escaped("[a](http://b) `c` @d <e> - f\n# g | h") == (
        r"\[a\](http\://b) \`c\` \@d &lt;e&gt; - f # g \| h"
    )
    assert escaped("- a") == r"\- a"
    assert escaped("# a") == r"\# a"
    assert escaped("_a_ *b* :tada: #1 $x$ ![c] www.d") == (
        r"\_a\_ \*b\* \:tada: \#1 \$x\$ \!\[c\] www\.d"
    )


def test_what_is_no_markup_stays_as_it_is() -> None:
    said = "tcp_max_syn_backlog is 128 (of 2, {a}): x = y! ::1 and fe80::1, 10 % # b; see c:d."
    assert escaped(said) == said


def test_it_stays_small_whatever_fails() -> None:
    hosts = [host(f"web-{number:05}") for number in range(5000)]
    failed = [
        result(SOMAXCONN, one.name, Outcome.FAILED, seen=[somaxconn(number)])
        for number, one in enumerate(hosts)
    ]
    text = summary_markdown(RunReport(run(hosts, [SOMAXCONN], failed, 1), Severity.MEDIUM))
    assert len(text) < 5000
    assert "and 4,990 more results" in text

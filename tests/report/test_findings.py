"""Grouping, the verdict's words, coverage, and the parts of the page that need no browser."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from jinja2 import UndefinedError

from nethygiene.engine.outcomes import Outcome, Reason, Severity
from nethygiene.engine.results import Result, Run
from nethygiene.markup import Form, blocks
from nethygiene.report import html
from nethygiene.report.advice import ADVICE, INCIDENTS
from nethygiene.report.console import verdict_line
from nethygiene.report.findings import groups, sentence
from nethygiene.report.headline import coverage, headline
from nethygiene.report.html import report_html
from nethygiene.report.html.markup import anchor, environment
from nethygiene.report.html.matrix_data import matrix_json
from nethygiene.report.run_report import RunReport
from tests.report import runs
from tests.report.runs import SOMAXCONN, host, result, run, somaxconn

ROOT = Path(__file__).parents[2]


def many_hosts(count: int) -> Run:
    hosts = [host(f"web-{number:03}") for number in range(count)]
    failed = [
        result(SOMAXCONN, one.name, Outcome.FAILED, item="shop", seen=[somaxconn(4096)])
        for one in hosts
    ]
    return run(hosts, [SOMAXCONN], failed, 1)


def page(of: Run) -> str:
    return report_html(RunReport(of, Severity.MEDIUM), has_other_tests=False)


def test_four_hundred_hosts_that_fail_alike_are_one_group_and_one_story() -> None:
    fleet = many_hosts(400)
    (group,) = groups(fleet, Outcome.FAILED)
    assert group.places == 400
    (story,) = group.stories()
    assert len(story.results) == 400
    told = page(fleet)
    assert told.count("<article") == 1
    assert "on 400 hosts" in told
    assert "<summary>and 394 more</summary>" in told
    assert all(f">web-{number:03} [shop]<" in told for number in range(400))


def test_a_hint_that_several_observations_share_stands_once() -> None:
    seen = [somaxconn(value) for value in (128, 256)]
    message = "; ".join(f"{sentence(each)}: raise it where it is" for each in seen)
    failed = [result(SOMAXCONN, "a", Outcome.FAILED, seen=seen, message=message)]
    told = page(run([host("a")], [SOMAXCONN], failed, 1))
    assert told.count(">raise it where it is<") == 1
    assert "where it is; raise" not in told


def test_values_that_differ_are_stories_of_one_group() -> None:
    hosts = [host("a"), host("b"), host("c")]
    values = dict(zip("abc", (128, 4096, 4096), strict=True))
    failed = [
        result(SOMAXCONN, name, Outcome.FAILED, seen=[somaxconn(value)])
        for name, value in values.items()
    ]
    (group,) = groups(run(hosts, [SOMAXCONN], failed, 1), Outcome.FAILED)
    told = [[one.host for one in story.results] for story in group.stories()]
    assert told == [["b", "c"], ["a"]]


def test_one_message_is_two_stories_for_whom_shows_what_was_looked_at() -> None:
    failed = [
        result(SOMAXCONN, name, Outcome.FAILED, message="it is too small", seen=[somaxconn(value)])
        for name, value in (("a", 128), ("b", 4096))
    ]
    (group,) = groups(run([host("a"), host("b")], [SOMAXCONN], failed, 1), Outcome.FAILED)
    assert [len(story.results) for story in group.stories()] == [2]
    assert [len(story.results) for story in group.stories(by_evidence=True)] == [1, 1]


def test_a_group_of_endless_stories_says_how_many_it_leaves_out() -> None:
    hosts = [host(f"h{number}") for number in range(300)]
    failed = [
        result(SOMAXCONN, one.name, Outcome.FAILED, seen=[somaxconn(number)])
        for number, one in enumerate(hosts)
    ]
    told = page(run(hosts, [SOMAXCONN], failed, 1))
    assert "100 more results of this rule" in told


@pytest.mark.parametrize(
    ("status", "title", "tone"),
    [
        (0, "Clean", "good"),
        (1, "Findings", "bad"),
        (2, "Cut short", "doubt"),
        (3, "Crashed", "bad"),
        (10, "Could not check everything", "doubt"),
        (11, "Nothing judged", "doubt"),
        (5, "No verdict", "doubt"),
    ],
)
def test_the_verdict_in_words(status: int, title: str, tone: str) -> None:
    told = headline(runs.mixed(status), Severity.MEDIUM)
    assert (told.title, told.tone) == (title, tone)
    assert f"<h1>{title}</h1>" in page(runs.mixed(status))


def test_failures_below_fail_on_are_told_with_the_approval() -> None:
    clean = many_hosts(2).model_copy(update={"exit_status": 0})
    told = headline(clean, Severity.CRITICAL)
    assert told.lead == "Nothing at or above critical failed or is unknown; below it, 2 failed"
    line = verdict_line(clean, Severity.CRITICAL)
    assert line == "CLEAN: nothing at or above critical failed or is unknown; below it, 2 failed"


def test_coverage_leaves_out_what_does_not_apply_and_never_rounds_up_to_all() -> None:
    told = coverage(runs.mixed())
    assert (told.decided, told.due, told.read, told.hosts) == (19, 25, 4, 5)
    results = [result(SOMAXCONN, "a", item=str(number)) for number in range(9999)]
    results.append(result(SOMAXCONN, "a", Outcome.UNKNOWN, reason=Reason.TIMEOUT, message="t"))
    assert coverage(run([host("a")], [SOMAXCONN], results, 10)).percent == "99.9 %"
    assert coverage(run([host("a")], [SOMAXCONN], [], 11)).percent == "0 %"


def test_the_data_cannot_end_its_script_element() -> None:
    told = matrix_json(runs.hostile())
    assert not set("<>&\u2028\x1b") & set(told)
    assert told.isascii()
    json.loads(told)


def test_what_hosts_say_is_text_in_the_page() -> None:
    told = page(runs.hostile())
    assert runs.CLOSING not in told
    assert runs.HOSTILE not in told
    assert "\x1b" not in told
    assert "\u202e" not in told


def test_every_expression_of_a_template_is_escaped_and_printable() -> None:
    made = environment()
    told = made.from_string("{{ one }}<a b='{{ two }}'>{{ [one]|join }}").render(
        one=runs.CLOSING, two=f"{runs.ESCAPE}'{runs.RIGHT_TO_LEFT}"
    )
    assert "<script" not in told
    assert told.count("'") == 2
    assert all(char.isprintable() for char in told)
    with pytest.raises(UndefinedError):
        made.from_string("{{ nothing_there }}").render()


def test_what_is_not_escaped_is_ours() -> None:
    made = environment()
    assert made.loader is not None
    templates = {name: made.loader.get_source(made, name)[0] for name in made.list_templates()}
    assert len(templates) > 3
    unescaped = [
        (name, expression)
        for name, text in templates.items()
        for expression in re.findall(r"{{ *([^}]*safe.*?) *}}", text)
    ]
    assert unescaped == [
        ("page.html", 'asset("report.css")|safe'),
        ("page.html", "matrix_json|safe"),
        ("page.html", "script|safe"),
    ]
    for name, text in templates.items():
        assert text.count("|safe") == (3 if name == "page.html" else 0)
        assert "autoescape" not in text
    modules = [path.read_text() for path in Path(html.__file__).parent.glob("*.py")]
    assert not [text for text in modules if re.search(r"markupsafe|Markup\(|<\w+[ >]", text)]


def test_an_anchor_needs_no_escaping() -> None:
    assert anchor("cell", "a/\"b'<é", "r") == "cell=a%2F%22b%27%3C%C3%A9/r"


def test_commands_of_a_remedy_are_one_block_to_copy() -> None:
    body = environment().get_template("macros.html").make_module().body  # type: ignore[attr-defined]
    told = body("Do `this` first:\n`one`\n`two <x>`\nThen rest.\n`three`")
    assert re.findall(r"<pre tabindex=\"0\"><code>(.*?)</code></pre>", told, re.DOTALL) == [
        "one\ntwo &lt;x&gt;",
        "three",
    ]
    assert "<p>Do <code>this</code> first:</p>" in told


def test_incidents_have_the_titles_of_their_page() -> None:
    text = (ROOT / "docs" / "incidents.md").read_text(encoding="utf-8")
    assert dict(re.findall(r"^##+ (S[\d.]+): (.*)$", text, re.MULTILINE)) == INCIDENTS


def test_every_reason_of_an_unknown_has_an_advice() -> None:
    inapplicable = {"not-declared", "not-this-kernel", "not-this-host", "policy-any"}
    assert {reason.value for reason in Reason} - inapplicable == {one.value for one in ADVICE}


def test_hosts_with_one_remedy_share_it_and_others_stand_with_theirs() -> None:
    (group,) = groups(runs.with_own_remedies(), Outcome.FAILED)
    told = [([one.host for one in cure.results], cure.remedy) for cure in group.cures()]
    assert told == [
        (["web-1", "web-2"], f"Raise it.\n`{runs.LONG}`"),
        (["web-3"], "Raise it there.\n\nIn nginx.conf:\n``listen 443 backlog=9;``"),
        (["web-4"], SOMAXCONN.remedy),
    ]
    shown = page(runs.with_own_remedies())
    assert shown.count("<h4>Remedy for ") == 3
    assert f"<code>{runs.LONG}</code>" in shown
    assert '<div class="nh-copy nh-content">' in shown


def test_the_items_of_a_host_have_one_remedy_where_its_words_are_the_same() -> None:
    def failing(item: str, remedy: str) -> Result:
        return result(SOMAXCONN, "a", Outcome.FAILED, item=item, message="x", remedy=remedy)

    failed = [
        failing("eth0", "Refuse.\n`w all`\n`w eth0`\n\nIn a file:\n``all``\n``eth0``"),
        failing("eth1", "Refuse.\n`w all`\n`w eth1`\n\nIn a file:\n``all``\n``eth1``"),
        failing("eth2", "Leave it."),
    ]
    (group,) = groups(run([host("a")], [SOMAXCONN], failed, 1), Outcome.FAILED)
    assert [cure.remedy for cure in group.cures()] == [
        "Refuse.\n\n`w all`\n`w eth0`\n`w eth1`\n\nIn a file:\n\n``all``\n``eth0``\n``eth1``",
        "Leave it.",
    ]


def test_what_is_typed_and_what_is_put_into_a_file_are_blocks_of_their_own() -> None:
    told = "Type\nthis:\n`a`\n`b`\n\n`c`\n\nAnd write:\n``* * * * * d``\n``e``\n"
    assert [(block.form, block.lines) for block in blocks(told)] == [
        (Form.TEXT, ("Type this:",)),
        (Form.COMMANDS, ("a", "b")),
        (Form.COMMANDS, ("c",)),
        (Form.TEXT, ("And write:",)),
        (Form.CONTENT, ("* * * * * d", "e")),
    ]


def test_what_a_message_says_beyond_the_table_stands_without_its_joints() -> None:
    seen = [somaxconn(128), somaxconn(4096)]
    message = "; ".join(f"{sentence(one)}: raise it for {one.actual}" for one in seen)
    failed = [result(SOMAXCONN, "a", Outcome.FAILED, seen=seen, message=message)]
    told = page(run([host("a")], [SOMAXCONN], failed, 1))
    assert "raise it for 128; raise it for 4096</td>" in told
    assert "; :" not in told

"""Declaring a rule: what is told to its author when it is wrong."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from nethygiene.engine.documentation import parse_documentation
from nethygiene.engine.outcomes import Kind, Severity
from nethygiene.engine.rule import RuleDeclarationError, rule_of
from nethygiene.rules import Expect, Policy, Service, rule
from nethygiene.subjects.kernel.sysctl import Sysctls
from nethygiene.subjects.links.interface_family import InterfaceFamily
from tests.cases.case import rules
from tests.unit.engine.writing_rules import DOCSTRING


def test_a_rule_is_what_its_function_says() -> None:
    @rule(
        severity="high",
        kind="rate",
        incidents=["S1.8", "S3"],
        version=2,
        judged_if="served_here",
    )
    def test_some_thing_4_you(
        sysctl: Sysctls, service: Service, policy: Policy, expect: Expect
    ) -> None:
        """Title here.

        Why: a
        Remedy: b
        References: c
        """

    declared = rule_of(test_some_thing_4_you)
    assert declared is not None
    assert declared.id == "some-thing-4-you"
    assert (declared.version, declared.severity, declared.kind) == (2, Severity.HIGH, Kind.RATE)
    assert declared.incidents == ("S1.8", "S3")
    assert (declared.declared, declared.found) == ("service", None)
    # The last three say whether NAT or a container's proxy takes the service's port away.
    asked = {"packet_filter", "listener_owners", "listeners"}
    assert declared.probes == {"sysctl", "kernel", "machine"} | asked
    assert not declared.judges_reachability
    assert declared.documentation.title == "Title here"


def test_a_found_item_brings_the_probes_that_find_it() -> None:
    @rule(severity="low", kind="state", incidents=["S1"])
    def test_found(interface_family: InterfaceFamily, expect: Expect) -> None:
        """Title.

        Why: a
        Remedy: b
        References: c
        """

    declared = rule_of(test_found)
    assert declared is not None
    assert declared.found == "interface_family"
    assert "interfaces" in declared.probes


def test_other_things_are_no_rules() -> None:
    assert rule_of(len) is None
    assert rule_of(None) is None


def fine(expect: object) -> None:
    """Replaced by each test."""


def _declare(
    name: str = "test_fine",
    doc: str | None = DOCSTRING,
    function: Callable[..., None] = fine,
    severity: str = "high",
    kind: str = "state",
    incidents: tuple[str, ...] = ("S1",),
) -> None:
    function.__name__, function.__doc__ = name, doc
    rule(severity=severity, kind=kind, incidents=incidents)(function)


@pytest.mark.parametrize(
    "name", ["fine", "test_", "test_Fine", "test__fine", "test_fine_", "test-x"]
)
def test_a_name_that_makes_no_id(name: str) -> None:
    with pytest.raises(RuleDeclarationError, match="a rule's name is test_ and words"):
        _declare(name)


def test_a_severity_and_a_kind_that_there_is_not() -> None:
    with pytest.raises(
        RuleDeclarationError, match=r"'urgent' is none of low, medium, high, critical"
    ):
        _declare(severity="urgent")
    with pytest.raises(RuleDeclarationError, match=r"'speed' is none of setting, state, rate"):
        _declare(kind="speed")


def test_no_incident() -> None:
    with pytest.raises(RuleDeclarationError, match="every rule is born from one"):
        _declare(incidents=())


def test_an_argument_that_nothing_brings() -> None:
    def asks(sysctrl: object, expect: object) -> None: ...

    with pytest.raises(RuleDeclarationError, match=r"called 'sysctrl'. Known: .*sysctl"):
        _declare(function=asks)


def test_without_expect_it_could_never_fail() -> None:
    def asks(sysctl: object) -> None: ...

    with pytest.raises(RuleDeclarationError, match="no 'expect', so it could never fail"):
        _declare(function=asks)


def test_two_items() -> None:
    def asks(service: object, interface_family: object, expect: object) -> None: ...

    with pytest.raises(RuleDeclarationError, match=r"service, interface_family: .* one item"):
        _declare(function=asks)


@pytest.mark.parametrize(
    ("doc", "lacks"),
    [
        (None, "'Why:', 'Remedy:', 'References:'"),
        ("", "'Why:', 'Remedy:', 'References:'"),
        ("Title", "'Why:', 'Remedy:', 'References:'"),
        ("Title\n\nWhy: a\nRemedy: b\n", "'References:'"),
        ("Title\n\nWhy:\nRemedy: b\nReferences: c\n", "'Why:'"),
        ("Title\n\nwhy: a\nRemedy: b\nReferences: c\n", "'Why:'"),
        ("\n\n", "'Why:', 'Remedy:', 'References:'"),
    ],
)
def test_a_docstring_that_lacks_a_heading(doc: str | None, lacks: str) -> None:
    with pytest.raises(RuleDeclarationError, match=f"its docstring lacks {lacks}"):
        _declare(doc=doc)


def test_a_docstring_is_read_by_its_headings() -> None:
    documentation = parse_documentation(
        """The title.

        More of it,
        on two lines.

        Why: first
            goes on.

            A new paragraph: with a colon.
        Remedy: Do
            `this: that`
        Kernels: since 4.4.
        References:
            - tcp(7)
            - a long
              one
            - https://example.org/x
        """,
        "test_x",
    )
    assert documentation.title == "The title"
    assert documentation.description == "More of it,\non two lines."
    assert documentation.why == "first\ngoes on.\n\nA new paragraph: with a colon."
    assert documentation.remedy == "Do\n`this: that`"
    assert documentation.kernels == "since 4.4."
    assert documentation.references == ("tcp(7)", "a long one", "https://example.org/x")


def test_the_shipped_rules_differ_in_their_ids_and_need_few_lines() -> None:
    assert len(rules()) >= 13
    for one in rules().values():
        assert one.documentation.title
        assert all(one.documentation.references)
        lines = [row[2] for row in one.function.__code__.co_lines() if row[2] is not None]
        assert max(lines) - min(lines) < 60, f"{one.id}: formatting and parsing belong elsewhere"

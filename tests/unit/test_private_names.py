"""Every private name of pytest, pytest-html and paramiko that is used, in one list.

A new version may move any of them. A test then fails that says which, and where it is used; else
the same would show as a crash in the middle of an audit.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "nethygiene"


@dataclass(frozen=True)
class Private:
    """A name that its library does not promise to keep.

    Attributes:
        place: the module, and the class in it if there is one, that has it: ``a.b:Class``.
        name: the name there.
        use: what it is used for here.
    """

    place: str
    name: str
    use: str

    def __str__(self) -> str:
        return f"{self.place}.{self.name}"


LIST = (
    # pytest: JUnit has no public hook for the text of an error, nor for a test that never ran.
    Private("_pytest.junitxml:", "xml_key", "finds the JUnit file"),
    Private("_pytest.junitxml:", "LogXML", "is the JUnit file"),
    Private("_pytest.junitxml:", "bin_xml_escape", "writes text into it"),
    Private("_pytest.junitxml:LogXML", "logfile", "is another file until the report is whole"),
    Private("_pytest.junitxml:LogXML", "node_reporter", "finds the element of a test"),
    Private("_pytest.junitxml:_NodeReporter", "nodes", "holds the errors and failures of a test"),
    # pytest: types that its hooks hand out, and names nowhere in public.
    Private("_pytest.terminal:", "TerminalReporter", "is what pytest_terminal_summary is given"),
    Private("_pytest.nodeid:", "NodeId", "is the type of Node.id"),
    Private("_pytest.nodes:Node", "id", "lets the items of a rule share the parts of their ids"),
    # pytest-html: no hook keeps it from holding every report of a fleet, or says where it writes.
    Private("pytest_html.basereport:BaseReport", "_report_path", "is another until it is whole"),
    Private(
        "pytest_html.basereport:BaseReport",
        "pytest_runtest_logreport",
        "is not told of rules, whose results stand in our report",
    ),
    # paramiko: its Transport has no other way to offer algorithms, or to say why it ended.
    Private("paramiko:Transport", "_kex_info", "says which key exchanges there are"),
    Private("paramiko:Transport", "_preferred_kex", "offers key exchanges"),
    Private("paramiko:Transport", "_preferred_keys", "offers types of host keys"),
    Private("paramiko:Transport", "_preferred_ciphers", "offers ciphers"),
    Private("paramiko:Transport", "_preferred_macs", "offers MACs"),
    Private("paramiko:Transport", "_channel_handler_table", "notes that a channel was closed"),
    Private("paramiko:Transport", "_next_channel", "numbers channels without waiting"),
    Private("paramiko:Transport", "_parse_channel_open_success", "wakes who opened a channel"),
    Private("paramiko:Transport", "_parse_channel_open_failure", "keeps the server's own words"),
    Private("paramiko:Transport", "_parse_ext_info", "bounds the extensions of a server"),
    Private("paramiko:Transport", "_parse_disconnect", "keeps the server's own words"),
    Private("paramiko:Transport", "_send_message", "sends a message of ours"),
    Private("paramiko:Channel", "_handle_close", "is paramiko's own handler of a closed channel"),
)


def owner(private: Private) -> object:
    """The module or class that has the name.

    Raises:
        ImportError: the module has moved.
        AttributeError: the class has.
    """
    module, _, kind = private.place.partition(":")
    return getattr(import_module(module), kind) if kind else import_module(module)


@pytest.mark.parametrize("private", LIST, ids=str)
def test_it_is_still_where_it_was(private: Private) -> None:
    try:
        place = owner(private)
    except (ImportError, AttributeError) as error:
        pytest.fail(f"{private} has moved ({error}): it {private.use}")
    # An attribute that only __init__ sets is no attribute of the class.
    there = hasattr(place, private.name) or f"self.{private.name}" in inspect.getsource(place)  # type: ignore[arg-type]
    assert there, f"{private} is gone: it {private.use}"


def private_uses(path: Path) -> Iterator[str]:
    """The private names of these libraries that a file imports, overrides or asks for."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("_pytest"):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.Attribute) and node.attr in PARAMIKO:
            yield node.attr
        elif isinstance(node, ast.FunctionDef) and node.name in PARAMIKO:
            yield node.name


def private_members(*kinds: type) -> set[str]:
    return {
        name
        for kind in kinds
        for name in [*vars(kind), *_set_by_init(kind)]
        if name.startswith("_") and not name.startswith("__")
    }


def _set_by_init(kind: type) -> Iterator[str]:
    for node in ast.walk(ast.parse(inspect.getsource(kind))):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.attr


_paramiko = import_module("paramiko")
# Names that paramiko's classes share with many others say nothing: an own `_closed`, say.
PARAMIKO = private_members(_paramiko.Transport, _paramiko.Channel) - {"_closed", "_event", "_name"}


def test_no_other_one_is_used() -> None:
    listed = {private.name for private in LIST}
    folders = ("plugin", "transport", "report", "commands", "engine")
    used = {
        (path.name, name)
        for folder in folders
        for path in sorted((SOURCE / folder).rglob("*.py"))
        for name in private_uses(path)
    }
    assert {(file, name) for file, name in used if name not in listed} == set()
    assert {"_kex_info", "xml_key"} <= {name for _, name in used}, "the search finds what is used"

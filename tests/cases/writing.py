"""Writing sections into files: as text where it can be read, as base64 where it cannot."""

from __future__ import annotations

import base64
import textwrap
from collections.abc import Iterator, Mapping

import yaml

from nethygiene.transcript import Section
from tests.cases.difference import difference
from tests.cases.hosts import Host

_WIDTH = 96


def head_of(text: str) -> str:
    """The part of a case's file that a person writes."""
    lines = text.splitlines(keepends=True)
    written = ("takes:", "sections:")
    end = next((at for at, line in enumerate(lines) if line.startswith(written)), len(lines))
    return "".join(lines[:end])


def sections_as_yaml(sections: Mapping[str, Section], host: Host | None = None) -> str:
    """The keys ``takes`` and ``sections`` of a file: what is as on the host, and what is not."""
    whole = {name: "".join(f"{line}\n" for line in _whole(one)) for name, one in sections.items()}
    if host is None:
        return _keys([], {name: _keyed(name, text) for name, text in whole.items()})
    theirs = {name: one.section() for name, one in host.sections.items()}
    takes = [name for name, one in sections.items() if theirs.get(name) == one]
    own = {}
    for name, section in sections.items():
        if name in theirs and name not in takes:
            smaller = "".join(f"{line}\n" for line in _differing(section, theirs[name]))
            if smaller and smaller.count("\n") < whole[name].count("\n"):
                own[name] = _keyed(name, smaller)
                continue
        if name not in takes:
            own[name] = _keyed(name, whole[name])
    return _keys(takes, own)


def _keys(takes: list[str], own: Mapping[str, str]) -> str:
    text = ""
    if takes:
        line = f"takes: [{', '.join(_scalar(name) for name in takes)}]"
        text = "\n".join(
            textwrap.wrap(line, _WIDTH, subsequent_indent="  ", break_on_hyphens=False)
        )
        text += "\n"
    return text + ("sections:\n" + "".join(own.values()) if own else "sections: {}\n")


def _keyed(name: str, text: str) -> str:
    return f"  {_scalar(name)}: {{}}\n" if not text else f"  {_scalar(name)}:\n{text}"


def _scalar(name: str) -> str:
    dumped: str = yaml.safe_dump(name, default_flow_style=True, width=1000)
    return dumped.removesuffix("\n").removesuffix("\n...")


def _whole(section: Section) -> Iterator[str]:
    yield from _stream("stdout", section.stdout)
    yield from _stream("stderr", section.stderr)
    if section.status != 0:
        yield from _ended(section)


def _differing(section: Section, host: Section) -> Iterator[str]:
    """The lines of a section of which the host's is known; none where all of it has to be said."""
    if any(one and _block(one) is None for one in (host.stdout, section.stdout)):
        return
    diff = difference(host.stdout.decode(), section.stdout.decode())
    if diff is None or (diff and _block(diff.encode()) is None):
        return
    yield from _stream("diff", diff.encode()) if diff else ["    diff: ''"]
    if section.stderr != host.stderr:
        yield from _stream("stderr", section.stderr) if section.stderr else ["    stderr: ''"]
    if (section.status, section.cut) != (host.status, host.cut):
        yield from _ended(section)
        if section.cut is None and host.cut is not None:
            yield "    cut: null"


def _ended(section: Section) -> Iterator[str]:
    yield f"    status: {'null' if section.status is None else section.status}"
    if section.cut is not None:
        yield f"    cut: {section.cut}"


def _stream(name: str, content: bytes) -> Iterator[str]:
    if not content:
        return
    block = _block(content)
    if block is not None:
        yield f"    {name}: {block}"
    else:
        yield f"    {name}_base64: {base64.b64encode(content).decode()}"


def _block(content: bytes) -> str | None:
    """A literal block scalar, if YAML gives the very bytes back from it."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return None
    body = text.removesuffix("\n")
    indentation = "2" if body[:1] in {" ", "\t", "\n", ""} else ""
    chomping = "" if text.endswith("\n") else "-"
    rows = [f"      {row}" if row else "" for row in body.split("\n")]
    block = "\n".join([f"|{indentation}{chomping}", *rows])
    try:
        read_back: object = yaml.load(f"    stream: {block}\n", yaml.CSafeLoader)["stream"]
    except yaml.YAMLError:
        return None
    return block if read_back == text else None

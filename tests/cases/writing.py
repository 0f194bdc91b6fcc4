"""Writing the sections of a case: as text where it can be read, as base64 where it cannot."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping

import yaml

from nethygiene.transcript import Section


def sections_as_yaml(sections: Mapping[str, Section]) -> str:
    """The key ``sections`` of a case's file."""
    if not sections:
        return "sections: {}\n"
    lines = ["sections:"]
    for name, section in sections.items():
        lines.append(f"  {name}:")
        lines += _stream("stdout", section.stdout)
        lines += _stream("stderr", section.stderr)
        lines.append(f"    status: {'null' if section.status is None else section.status}")
        if section.cut is not None:
            lines.append(f"    cut: {section.cut}")
    return "\n".join(lines) + "\n"


def _stream(name: str, content: bytes) -> Iterator[str]:
    if not content:
        if name == "stdout":
            yield "    stdout: ''"
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

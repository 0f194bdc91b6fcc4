"""What recorded cases share: hosts, each a file ``tests/hosts/<name>.yaml``.

- ``about``: what the host is, for whoever writes a case on it;
- ``setup``: the beginning of the script that makes it, which the ``setup`` of its cases continues;
- ``sections``: what most of its cases answer, word for word, or nearly.

:mod:`tests.cases.share` chooses these sections; nobody edits them.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

from nethygiene.transcript import Cut, Section
from tests.cases.difference import applied

HOSTS = Path(__file__).parents[1] / "hosts"


class Strict(BaseModel):
    """A part of a file, of which each key is known."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class CaseSection(Strict):
    """A section as a file has it."""

    stdout: str = ""
    stdout_base64: str | None = None
    diff: str | None = None
    stderr: str = ""
    stderr_base64: str | None = None
    status: int | None = 0
    cut: Cut | None = None

    @model_validator(mode="after")
    def _one_spelling(self) -> Self:
        spellings = [bool(self.stdout), self.stdout_base64 is not None, self.diff is not None]
        if sum(spellings) > 1 or (self.stderr and self.stderr_base64):
            raise ValueError("give a stream as text or as base64 or as diff, not in two ways")
        if (self.status is None) != (self.cut is not None):
            raise ValueError("a section has a status, or (status: null) why it was cut")
        return self

    def section(self) -> Section:
        """The section of the transcript."""
        return Section(
            _bytes(self.stdout, self.stdout_base64),
            _bytes(self.stderr, self.stderr_base64),
            self.status,
            self.cut,
        )

    def of(self, host: CaseSection | None) -> CaseSection:
        """The section whole, where only its difference from the host's is given.

        What is not said of it is as on the host.

        Raises:
            ValueError: the host does not have it, or the difference is not of what the host has.
        """
        if self.diff is None:
            return self
        if host is None:
            raise ValueError("a diff is of a section that the host has")
        said = self.model_dump(exclude={"diff"}, exclude_unset=True)
        if said.keys() & {"stderr", "stderr_base64"}:
            said = {"stderr": "", "stderr_base64": None, **said}
        return host.model_copy(update={**said, "stdout": applied(host.stdout, self.diff)})


def _bytes(text: str, encoded: str | None) -> bytes:
    return text.encode() if encoded is None else base64.b64decode(encoded, validate=True)


class Host(Strict):
    """What the cases on a host have in common."""

    about: str = Field(min_length=20)
    setup: str = ""
    sections: dict[str, CaseSection]

    def setup_of(self, continued: str | None) -> str | None:
        """The whole script for a case whose own part this is."""
        return (self.setup + (continued or "")) or None

    def sections_of(
        self, takes: Iterable[str], own: Mapping[str, CaseSection]
    ) -> dict[str, CaseSection]:
        """The sections of a case that takes these from the host, and has those of its own.

        Raises:
            ValueError: the host has no such section, or the case has it itself, too.
        """
        taken = list(takes)
        if unknown := [name for name in taken if name not in self.sections]:
            raise ValueError(f"the host has no section {', '.join(unknown)}")
        if twice := [name for name in taken if name in own]:
            raise ValueError(f"given twice: {', '.join(twice)}")
        theirs = {name: self.sections[name] for name in taken}
        return theirs | {name: one.of(self.sections.get(name)) for name, one in own.items()}


def host_path(name: str) -> Path:
    """The file of a host."""
    return HOSTS / f"{name}.yaml"


@cache
def load_host(name: str) -> Host:
    """Read a host's file, once.

    Raises:
        ValueError: there is none, or it is no host.
    """
    path = host_path(name)
    if not path.is_file():
        known = ", ".join(sorted(one.stem for one in HOSTS.glob("*.yaml")))
        raise ValueError(f"tests/hosts/ has no host {name!r}: there are {known}")
    return Host.model_validate(parse(path.read_text("utf-8")))


class _Loader(yaml.CSafeLoader):
    """Refuses a key that is given twice, of which PyYAML would silently keep the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value]
        if twice := {key for key in keys if keys.count(key) > 1}:
            raise ValueError(f"given twice: {', '.join(sorted(twice))}")
        return super().construct_mapping(node, deep)


def parse(text: str) -> object:
    """Read YAML."""
    parsed: object = yaml.load(text, _Loader)
    return parsed

"""The shells that /bin/sh may be, and running the script in them."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from nethygiene.collect.command import Command
from nethygiene.collect.frames import Framed, cut_into_sections
from nethygiene.collect.script import compose, new_boundary
from nethygiene.engine.catalogue import all_probes
from nethygiene.engine.probe import Probe

PATH = "/usr/local/bin:/usr/bin:/bin"

_KNOWN: Mapping[str, tuple[str, ...]] = {
    "dash": ("dash", "-s"),
    "bash": ("bash", "-s"),
    "bash-posix": ("bash", "--posix", "-s"),
    "busybox": ("busybox", "sh", "-s"),
}
SHELLS = {name: words for name, words in _KNOWN.items() if shutil.which(words[0], path=PATH)}
"""Those of them that are installed here."""


@dataclass(frozen=True)
class Answer:
    """What came back.

    Attributes:
        framed: cut into sections.
        stdout: as it came.
        stderr: as it came.
        boundary: of the run.
    """

    framed: Framed
    stdout: bytes
    stderr: bytes
    boundary: str

    def __getitem__(self, name: str) -> bytes:
        """Standard output of a section."""
        return self.framed.sections[name].stdout


def run(
    commands: Sequence[Command],
    shell: Sequence[str] = ("/bin/sh", "-s"),
    *,
    window: float = 0.0,
    sudo: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
    cwd: str | None = None,
) -> Answer:
    """Run the real script for `commands`."""
    boundary = new_boundary()
    done = subprocess.run(
        list(shell),
        input=compose(commands, boundary=boundary, window=window, sudo=sudo),
        capture_output=True,
        env={"PATH": PATH} if environment is None else dict(environment),
        cwd=cwd,
        timeout=120,
        check=False,
    )
    framed = cut_into_sections(done.stdout, done.stderr, boundary, None)
    return Answer(framed, done.stdout, done.stderr, boundary)


def every_command(probes: Mapping[str, Probe] | None = None) -> list[Command]:
    """The commands of all probes, in the order in which a run sends them."""
    known = all_probes() if probes is None else probes
    return [command for name in sorted(known) for command in known[name].commands]


def may_make_namespaces() -> bool:
    """Whether this machine lets us hide tools and processes in namespaces of their own."""
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        return False
    probe = ["unshare", "--net", "--mount", "--pid", "--fork", "--mount-proc", "true"]
    return subprocess.run(probe, capture_output=True, check=False).returncode == 0

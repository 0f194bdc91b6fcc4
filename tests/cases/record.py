"""Records cases: runs the real script on a real, throw-away host, and keeps what the rule reads.

::

    .venv/bin/python -m tests.cases.record tests/cases/RULE/STATE.OUTCOME.yaml
    ... --through "ssh web-1" tests/cases/RULE/STATE.OUTCOME.yaml

The first makes a host by the file's ``setup``, the second takes a real one as it is.

The file has to be there with everything but ``takes`` and ``sections``; those are written, or
written anew: what is as on the file's ``host``, and what is not. The ``setup``, of the host and
then of the file, is a shell script that makes the host what the case is about. It is run as root in
network, mount and process namespaces that end with the recording, whatever it starts.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from nethygiene.collect.host import Job, _converse
from nethygiene.engine.catalogue import commands_for, versions
from nethygiene.inventory.policy import policy_from_plain
from nethygiene.inventory.target import Target
from nethygiene.transcript import Transcript
from nethygiene.transport.base import ConnectSettings, Output
from nethygiene.transport.local import LocalConnection
from tests.cases.case import CaseFile, load_case, rules
from tests.cases.hosts import load_host
from tests.cases.mismatch import mismatches
from tests.cases.trim import trimmed
from tests.cases.writing import head_of, sections_as_yaml

_NAMESPACES = "unshare --net --mount --pid --fork --kill-child --mount-proc"


@dataclass(frozen=True)
class ThrowAwayHost:
    """A connection to a host that is made for one answer."""

    setup: str
    login: str | None
    shell: str
    settings: ConnectSettings
    through: str | None = None

    address = "recorded"
    host_key = None

    def run(self, command: str, stdin: bytes = b"") -> Output:
        shell = self.shell or command
        if self.login:
            ids = f"--reuid={self.login} --regid=nogroup --clear-groups --reset-env"
            shell = f"setpriv {ids} {shell}"
        if self.through:
            wrapped = f"{self.through} {shlex.quote(shell)}"
        else:
            python = f"PYTHON={shlex.quote(sys.executable)}"
            inside = f"{python}\n{{\nset -e\n{self.setup}\n}} </dev/null\nset +e\nexec {shell}"
            wrapped = f"{_NAMESPACES} sh -c {shlex.quote(inside)}"
        return LocalConnection(self.settings).run(wrapped, stdin)

    def close(self) -> None:
        """The host is gone already."""


def record(rule_id: str, head: CaseFile, through: str | None = None) -> Transcript:
    """What the host of a case answers to the commands that its rule needs."""
    limits = head.limits
    settings = ConnectSettings(command_timeout=limits.command_timeout, max_stdout=limits.max_stdout)
    probes = tuple(sorted(rules()[rule_id].probes))
    target = Target("recorded", "recorded", kind="local", become=head.become)
    commands = commands_for(probes, policy_from_plain(dict(head.policy)))
    job = Job(target, settings, versions(probes), commands, head.window)
    blank = Transcript("recorded", "recorded", "2026-01-01T00:00:00.000Z", 0.0, head.window)
    host = ThrowAwayHost(head.setup or "", head.login, head.shell, settings, through)
    return _converse(host, job, blank)


def record_file(path: Path, through: str | None = None) -> list[str]:
    """Record a case into its file; gives what does not come out as the file expects.

    Raises:
        ValueError: the case was put together from recordings, and would be lost.
    """
    if "@since:" in path.read_text("utf-8"):
        raise ValueError(f"{path}: a sample of an earlier run cannot be recorded in one run")
    text = head_of(path.read_text("utf-8")).rstrip("\n") + "\n"
    plain: dict[str, Any] = yaml.safe_load(text)
    for key in ("failure", "privileged"):
        plain.pop(key, None)
    head = CaseFile.model_validate({**plain, "sections": {}})
    host = load_host(head.host) if head.host else None
    if host is not None:
        head = head.model_copy(update={"setup": host.setup_of(head.setup)})
    rule = rules()[path.parent.name]
    transcript = trimmed(rule, record(rule.id, head, through), head.policy)
    text = _without(text, "failure", "privileged")
    if transcript.privileged:
        text += "privileged: true\n"
    if (failure := transcript.failure) is not None:
        fields = {"code": failure.code, "message": failure.message, "cure": failure.cure}
        text += yaml.safe_dump({"failure": fields}, sort_keys=False, width=96)
    path.write_text(text + sections_as_yaml(transcript.sections, host), "utf-8")
    case = load_case(path)
    assert case.transcript().sections == transcript.sections, "the file does not hold what came"
    return mismatches(case)


def _without(text: str, *keys: str) -> str:
    kept: list[str] = []
    dropping = False
    for line in text.splitlines(keepends=True):
        if not line.startswith((" ", "#")):
            dropping = line.partition(":")[0] in keys
        if not dropping:
            kept.append(line)
    return "".join(kept)


def main() -> int:
    """Record the files that the command line names."""
    parser = argparse.ArgumentParser("python -m tests.cases.record", description=__doc__)
    parser.add_argument("--through", help="a command that runs its last argument on a real host")
    parser.add_argument("files", nargs="+", type=Path)
    arguments = parser.parse_args()
    wrong = 0
    for path in arguments.files:
        found = record_file(path, arguments.through)
        wrong += bool(found)
        print("\n  ".join([f"{path}: {'differs' if found else 'as expected'}", *found]))  # noqa: T201
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

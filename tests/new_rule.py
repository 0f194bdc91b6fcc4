"""Begins a rule on a sysctl: its module, its recorded cases, and its line in the changelog.

::

    make rule NAME=tcp-rfc1337-enabled SYSCTL=net.ipv4.tcp_rfc1337 GOOD=1 BAD=0

It leaves TODO where only the author knows what to write; the tests refuse that word. A rule on
anything else can begin in the same way, and then asks for another fact.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]

_MODULE = '''\
"""TODO: the subject of these rules, in one line."""

from nethygiene.rules import Expect, equal_to, rule, set_sysctls
from nethygiene.subjects.kernel.sysctl import Sysctls

NAME = "{sysctl}"


# severity is low, medium, high or critical; defaults is what every kernel sets by itself.
@rule(severity="medium", kind="setting", incidents=["TODO"], defaults={{NAME: "TODO"}})
def test_{function}(sysctl: Sysctls, expect: Expect) -> None:
    """TODO: the wanted state, in one sentence.

    Why: TODO: what happened where it was not so.
    Remedy: TODO: what to do, in one sentence.
        `sysctl -w {sysctl}={good}`
        `echo '{sysctl}={good}' > /etc/sysctl.d/99-zz-{last}.conf`
    References:
        - TODO
    """
    expect(NAME, sysctl[NAME], equal_to({good}), remedy=set_sysctls({{NAME: {good}}}))
'''
_SOURCE = "source: Linux on Debian, as `setup` makes it.\n"
_CASES = {
    "set.passed": _SOURCE
    + """\
setup: sysctl -qw {sysctl}={good}
expect:
- outcome: passed
""",
    "not-set.failed": _SOURCE
    + """\
setup: sysctl -qw {sysctl}={bad}
expect:
- outcome: failed
  contains: {sysctl} is {bad}, expected {good}
""",
    "not-readable.unknown": _SOURCE
    + """\
setup: |
  mount -t tmpfs tmpfs /mnt
  install -m 600 /dev/null /mnt/{last}
  mount --bind /mnt /proc/sys/{directory}
login: nobody
expect:
- outcome: unknown
  reason: permission
""",
}
_CHANGED = "- `{name}`: TODO: what it finds, for users.\n"


def begin(root: Path, name: str, sysctl: str, good: int, bad: int) -> list[Path]:
    """Write the files of a new rule.

    Raises:
        ValueError: a word cannot be taken, there is such a rule, or the changelog has no place.
    """
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+", name):
        raise ValueError(
            f"NAME={name}: words in lower case with dashes, which say the wanted state"
        )
    if not re.fullmatch(r"[a-z0-9_]+(\.[\w/-]+)+", sysctl):
        raise ValueError(f"SYSCTL={sysctl}: a name with dots, such as net.ipv4.tcp_rfc1337")
    if good == bad:
        raise ValueError(f"GOOD={good} BAD={bad}: these are the same")
    function = name.replace("-", "_")
    module, cases = root / "checks" / f"test_{function}.py", root / "tests" / "cases" / name
    if there := [path for path in (module, cases) if path.exists()]:
        raise ValueError(f"{there[0]} is there already: choose another NAME")
    directory, _, last = sysctl.translate(str.maketrans("./", "/.")).rpartition("/")
    words = {"name": name, "function": function, "sysctl": sysctl, "good": good, "bad": bad}
    words |= {"directory": directory, "last": last}
    changelog = root / "CHANGELOG.md"
    changed = _with_line(changelog.read_text("utf-8"), _CHANGED.format(**words))
    written = {module: _MODULE, **{cases / f"{one}.yaml": text for one, text in _CASES.items()}}
    cases.mkdir()
    for path, text in written.items():
        path.write_text(text.format(**words), "utf-8")
    changelog.write_text(changed, "utf-8")
    return [*written, changelog]


def _with_line(text: str, line: str) -> str:
    """The changelog with one more line about rules that are not released."""
    unreleased = re.search(r"^## Unreleased\n.*?(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    if unreleased is None:
        raise ValueError("CHANGELOG.md has no section `## Unreleased`")
    section = unreleased[0].rstrip("\n") + "\n"
    rules = re.search(r"^### Rules\n.*?(?=\n### |\Z)", section, re.MULTILINE | re.DOTALL)
    if rules is None:
        section += f"\n### Rules\n\n{line}"
    else:
        place = rules.start() + len(rules[0].rstrip("\n")) + 1
        section = section[:place] + line + section[place:]
    rest = text[unreleased.end() :]
    return text[: unreleased.start()] + section + ("\n" + rest if rest else "")


def main() -> int:
    """Read the command line."""
    parser = argparse.ArgumentParser("python -m tests.new_rule", description=__doc__)
    parser.add_argument("name")
    parser.add_argument("sysctl")
    parser.add_argument("good", type=int, help="the value that is wanted")
    parser.add_argument("bad", type=int, help="one that is not")
    given = parser.parse_args()
    try:
        paths = begin(ROOT, given.name, given.sysctl, given.good, given.bad)
    except ValueError as error:
        sys.stderr.write(f"{error}\n")
        return 4
    sys.stdout.write("".join(f"wrote {path.relative_to(ROOT)}\n" for path in paths))
    sys.stdout.write(
        "Now: write what stands there as TODO; record the cases, as root:\n"
        f"  .venv/bin/python -m tests.cases.record tests/cases/{given.name}/*.yaml\n"
        "then make docs, make lint, make quick; and make test, as root.\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())

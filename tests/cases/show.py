"""Prints recorded cases whole: with all that their hosts' files add to them.

::

    .venv/bin/python -m tests.cases.show tests/cases/RULE/STATE.OUTCOME.yaml
"""

from __future__ import annotations

import sys
from pathlib import Path

from tests.cases.case import load_case
from tests.cases.writing import sections_as_yaml


def shown(path: Path) -> str:
    """The host's script and the case's, and every section as the rule reads it."""
    case = load_case(path)
    setup = "".join(f"#   {line}\n" for line in (case.file.setup or "").splitlines())
    return f"# {path}\n{setup}{sections_as_yaml(case.transcript().sections)}"


if __name__ == "__main__":
    sys.stdout.write("\n".join(shown(Path(one)) for one in sys.argv[1:]))

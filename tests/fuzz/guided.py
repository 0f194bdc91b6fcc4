"""One target under atheris, which follows the branches that an input takes.

``python -m tests.fuzz.guided TARGET [libFuzzer's own arguments]``; :mod:`tests.fuzz` runs this.
"""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(include=["nethygiene"]):
    from tests.cases.case import rules
    from tests.fuzz.answers import healthy
    from tests.fuzz.targets import targets


def main() -> None:
    """Run until libFuzzer ends the process: in time, or at the first finding."""
    name, *arguments = sys.argv[1:]
    # What is read once is not the first input's fault.
    healthy()
    rules()
    atheris.Setup([sys.argv[0], *arguments], targets()[name].run)
    atheris.Fuzz()


if __name__ == "__main__":
    main()

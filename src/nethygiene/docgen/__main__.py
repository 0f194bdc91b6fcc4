"""`python -m nethygiene.docgen`: write the generated files, or check them with `--check`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from nethygiene.docgen import generated_files, out_of_step, write
from nethygiene.engine.rule import RuleDeclarationError
from nethygiene.shipped import shipped_folder


def main(arguments: Sequence[str] | None = None) -> int:
    """Return the exit status: 1 if `--check` finds a file out of step, 2 for wrong usage."""
    parser = argparse.ArgumentParser(prog="python -m nethygiene.docgen", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, exit with status 1")
    options = parser.parse_args(arguments)
    root = shipped_folder()
    if not (root / "pyproject.toml").is_file():
        parser.error(f"{root} is no clone of the repository: there is nothing to document")
    try:
        files = generated_files(root)
    except RuleDeclarationError as error:
        parser.error(str(error))
    problems = list(out_of_step(root, files))
    for problem in problems:
        sys.stdout.write(f"{problem}\n" if options.check else f"{problem}: updated\n")
    if options.check:
        if problems:
            sys.stdout.write("run: make docs\n")
        return int(bool(problems))
    write(root, files)
    return 0


if __name__ == "__main__":
    sys.exit(main())

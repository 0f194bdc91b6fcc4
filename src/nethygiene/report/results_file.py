"""The results file: the whole run as JSON."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from nethygiene.results import Run


def write_results(run: Run, path: Path) -> None:
    """Write the results file whole or not at all: under another name, then renamed.

    Raises:
        OSError: it cannot be written.
    """
    text = run.model_dump_json(by_alias=True, indent=1)
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text + "\n")
        # mkstemp makes it private; results are for sharing, as far as the umask allows.
        umask = os.umask(0)
        os.umask(umask)
        Path(name).chmod(0o666 & ~umask)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise

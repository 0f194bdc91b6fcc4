"""`nethygiene`, and `python -m nethygiene`, which is the same."""

from __future__ import annotations

import sys

from nethygiene.commands.table import main

if __name__ == "__main__":
    sys.exit(main())

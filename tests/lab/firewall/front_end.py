"""One front end against the kernel: python -m tests.lab.firewall.front_end docker."""

from __future__ import annotations

import sys
from random import Random

from tests.lab.firewall.comparing import PORTS, Ground, ground
from tests.lab.firewall.installed import FRONT_ENDS, PUBLISHED, install
from tests.lab.firewall.tally import Tally
from tests.lab.lab import Lab


def judge(ground: Ground, name: str, *, count: int) -> Tally:
    """Install a front end, have it make its rules, and compare so many connections."""
    tally = Tally()
    front_end = FRONT_ENDS[name]
    install(ground.target, front_end.packages)
    ground.target.run("sh", "-s", text=f"exec 2>&1\n{front_end.script}", timeout=240)
    try:
        more = front_end.then(ground)
        ports = (*PORTS, *PUBLISHED * 3) if more else PORTS
        ground.compare(name, tally, ground.attempts(Random(1), count, ports=ports, more=more))
    finally:
        ground.target.run("sh", "-s", text=front_end.undo, check=False, timeout=60)
    return tally


def main() -> int:
    """See above."""
    wrong = 0
    for name in sys.argv[1:] or FRONT_ENDS:
        with Lab() as lab, ground(lab) as built:
            tally = judge(built, name, count=600)
        sys.stdout.write(f"{name}: {tally.told()}\n")
        wrong += len(tally.wrong)
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())

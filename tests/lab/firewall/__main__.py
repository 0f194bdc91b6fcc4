"""Compare the model with the kernel for any seeds: python -m tests.lab.firewall nft 1000 1050.

It prints what is wrong as it finds it, and the numbers of each kind at the end. `--show KIND SEED`
loads one ruleset, and prints it as the kernel has it.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from tests.lab.firewall.comparing import Ground, ground
from tests.lab.firewall.crossing_comparing import CROSSINGS, crossroads, judge_crossings
from tests.lab.firewall.datagram_comparing import DATAGRAMS, judge_datagrams, postings
from tests.lab.firewall.kinds import KINDS, judge
from tests.lab.firewall.tally import Tally, total
from tests.lab.lab import Lab

Judge = Callable[..., Tally]
"""Loads the ruleset of a seed, and compares so many connections."""


def main() -> int:
    """See above."""
    every = (*KINDS, *CROSSINGS, DATAGRAMS)
    parser = argparse.ArgumentParser(prog="python -m tests.lab.firewall", description=__doc__)
    parser.add_argument("kinds", help=f"{', '.join(every)}: several with commas between; or all")
    parser.add_argument("first", type=int, help="the first seed")
    parser.add_argument("end", type=int, help="the seed before which to stop")
    parser.add_argument("--count", type=int, default=100, help="connections for each ruleset")
    parser.add_argument("--show", action="store_true", help="print each ruleset")
    given = parser.parse_args()
    kinds = list(every) if given.kinds == "all" else given.kinds.split(",")
    tallies = {kind: Tally() for kind in kinds}
    with Lab() as lab:
        for group in (tuple(KINDS), CROSSINGS, (DATAGRAMS,)):
            asked = [kind for kind in kinds if kind in group]
            if not asked:
                continue
            with _judges(lab, group) as (built, judges):
                for seed in range(given.first, given.end):
                    for kind in asked:
                        one = judges[kind](seed, count=given.count)
                        tallies[kind].add(one)
                        for line in one.wrong:
                            _say(line)
                        if given.show:
                            shown = "nft list ruleset; iptables-legacy-save; ip6tables-legacy-save"
                            _say(built.target.shell(shown, check=False).stdout)
    for kind, tally in tallies.items():
        _say(f"{kind}: {tally.told()}")
    everything = total(tallies.values())
    _say(f"all: {everything}")
    return bool(everything.wrong)


@contextmanager
def _judges(lab: Lab, group: tuple[str, ...]) -> Iterator[tuple[Ground, dict[str, Judge]]]:
    """The hosts that a group of kinds needs, and what judges each kind."""
    if group == tuple(KINDS):
        with ground(lab) as built:
            yield built, {kind: partial(judge, built, kind) for kind in group}
        return
    with crossroads(lab) as roads:
        if group == CROSSINGS:
            yield roads.ground, {kind: partial(judge_crossings, roads, kind) for kind in group}
            return
        with postings(roads) as posts:
            yield roads.ground, {DATAGRAMS: partial(judge_datagrams, posts)}


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())

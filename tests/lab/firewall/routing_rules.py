"""Random routing rules that refuse some packets, and filters that mark them on the way there."""

from __future__ import annotations

from random import Random

from tests.lab.firewall.values import HERE4, HERE6, MARKS, SOURCES4, SOURCES6, often, port

FORGET = (
    "for f in -4 -6; do ip $f rule show pref 0 | grep -q . || ip $f rule add pref 0 lookup local;"
    " while ip $f rule del pref 10 2>/dev/null; do :; done;"
    " while ip $f rule del pref 20 2>/dev/null; do :; done; done"
)
"""Leaves the three rules that each host has."""
_FIRST = (
    "set -e; for f in -4 -6; do ip $f rule add pref 20 lookup local; ip $f rule del pref 0; done; "
)


def routing_rules(seed: int) -> str:
    """Commands that put rules before the one that looks up the host's own addresses."""
    random = Random(f"rules {seed}")
    # Every other host has its rules after it, as nearly all have.
    first, pref = (_FIRST, 10) if often(random, 0.5) else ("", 20)
    # The kernel takes no rule that differs from one before by its kind of refusal alone.
    made = [
        f"ip {family} rule add pref {pref} {_rule(random, four=family == '-4')} || :"
        for family in ("-4", "-6")
        for _ in range(random.randint(1, 3))
    ]
    return first + "; ".join(dict.fromkeys(made))


def _rule(random: Random, *, four: bool) -> str:
    sources, here = (SOURCES4, HERE4) if four else (SOURCES6, HERE6)
    words = ["not"] * often(random, 0.08)
    asked = []
    if often(random, 0.5):
        asked += ["from", random.choice((*sources, *here))]
    if often(random, 0.25):
        asked += ["to", random.choice((*sources, *here))]
    if often(random, 0.3):
        asked += ["iif", random.choice(("eth0", "eth1", "br0", "lo"))]
    if often(random, 0.5) or not asked:
        mark = random.choice(MARKS)
        asked += ["fwmark", random.choice((mark, f"{mark}/{mark}", f"0/{mark}"))]
    actions = ["prohibit", "blackhole", "unreachable"] * 2 + ["lookup main", "lookup local"]
    return " ".join([*words, *asked, random.choice(actions)])


def marking(seed: int) -> str:
    """A ruleset that marks packets as they come, and answers as they go."""
    random = Random(f"marking {seed}")
    chains = [
        ("in", "filter", "prerouting", random.choice((-300, -150, -50)), "dport"),
        ("out", "route", "output", random.choice((-300, -150, 0)), "sport"),
        ("late", "filter", "output", random.choice((-310, -50, 10)), "sport"),
    ]
    text = "table inet marking {\n"
    for name, kind, hook, priority, end in chains:
        rules = "".join(
            f"  tcp {end} {port(random)} {_marked(random)}\n" for _ in range(random.randint(0, 4))
        )
        text += f" chain {name} {{\n  type {kind} hook {hook} priority {priority};\n{rules} }}\n"
    return text + "}\n"


def _marked(random: Random) -> str:
    mark = random.choice(MARKS)
    statements = [f"meta mark set {mark}"] * 4
    statements += [f"meta mark set meta mark | {mark}", "ct mark set meta mark"]
    statements += ["meta mark set ct mark", f"meta mark {mark} meta mark set 0"]
    return random.choice(statements)

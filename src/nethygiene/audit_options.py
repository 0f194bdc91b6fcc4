"""The options of an audit, for pytest and for the help of `nethygiene audit`.

They stand apart from the plugin: the command line needs them before pytest runs, and whatever it
imports by then is too late for pytest to rewrite its assertions.
"""

from __future__ import annotations

from collections.abc import Callable

from nethygiene.report.writers import ANNOTATORS, WRITERS


def declare_options(add: Callable[..., object]) -> None:
    """Declare each option by a function that takes what argparse's add_argument takes."""
    add("--inventory", metavar="FILE", help="the inventory (default: this machine alone)")
    add("--limit", metavar="PATTERN", help="hosts and groups to judge, as Ansible's --limit")
    add("--forks", metavar="N", default="32", help="hosts collected at once (default: 32)")
    add(
        "--window",
        metavar="SECONDS",
        default="2",
        help="time between the two samples of counters (default: 2, and up to 10 on a suspicion; "
        "0: no rates)",
    )
    add("--since", metavar="EVIDENCE", help="count rates from this earlier run, of the same boot")
    add("--connect-timeout", metavar="SECONDS", default="15", help="time to log in (default: 15)")
    add(
        "--command-timeout",
        metavar="SECONDS",
        default="60",
        help="time to collect one host (default: 60)",
    )
    add(
        "--known-hosts",
        metavar="FILE",
        action="append",
        default=[],
        help="known_hosts to trust, in place of those that ssh_config names (may be repeated)",
    )
    add(
        "--fail-on",
        metavar="LEVEL",
        default="medium",
        help="least severity that fails the run: low, medium (default), high, critical",
    )
    for writer in WRITERS:
        add(writer.option, metavar="FILE", help=writer.help)
    kinds = ", or ".join(
        ["none", *(f"{annotator.name}: {annotator.help}" for annotator in ANNOTATORS)]
    )
    add("--annotations", metavar="KIND", help=kinds)
    add("--evidence", metavar="FILE", help="keep what the hosts answered, to be judged again")
    add(
        "--redact",
        action="store_true",
        help="with --evidence: pseudonyms for addresses and names, alike in the whole file",
    )
    add("--from-evidence", metavar="FILE", help="judge kept evidence; connects to nothing")
    add(
        "--label",
        metavar="KEY=VALUE",
        action="append",
        default=[],
        help="label kept in the results (may be repeated)",
    )

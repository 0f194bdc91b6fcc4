"""A command that would load or create what it lists is not run where there is nothing to list."""

from __future__ import annotations

import pytest

from nethygiene.collect.command import Command
from nethygiene.engine.catalogue import all_probes
from nethygiene.transcript import Section
from tests.unit.collect.shells import SHELLS, run


@pytest.mark.parametrize("shell", SHELLS.values(), ids=SHELLS)
@pytest.mark.parametrize(
    ("condition", "skipped"),
    [
        ("true", True),
        ("[ -e /proc/net/dev ] && [ ! -e /no/such/file ]", True),
        ("echo noise; echo noise >&2; true", True),
        ("false", False),
        ("no-such-tool-here", False),
        ('exit_status=; [ "$exit_status" = 0 ]', False),
    ],
)
def test_it_is_run_unless_the_condition_holds(
    shell: tuple[str, ...], condition: str, skipped: bool
) -> None:
    commands = [Command("asked", "echo run", skip_if=condition), Command("after", "echo here")]
    answer = run(commands, shell)
    assert answer.framed.complete
    assert answer.framed.sections == {
        "asked": Section(b"" if skipped else b"run\n"),
        "after": Section(b"here\n"),
    }


def test_the_filters_commands_ask_first() -> None:
    commands = {one.name: one for one in all_probes()["packet_filter"].commands}
    for name in ("nft", "iptables", "ip6tables", "iptables_legacy", "ip6tables_legacy", "ipset"):
        assert commands[name].skip_if
        assert commands[name].privileged

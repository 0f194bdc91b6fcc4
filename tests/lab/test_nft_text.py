"""Rules in messages are the lines that ``nft list ruleset`` prints, where people look for them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from nethygiene.subjects.filter.model import nft_text
from nethygiene.subjects.filter.model.nft import parse_nft
from tests.lab.firewall.nft_rulesets import nft
from tests.lab.host import LabHost
from tests.lab.lab import Lab

TEXTS = Path(__file__).parent / "firewall" / "texts"


@pytest.fixture
def host(lab: Lab) -> Iterator[LabHost]:
    made = lab.host("nft-text")
    yield made
    lab.remove(made)


def _loaded(host: LabHost, text: str) -> None:
    """Load a ruleset, without the lines that this kernel or this nft does not know."""
    lines = text.split("\n")
    for _ in range(40):
        done = host.run("nft", "-f", "-", text="\n".join(lines), check=False)
        if done.returncode == 0:
            return
        refused = int(done.stderr.split(":")[1]) - 1
        assert lines[refused].startswith(" "), done.stderr
        lines[refused] = ""
    raise AssertionError(done.stderr)


def _printed(host: LabHost) -> list[str]:
    """The lines of rules alone, without counters' numbers."""
    lines = (one.strip() for one in host.run("nft", "-s", "list", "ruleset").stdout.split("\n"))
    found: list[str] = []
    inside = False
    for line in lines:
        if line.startswith("chain "):
            inside = True
        elif line == "}":
            inside = False
        elif inside and not line.startswith("type "):
            found.append(line)
    return found


def _told(host: LabHost) -> list[str]:
    listing = host.run("nft", "-j", "list", "ruleset").stdout
    parsed = parse_nft(listing)
    assert not isinstance(parsed, str)
    return [
        nft_text.text_of(rule["expr"], rule.get("comment"), table.family)  # type: ignore[arg-type]
        for table in parsed
        for name in table.chains
        for rule in table.rules.get(name, ())
    ]


@pytest.mark.parametrize("path", sorted(TEXTS.glob("*.nft")), ids=lambda path: path.stem)
def test_every_statement(host: LabHost, monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
    monkeypatch.setattr(nft_text, "_LONGEST", 10_000)
    _loaded(host, path.read_text(encoding="utf-8"))
    printed = _printed(host)
    # Else there would be little to compare.
    wanted = [one for one in path.read_text(encoding="utf-8").split("\n") if one[:4] == "    "]
    assert len(printed) > 0.8 * len(wanted)
    assert _told(host) == printed


def test_rulesets_at_random(host: LabHost, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nft_text, "_LONGEST", 10_000)
    for seed in range(12):
        host.run("nft", "flush", "ruleset")
        _loaded(host, nft(seed))
        assert json.loads(host.run("nft", "-j", "list", "ruleset").stdout)["nftables"]
        assert _told(host) == _printed(host)

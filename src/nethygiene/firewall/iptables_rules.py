"""The rules of iptables-save: matches by module, and targets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from nethygiene.firewall.addresses import Family
from nethygiene.firewall.ipsets import IpSet
from nethygiene.firewall.iptables_matches import EXTENSION_HEADERS, OPTIONS, Options, read_option
from nethygiene.firewall.iptables_targets import target_of
from nethygiene.firewall.matches import In, Match, Never, Perhaps
from nethygiene.firewall.ruleset import Rule

_BAN_CHAINS = ("f2b", "fail2ban", "sshguard", "crowdsec")


@dataclass(slots=True)
class _Line:
    """A rule's words being read."""

    words: list[str]
    matches: list[Match] = field(default_factory=list)
    modules: list[str] = field(default_factory=list)
    target: str = ""
    goto: bool = False
    target_options: list[str] = field(default_factory=list)


def rules_of(
    words: list[str], text: str, place: str, family: Family, sets: Mapping[str, IpSet] | None
) -> list[Rule]:
    """What one ``-A`` line comes to; nothing where no SYN can match it."""
    line = _Line(list(words))
    options = Options(family, sets)
    while line.words:
        word = line.words.pop(0)
        if word in {"-j", "-g"} and line.words:
            line.goto = word == "-g"
            line.target = line.words.pop(0)
            line.target_options = line.words
            break
        if word in {"-m", "--match"} and line.words:
            line.modules.append(line.words.pop(0))
            if line.modules[-1] in EXTENSION_HEADERS:
                return []
            if line.modules[-1] not in OPTIONS:
                line.matches.append(Perhaps(f"-m {line.modules[-1]}"))
            continue
        inverted = word == "!"
        if inverted and line.words:
            word = line.words.pop(0)
        found = read_option(word, line.words, line.modules, options, inverted=inverted)
        line.matches += found
    line.matches += options.closing()
    if any(isinstance(one, Never) for one in line.matches):
        return []
    bans = place.rpartition(" ")[2].startswith(_BAN_CHAINS) or any(
        isinstance(one, In) and one.bans and not one.inverted for one in line.matches
    )
    made = target_of(line.target, line.target_options, goto=line.goto, family=family)
    return [
        Rule(
            place,
            text if len(text) <= 160 else text[:159] + "…",
            tuple(line.matches) + one.matches,
            one.action,
            chain=one.chain,
            target=one.target,
            effects=one.effects,
            masks_source=one.masks_source,
            bans=bans,
        )
        for one in made
    ]

"""The rules of iptables-save: matches by module, and targets."""

from __future__ import annotations

from nethygiene.subjects.filter.model.effects import Effect
from nethygiene.subjects.filter.model.fields import Field
from nethygiene.subjects.filter.model.iptables_limits import MODULES, limited
from nethygiene.subjects.filter.model.iptables_matches import matches_of
from nethygiene.subjects.filter.model.iptables_options import Context, read_line
from nethygiene.subjects.filter.model.iptables_targets import TargetMeaning, target_of
from nethygiene.subjects.filter.model.matches import In, Match, Never
from nethygiene.subjects.filter.model.ruleset import Action, FilterRule

_BAN_CHAINS = ("f2b", "fail2ban", "sshguard", "crowdsec")
_LONGEST = 160


def rules_of(words: list[str], text: str, context: Context) -> list[FilterRule]:
    """The rules of one ``-A`` line; none if no followed packet can match it."""
    line = read_line(words)
    matches: list[Match] = []
    effects: list[Effect] = []
    for group in line.groups:
        if group.module in MODULES:
            limits, done = limited(group, context)
            matches += limits
            effects += done
        else:
            matches += matches_of(group, context)
    if any(isinstance(match, Never) for match in matches):
        return []
    made = target_of(line.target, line.target_words, goto=line.goto, context=context)
    if effects and not made:
        made = [TargetMeaning(Action.CONTINUE)]
    return [
        FilterRule(
            context.place,
            text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…",
            tuple(matches),
            rule.action,
            chain=rule.chain,
            target=rule.target,
            effects=(*effects, *rule.effects),
            bans=_bans(matches, context),
        )
        for rule in made
    ]


def _bans(matches: list[Match], context: Context) -> bool:
    """Whether it is of addresses that a program keeps.

    What drops everybody is no ban, whatever its chain is called.
    """
    of_banner = context.place.rpartition(" ")[2].startswith(_BAN_CHAINS)
    return any(
        isinstance(match, In)
        and not match.inverted
        and (match.bans or (of_banner and Field.SADDR in match.fields))
        for match in matches
    )

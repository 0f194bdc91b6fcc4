"""The statements of nft's rules: a rule of nft becomes one or more rules of the model."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from nethygiene.subjects.filter.model.effects import (
    Effect,
    MaskSource,
    PutInZone,
    PutOn,
    SetMark,
    Untrack,
)
from nethygiene.subjects.filter.model.fields import TCP, Field
from nethygiene.subjects.filter.model.masks import Masked
from nethygiene.subjects.filter.model.matches import In, Match, Never, Perhaps, numbers
from nethygiene.subjects.filter.model.nft_fields import NftScope, tells_family
from nethygiene.subjects.filter.model.nft_limits import limit_match
from nethygiene.subjects.filter.model.nft_marks import marked_field, new_mark
from nethygiene.subjects.filter.model.nft_matches import match, membership
from nethygiene.subjects.filter.model.nft_translation import (
    covers_all,
    keys_of,
    sources,
    translations,
)
from nethygiene.subjects.filter.model.nft_values import Json
from nethygiene.subjects.filter.model.ruleset import Action, FilterRule

_VERDICTS = {
    "accept": Action.ACCEPT,
    "drop": Action.DROP,
    "reject": Action.REJECT,
    "return": Action.RETURN,
    "continue": Action.CONTINUE,
}
_COMING_BACK = frozenset({Action.CONTINUE, Action.JUMP, Action.UNDECIDED})
_UNDECIDED = frozenset({"queue", "synproxy", "fwd"})
_PASSING = frozenset(
    {"counter", "log", "comment", "secmark", "ct helper", "ct timeout", "ct expectation", "dup"}
    | {"flow", "last", "tunnel", "nftrace"}
)


@dataclass(slots=True)
class _Draft:
    """A rule being read: what it has matched so far, and the rules that it has become.

    Attributes:
        scope: where it stands.
        place: likewise, for messages.
        text: the rule, likewise.
        matches: its conditions so far.
        effects: what it makes of packets that meet them, not yet in a rule of the model.
        changed: the fields that rules of the model have changed for it already.
        rules: of the model.
        never: no packet meets its conditions.
        read: what has been read of it.
    """

    scope: NftScope
    place: str
    text: str
    matches: list[Match] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)
    changed: set[Field] = field(default_factory=set)
    rules: list[FilterRule] = field(default_factory=list)
    never: bool = False
    read: list[tuple[str, Json]] = field(default_factory=list)

    def add(self, match: Match | None) -> None:
        """Add a condition; None always holds."""
        if match is None:
            return
        # The effects change packets that do not meet it too.
        self.flush()
        self.never |= isinstance(match, Never)
        self.matches.append(self._now(match))

    def flush(self) -> None:
        """Apply the effects here; later conditions on them are unknown."""
        if not self.effects:
            return
        self.changed |= {effect.field for effect in self.effects if isinstance(effect, SetMark)}
        self.rule(Action.CONTINUE)
        self.effects = []
        self.matches = [self._now(match) for match in self.matches]

    def _now(self, match: Match) -> Match:
        """A condition after the rule has changed marks, which the model cannot decide."""
        if isinstance(match, Masked) and match.field in self.changed:
            return Perhaps("a mark that the rule itself changes")
        return match

    def rule(self, action: Action, *more: Match, **fields: object) -> None:
        """Take an action here."""
        if self.never or any(isinstance(match, Never) for match in more):
            return
        matches = (*self.matches, *more)
        bans = any(isinstance(match, In) and match.bans and not match.inverted for match in matches)
        fields |= {"bans": bans, "effects": tuple(self.effects)}
        rule = FilterRule(self.place, self.text, matches, action, **fields)  # type: ignore[arg-type]
        self.rules.append(rule)
        if action is not Action.CONTINUE and not more:
            self.effects = []


def rules_of(
    expressions: Sequence[Json], scope: NftScope, place: str, text: str
) -> list[FilterRule]:
    """The model's rules for one rule of nft."""
    draft = _Draft(scope, place, text)
    for node in expressions:
        if not isinstance(node, Mapping) or not node:
            draft.add(Perhaps("an expression"))
            continue
        for kind, body in node.items():
            _statement(kind, body, draft)
            draft.read.append((kind, body))
    draft.flush()
    return draft.rules


def _statement(kind: str, body: Json, draft: _Draft) -> None:  # noqa: PLR0912 - one a kind
    inner: Mapping[str, Json] = body if isinstance(body, Mapping) else {}
    if kind == "match":
        draft.add(match(inner, draft.scope))
    elif kind == "reject":
        draft.rule(Action.REJECT, *_reject(inner, draft))
    elif kind in _VERDICTS:
        draft.rule(_VERDICTS[kind])
    elif kind in {"jump", "goto"}:
        action = Action.JUMP if kind == "jump" else Action.GOTO
        draft.rule(action, chain=str(inner.get("target")))
    elif kind == "vmap":
        _vmap(inner, draft)
    elif kind in {"limit", "ct count", "quota"}:
        draft.add(limit_match(kind, body, draft.scope))
    elif kind in {"set", "map", "meter"}:
        _dynamic(kind, inner, draft)
    elif kind == "mangle":
        _mangle(inner, draft)
    elif kind == "notrack":
        draft.effects.append(Untrack())
    elif kind in {"dnat", "redirect", "tproxy"}:
        for asked, target in translations(kind, inner, draft.scope):
            draft.rule(Action.NAT, *asked, target=target)
    elif kind in {"snat", "masquerade"}:
        _mask_source(kind, inner, draft)
    elif kind in _UNDECIDED:
        draft.rule(Action.UNDECIDED)
    elif kind == "xt":
        _foreign(inner, draft)
    elif kind not in _PASSING:
        draft.rule(Action.UNDECIDED, Perhaps(kind))


def _mask_source(kind: str, inner: Mapping[str, Json], draft: _Draft) -> None:
    before = draft.effects
    for asked, source in sources(kind, inner, draft.scope):
        draft.effects = [*before, MaskSource(source)]
        draft.rule(Action.ACCEPT, *asked)
    draft.effects = before  # who is not in the map goes on


def _reject(inner: Mapping[str, Json], draft: _Draft) -> list[Match]:
    """The matches that a reject's type implies, which nft leaves out.

    The kernel would answer an IPv6 packet by ICMP's type as well (nft_reject_inet_eval); it is
    nft that puts ``meta nfproto ipv4`` before it (1.0.6), and does not print it.
    """
    kind = inner.get("type")
    if kind in ("icmp", "icmpv6"):
        icmp = "icmp" if draft.scope.family == "ipv4" else "icmpv6"
        return [] if kind == icmp else [Never()]
    if kind != "tcp reset":
        return []
    matches: list[Match] = [numbers(Field.PROTOCOL, ((TCP, TCP),))]
    shown = any(kind not in {"match", "vmap"} or tells_family(body) for kind, body in draft.read)
    if draft.scope.both_families and not shown:
        # nft 1.0.6 prints `meta nfproto ipv6 tcp dport 80 reject with tcp reset` without its
        # first match, unless a statement such as a counter stands before the reject.
        matches.append(Perhaps("its family: nft prints none before reject with tcp reset"))
    return matches


def _foreign(inner: Mapping[str, Json], draft: _Draft) -> None:
    """Read a statement of iptables that nft cannot show."""
    if inner.get("type") in ("match", None):
        draft.add(Perhaps("xt"))
    elif inner.get("name") not in ("LOG", "NFLOG", "TRACE"):
        draft.rule(Action.UNDECIDED)


def _dynamic(kind: str, inner: Mapping[str, Json], draft: _Draft) -> None:
    """Read ``update @set { ip saddr limit rate over … }``: it fills the set, its statements count.

    The element is there before they are asked (nft_dynset_eval).
    """
    element = inner.get("key") if kind == "meter" else inner.get("elem")
    each = '"saddr"' in json.dumps(element)
    name = inner.get("set")
    named_set = draft.scope.sets.get(name[1:]) if isinstance(name, str) else None
    if named_set is not None and named_set.filled is not None:
        draft.effects.append(PutOn(named_set.filled.name, off=inner.get("op") == "delete"))
    statements = inner.get("stmt")
    if isinstance(statements, Mapping):
        statements = [statements]
    if not isinstance(statements, Sequence) or isinstance(statements, str):
        return
    for statement in statements:
        if not isinstance(statement, Mapping):
            continue
        for name_, body in statement.items():
            if name_ in {"limit", "ct count", "quota"}:
                draft.add(limit_match(name_, body, draft.scope, each=each))
            else:
                _statement(name_, body, draft)


def _mangle(inner: Mapping[str, Json], draft: _Draft) -> None:
    key, to = inner.get("key"), inner.get("value")
    if not isinstance(key, Mapping):
        draft.add(Perhaps("mangle"))
        return
    payload = key.get("payload")
    which = marked_field(key)
    if which is not None:
        if "ct" in str(to) and which is Field.MARK:
            # Without a connection, a question for its mark ends the rule (nft_ct_get_eval).
            draft.add(Masked(Field.CT_MARK, 0, ((0, 0),)))
        draft.effects.append(new_mark(which, to))
    elif key.get("ct") == {"key": "zone"}:
        # `ct original zone set` is for one direction alone, and hides no reply.
        draft.effects.append(PutInZone("" if to == 0 else str(to)))
    elif isinstance(payload, Mapping) and payload.get("field") not in (
        *("dscp", "ecn", "ttl", "hoplimit"),
    ):
        # It rewrites addresses or ports, without NAT.
        draft.rule(Action.UNDECIDED)


def _vmap(inner: Mapping[str, Json], draft: _Draft) -> None:
    keys = keys_of(inner.get("key"))
    data = inner.get("data")
    bans = False
    if isinstance(data, str) and data.startswith("@"):
        named_map = draft.scope.sets.get(data[1:])
        if named_map is None:
            draft.rule(Action.UNDECIDED, Perhaps(data))
            return
        data, bans = named_map.elements, named_map.bans
    elif isinstance(data, Mapping):
        data = data.get("set")
    if not isinstance(data, Sequence) or isinstance(data, str):
        draft.rule(Action.UNDECIDED, Perhaps("vmap"))
        return
    by_verdict: dict[tuple[Action, str], list[Json]] = {}
    for pair in data:
        if not isinstance(pair, Sequence) or isinstance(pair, str) or len(pair) != 2:
            draft.rule(Action.UNDECIDED, Perhaps("vmap"))
            return
        verdict = _verdict(pair[1])
        by_verdict.setdefault(verdict, []).append(pair[0])
    # The keys of a map do not overlap, so their order does not matter; a wildcard comes last.
    wild = [verdict for verdict, entries in by_verdict.items() if "*" in entries]
    whole = covers_all(keys, [entry for entries in by_verdict.values() for entry in entries])
    if whole and all(action not in _COMING_BACK for action, _ in by_verdict):
        # The wildcard is for everything that no other key is for.
        last = by_verdict.popitem()[0]
        for verdict, entries in by_verdict.items():
            _branch(verdict, draft, membership(keys, entries, draft.scope, bans=bans))
        draft.rule(last[0], chain=last[1])
        return
    for verdict, entries in by_verdict.items():
        narrow = [entry for entry in entries if entry != "*"]
        if narrow:
            _branch(verdict, draft, membership(keys, narrow, draft.scope, bans=bans))
    for verdict in wild:
        others = [entry for entries in by_verdict.values() for entry in entries if entry != "*"]
        _branch(verdict, draft, membership(keys, others, draft.scope, inverted_=True))


def _branch(verdict: tuple[Action, str], draft: _Draft, condition: Match) -> None:
    if verdict[0] is not Action.CONTINUE:
        draft.rule(verdict[0], condition, chain=verdict[1])


def _verdict(body: Json) -> tuple[Action, str]:
    if isinstance(body, Mapping):
        for kind, inner in body.items():
            if kind in _VERDICTS:
                return _VERDICTS[kind], ""
            if kind in {"jump", "goto"} and isinstance(inner, Mapping):
                action = Action.JUMP if kind == "jump" else Action.GOTO
                return action, str(inner.get("target"))
    return Action.UNDECIDED, ""

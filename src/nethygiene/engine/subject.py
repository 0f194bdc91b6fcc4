"""A host as the rules see it: its policy, and its facts, parsed from its transcript on demand."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from nethygiene.engine import catalogue
from nethygiene.engine.fact import Fact, UnreadableFact
from nethygiene.engine.ledger import Ledger
from nethygiene.engine.outcomes import Reason, Unreadable
from nethygiene.engine.probe import Probe, whole
from nethygiene.inventory.policy import Policy
from nethygiene.transcript import HostFailure, Section, Transcript

if TYPE_CHECKING:
    from nethygiene.engine.decision import Verdict
    from nethygiene.engine.precondition import Held, Precondition
    from nethygiene.engine.rule import Rule

WHOLE = "read to its end"
HALF_READ = "the host was not read, or not to its end: see host-reachable"


@dataclass(frozen=True)
class ReachedBy(Fact):
    """How a host was reached: the fact that rules ask for as ``connection``.

    Attributes:
        address: the address of the connection.
        failure: why not all facts were collected; None if they were.
        host_key: SHA256 fingerprint of the SSH host key that was seen, None without one.
        began: the host answered in part.
    """

    address: str
    failure: HostFailure | None
    host_key: str | None = None
    began: bool = False

    @property
    def state(self) -> str:
        """:data:`WHOLE`, or its opposite with the failure's code: ``not read (refused)``."""
        state = WHOLE
        if self.failure:
            so_far = f"not {WHOLE}" if self.began else "not read"
            state = f"{so_far} ({self.failure.code})"
        self.ledger.read("this host", self.address, state)
        return state

    @property
    def cause(self) -> str:
        """The failure in one line with its cure; empty without a failure."""
        return str(self.failure) if self.failure else ""


@dataclass(frozen=True)
class RoundTrip(Fact):
    """When a host was asked and had answered, by the clock of the machine that audits.

    Rules that judge several hosts ask for it as ``round_trip``.

    Attributes:
        _sent: when the script was sent, in seconds since 1970.
        _received: when its whole answer was there.
    """

    _sent: float
    _received: float

    @property
    def ends(self) -> tuple[float, float]:
        """The moments of sending and receiving, in seconds since 1970."""
        self.ledger.read("round trip", "", f"{self._received - self._sent:.3f} s")
        return self._sent, self._received


class Subject:
    """One host to be judged. Facts are parsed once, and shared by all rules.

    Attributes:
        name: the inventory's name of the host.
        policy: what it should be like.
        transcript: its answer.
        rules: the rules that judge it in this run. A rule that looks at the verdicts of others
            evaluates these itself, so that neither order nor xdist matters.
        verdicts: the verdicts so far, by rule and declared item.
        preconditions: their answers so far, by precondition and declared item.
        without_since: stands for a sample that the earlier run of `--since` lacks; None without
            such a run.
    """

    __slots__ = (
        *("_facts", "name", "policy", "preconditions", "rules", "transcript", "verdicts"),
        "without_since",
    )

    def __init__(
        self,
        name: str,
        policy: Policy,
        transcript: Transcript,
        rules: Sequence[Rule] = (),
        *,
        without_since: Unreadable | None = None,
    ) -> None:
        self.name = name
        self.policy = policy
        self.transcript = transcript
        self.rules = rules
        self.without_since = without_since
        self.verdicts: dict[tuple[Rule, str | None], list[Verdict]] = {}
        self.preconditions: dict[tuple[Precondition, str], Held] = {}
        self._facts: dict[str, Fact | Unreadable] = {}

    def fact(self, name: str) -> Fact | Unreadable:
        """The fact of the probe `name`, or why it is unreadable."""
        fact = self._facts.get(name)
        if fact is None:
            if name == "connection":
                fact = self._connection()
            elif name == "round_trip":
                fact = self._round_trip()
            else:
                fact = self._parsed(catalogue.known_probe(name))
            self._facts[name] = fact
        return fact

    def bound(self, name: str, ledger: Ledger) -> Fact | UnreadableFact:
        """The fact, with its reads recorded in `ledger`."""
        fact = self.fact(name)
        if isinstance(fact, Unreadable):
            return UnreadableFact(fact, ledger)
        return fact.bound_to(ledger)

    def forget(self, kept: Collection[str]) -> None:
        """Drop the answer and all facts but `kept`; later reads of the others are unreadable."""
        self._facts = {name: self.fact(name) for name in kept}
        self.transcript = replace(self.transcript, sections={})

    def _connection(self) -> ReachedBy:
        transcript = self.transcript
        return ReachedBy(
            transcript.address,
            transcript.failure,
            transcript.host_key,
            began=bool(transcript.sections),
        )

    def _round_trip(self) -> RoundTrip | Unreadable:
        sent, received = self.transcript.sent, self.transcript.received
        if sent is None or received is None:
            if self.transcript.failure is not None:
                return Unreadable(Reason.UNREACHABLE, "", HALF_READ)
            why = "evidence of an earlier version does not say when the host was asked"
            return Unreadable(Reason.NOT_COLLECTED, "", why)
        return RoundTrip(sent, received)

    def _parsed(self, probe: Probe) -> Fact | Unreadable:
        sent = self.transcript.probes.get(probe.name)
        if sent is not None and sent != probe.version:
            return Unreadable(
                Reason.NOT_COLLECTED,
                probe.name,
                f"evidence of version {sent} of this probe, the rule needs {probe.version}",
            )
        sections = {
            name: self._section(name) or whole(command, self.transcript.sections.get(name))
            for command in probe.commands_for(self.policy)
            for name in command.sections
        }
        try:
            return probe.parse(sections)
        except Exception as error:  # noqa: BLE001 - a parser's bug is no verdict about the host
            detail = f"the parser failed: {type(error).__name__}: {error}; please report this"
            return Unreadable(Reason.UNPARSABLE, probe.name, detail[:300])

    def _section(self, name: str) -> Unreadable | None:
        """Why a section is missing, if the host or the earlier run is the cause."""
        failure = self.transcript.failure
        section: Section | None = self.transcript.sections.get(name)
        if section is None and name.endswith("@since") and self.without_since is not None:
            return self.without_since
        if failure is None or (section is not None and section.cut is None):
            return None
        if section is None and name.endswith("@since"):
            return None  # the round trip that failed never brings it
        return Unreadable(Reason.UNREACHABLE, "", HALF_READ)

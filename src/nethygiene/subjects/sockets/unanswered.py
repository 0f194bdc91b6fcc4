"""Connections that fail without a failure that TCP counts.

Tried on Linux 6.18, with twenty dials each:

- to a host that is down or drops: TcpExtTCPTimeouts counts each second for which a dial waits.
  TcpAttemptFails counts nothing if the application gives up. TcpExtTCPSynRetrans does not count a
  SYN that is queued for want of a neighbour. TcpRetransSegs counts data that is sent again, and
  TcpExtTCPSynRetrans does not;
- without a route (ENETUNREACH): IpOutNoRoutes alone. An unreachable, prohibit or blackhole route
  (EHOSTUNREACH, EACCES, EINVAL): nothing at all;
- without a local port (EADDRNOTAVAIL): nothing at all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import ip_address

from nethygiene.engine.matchers import Matcher
from nethygiene.engine.remedies import command, paragraphs, set_sysctls, word
from nethygiene.inventory.policy import Policy
from nethygiene.subjects.kernel.counters import Change, Counters
from nethygiene.subjects.kernel.rates import Bound, without_route
from nethygiene.subjects.kernel.sysctl import Sysctls
from nethygiene.subjects.links.ip.families import Family
from nethygiene.subjects.links.routes import Routes
from nethygiene.subjects.sockets.dials import Dial, Dials
from nethygiene.subjects.sockets.local_ports import LocalPorts, PortUse

# The first SYN waits 1 s for its answer. With 0.6 s left it has waited for 0.4 s, longer than a
# packet takes to the other end of the earth and back.
_LONG_LEFT = 0.6
_NAMED = 5


@dataclass(frozen=True, slots=True)
class Unanswered:
    """Dials without an answer.

    Attributes:
        dials: how many there are in the interval, at least.
        seconds: the interval.
    """

    dials: int
    seconds: float
    name: str = "dials without an answer"

    @property
    def delta(self) -> int:
        """The same name as a counter's change has."""
        return self.dials

    def __str__(self) -> str:
        return f"{self.dials} in {self.seconds:.2f} s" if self.dials else "none"


def unanswered(counters: Counters, dials: Dials) -> Unanswered:
    """How many dials found no answer, at least; none if no socket was seen to wait.

    The timeouts count dials that wait for more than a second. Each of them has at most one timeout
    more than the most patient dial that was seen. A dial that is given up sooner began within the
    last second before the sample that shows it.
    """
    seconds = counters.change("TcpAttemptFails").seconds
    first, last = dials.waiting()
    patience = max((dial.sent_again for dial in (*first, *last)), default=0)
    by_timeouts = 0
    if patience and counters.has("TcpExtTCPSynRetrans"):
        timeouts, again, syns = (
            counters.change(name).delta
            for name in ("TcpExtTCPTimeouts", "TcpRetransSegs", "TcpExtTCPSynRetrans")
        )
        by_timeouts = max(0, timeouts - max(0, again - syns)) // (patience + 1)
    return Unanswered(max(by_timeouts, int(_a_second(first, last) * seconds)), seconds)


def _a_second(first: Sequence[Dial], last: Sequence[Dial]) -> int:
    """Dials a second to peers that leave some dials waiting for long, in both samples."""
    samples = [[dial for dial in sample if not dial.sent_again] for sample in (first, last)]
    slow = [{dial.peer for dial in sample if dial.due <= _LONG_LEFT} for sample in samples]
    counts = [Counter(dial.peer for dial in sample) for sample in samples]
    return sum(min(counts[0][peer], counts[1][peer]) for peer in slow[0] & slow[1])


def answered(bound: Bound, opened: int) -> Matcher[Unanswered]:
    """All dials but a few find an answer."""
    return Matcher(
        f"at most {bound.per_second:g}/s (or fewer than {bound.least_events} in all, or at most "
        f"{bound.share * 100:g} % of the {opened} connections opened)",
        lambda dials: not bound.is_exceeded(dials.dials, dials.seconds, opened),
    )


def who_is_dialled(dials: Dials) -> str:
    """The peers that do not answer, the most dialled first."""
    first, last = dials.waiting()
    peers = Counter(dial.peer for dial in last or first)
    named = ", ".join(f"{peer} ({count})" for peer, count in peers.most_common(_NAMED))
    return f"no answer comes from {named}: the peer is down, or something on the way drops"


def has_way(routes: Routes, family: Family) -> bool:
    """Whether a host may be expected to reach every address of the family.

    It may not if only the other family has a default route. glibc's getaddrinfo() then tries each
    address for a route to sort its answers, and dials none of them.
    """
    other: Family = "ipv6" if family == "ipv4" else "ipv4"
    return bool(routes.default_routes(family)) or not routes.default_routes(other)


def without_way(
    counters: Counters, routes: Routes, policy: Policy, opened: int
) -> Iterator[tuple[Bound, Change]]:
    """The counters of packets without a route, for the families that need routes."""
    families: dict[str, Family] = {"IpOutNoRoutes": "ipv4", "Ip6OutNoRoutes": "ipv6"}
    for name, family in families.items():
        if not counters.has(name):
            continue
        bound, change = without_route(policy, name), counters.change(name)
        # Ask the routes only if they matter, because they may be unreadable.
        if not bound.is_exceeded(change.delta, change.seconds, opened) or has_way(routes, family):
            yield bound, change


def taken_ports(local_ports: LocalPorts, sysctl: Sysctls) -> Iterator[tuple[PortUse, int]]:
    """Peers towards which local ports are scarce, and how many of these ports are taken.

    A port in TIME-WAIT counts as free if tcp_tw_reuse lets a dial take it after 1 s.
    """
    for use in local_ports.scarce():
        taken = use.used
        reuse = sysctl["net.ipv4.tcp_tw_reuse"]
        if sysctl["net.ipv4.tcp_timestamps"] and (
            reuse == 1 or (reuse == 2 and _is_loopback(use.peer))
        ):
            taken -= use.waiting
        yield use, taken


def _is_loopback(peer: str) -> bool:
    try:
        return ip_address(peer.rpartition(":")[0].strip("[]")).is_loopback
    except ValueError:
        return False


GIVE_A_ROUTE = paragraphs(
    "Find who sends where: `strace -f -e trace=connect,sendto` on a process that complains "
    'of "Network is unreachable". Give the host the route that is missing, in the network '
    "configuration; these are the routes that there are:",
    command("ip -4 route"),
    command("ip -6 route"),
)
"""The remedy of packets without a route."""


def answer_dials(dials: Dials) -> str:
    """The remedy of the most dialled peer that does not answer."""
    first, last = dials.waiting()
    (peer, _), *_ = Counter(dial.peer for dial in last or first).most_common(1)
    address, _, port = peer.rpartition(":")
    return paragraphs(
        f"See whether {peer} can be reached from here, and which process dials it; then start what "
        "is down, let it through, or correct the address that the process is given.",
        command(f"ss -tnp state syn-sent dst {word(address)} dport = :{word(port)}"),
        command(f"ip route get {word(address.strip('[]'))}"),
    )


def why_ports_end(use: PortUse) -> str:
    """What it means that local ports towards a peer are scarce."""
    waiting = f", {use.waiting} of them in TIME-WAIT" if use.waiting else ""
    return (
        f"from {use.address}{waiting}: the next connect() finds no port (EADDRNOTAVAIL); "
        "which no counter shows"
    )


def more_ports(use: PortUse) -> str:
    """The remedy of scarce local ports."""
    why = (
        "Keep connections to {} open and use them again, rather than one for each request"
        if use.waiting * 2 > use.used
        else "Find who holds so many connections to {}, and close those that are not needed"
    )
    return paragraphs(
        f"{why.format(use.peer)}. Until then, more ports to choose from; reserve those of services "
        "that listen above 10240 in net.ipv4.ip_local_reserved_ports first.",
        set_sysctls({"net.ipv4.ip_local_port_range": "10240 65535"}),
    )

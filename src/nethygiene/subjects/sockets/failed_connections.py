"""Connections that fail and resets that are sent: how many are too many, and on which side."""

from __future__ import annotations

from collections import Counter

from nethygiene.engine.remedies import command, paragraphs, word
from nethygiene.subjects.kernel.counters import Counters
from nethygiene.subjects.kernel.rates import OPENED
from nethygiene.subjects.sockets.dials import Dials

_NAMED = 5
_MOST, _FEW = 0.8, 0.2


def connections_opened(counters: Counters) -> int:
    """Connections opened in the interval, dialled and accepted."""
    return sum(counters.change(name).delta for name in OPENED)


def where_attempts_fail(counters: Counters, dials: Dials) -> str:
    """Which side fails: a refused connection over loopback counts as a failure *and* a reset.

    Linux 6.18 counts one AttemptFails and one OutRsts for a refused connect over lo, one
    AttemptFails alone for one to another host, and one AttemptFails and one EmbryonicRsts for a
    peer that sends SYN and then RST.
    """
    failed = counters.change("TcpAttemptFails").delta
    resets = counters.change("TcpOutRsts").delta
    embryonic = counters.change("TcpExtEmbryonicRsts").delta
    if embryonic >= _MOST * failed:
        side = "peers dial this host and reset before the handshake is over: half-open health "
        side += "checks, or a port scan"
    elif resets >= _MOST * failed:
        side = f"with as many resets sent (+{resets}), this host most likely dials a closed port "
        side += "of its own, over loopback"
    elif resets <= _FEW * failed:
        side = f"with few resets sent (+{resets}), what fails is dialled by this host outward"
    else:
        side = f"with +{resets} resets sent, they fail over loopback in part, and outward in part"
    return side + _dialled(dials)


def where_resets_go(counters: Counters, dials: Dials) -> str:
    """Who gets the resets: this host itself, peers at a closed port, or peers that are cut off."""
    resets = counters.change("TcpOutRsts").delta
    failed = counters.change("TcpAttemptFails").delta
    aborts = sum(
        counters.change(f"TcpExtTCPAbortOn{why}").delta for why in ("Data", "Close", "Linger")
    )
    if failed >= _MOST * resets:
        side = f"with as many failed attempts (+{failed}), this host most likely dials a closed "
        return side + "port of its own, over loopback" + _dialled(dials)
    if aborts >= _MOST * resets:
        return "this host aborts connections: closed with data unread, or with SO_LINGER 0"
    if failed <= _FEW * resets and aborts <= _FEW * resets:
        return "peers dial a closed port of this host, or send on connections that it has ended"
    return f"+{failed} failed attempts, +{aborts} connections aborted by this host, others to peers"


def _dialled(dials: Dials) -> str:
    """What is being dialled, if a sample shows a waiting socket; a refusal is over too soon."""
    first, last = dials.waiting()
    peers = Counter(dial.peer for dial in last or first)
    named = [f"{peer} ({count})" for peer, count in peers.most_common(_NAMED)]
    return f"; being dialled just then: {', '.join(named)}" if named else ""


def end_failures(counters: Counters) -> str:
    """The remedy of failing attempts: see what is dialled, and who dials it."""
    failed = counters.change("TcpAttemptFails").delta
    own = counters.change("TcpOutRsts").delta >= _MOST * failed
    return paragraphs(
        "See what is refused: the port that these resets come from. "
        + ("Without an interface tcpdump leaves out lo, where they are." if own else ""),
        _resets_on("lo" if own else "any"),
        "See who dials it, and who waits for an answer that does not come:",
        command("ss -tnp state syn-sent"),
        "Start the service of that port, or stop the caller or correct its address. Where such "
        "failures are meant, raise `limits.failed_connections_per_second`.",
    )


def end_resets(counters: Counters) -> str:
    """The remedy of sent resets: see who gets them."""
    resets = counters.change("TcpOutRsts").delta
    own = counters.change("TcpAttemptFails").delta >= _MOST * resets
    return paragraphs(
        "See to whom they go, and from which port of this host:",
        _resets_on("lo" if own else "any"),
        "Start the service that listens there, redirect the port to where it listens now, or stop "
        "the caller. A load balancer whose health check ends by a reset is no fault: raise "
        "`limits.resets_per_second` for hosts behind it.",
    )


def _resets_on(interface: str) -> str:
    # tcp[...] never matches IPv6: pcap-filter(7).
    resets = "tcp[tcpflags] & tcp-rst != 0 or (ip6[6] == 6 and ip6[53] & 4 != 0)"
    return command(f"tcpdump -c 20 -ni {interface} {word(resets)}")

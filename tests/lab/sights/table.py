"""What each rule comes to in each scene under each sight: the full sight, and what differs from it.

A rule that is not named is expected to pass on the well host and to fail on the broken one, under
every sight: a new rule needs no line here until the tests say that it does, and one that judges
sysctls alone needs none at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from nethygiene.engine.rule import ALWAYS_SENT
from tests.cases.case import rules


@dataclass(frozen=True, slots=True)
class Expected:
    """The worst outcome of a rule's items on the well host, and on the broken one."""

    well: str
    broken: str


_USUAL = Expected("passed", "failed")
_UNKNOWN = Expected("unknown", "unknown")

FULL: Mapping[str, Expected] = {
    # Its own failures, the connection's, are the subject of tests/lab/connections.
    "host-reachable": Expected("passed", "passed"),
    "icmp-redirects-not-ignored": Expected("not-applicable", "failed"),
    # Judged with SYN cookies off alone, as they are on the broken host.
    "tcp-max-syn-backlog-covers-backlog": Expected("not-applicable", "failed"),
    # It needs both ends: tests/lab/test_upstreams.py takes each fact of each host away.
    "upstream-reachable": Expected("not-applicable", "not-applicable"),
    # The well host is idle.
    "interface-drops-bounded": Expected("not-applicable", "failed"),
    "retransmissions-bounded": Expected("not-applicable", "failed"),
}
"""The rules that are not as usual, seen with all rights and tools."""

FILTER = {"firewall-allows-service", "firewall-blocks-port"}
SOCKETS = {
    *("accept-queue-not-overflowing", "half-open-connections-bounded", "legacy-port-still-served"),
    *("listener-backlog-in-effect", "service-connections-use-keepalive", "service-listening"),
    *("service-sessions-not-stale", "ssh-sessions-per-peer-bounded"),
    "upstream-connections-use-keepalive",
}
OWNERS = {"service-descriptors-available", "tunnel-forward-listening"}
SYSCTLS = {
    # Those that read nothing else are found by themselves.
    *(name for name, rule in rules().items() if rule.probes == {"sysctl", *ALWAYS_SENT}),
    *("icmp-redirects-match-policy", "icmp-redirects-not-ignored", "reverse-path-filter-fits"),
    *("settings-persist", "somaxconn-covers-backlog"),
}
RATES = {
    *("connection-failures-bounded", "interface-drops-bounded", "interface-errors-not-rising"),
    *("resets-sent-bounded", "retransmissions-bounded"),
}
KINDS = {"interface-drops-bounded", "interface-errors-not-rising"}
INTERFACES = {
    *("icmp-redirects-match-policy", "icmp-redirects-not-ignored", "interface-has-address"),
    *("reverse-path-filter-fits", *KINDS),
}
ROUTES = {"default-route-unambiguous", "route-in-effect"}
PROCESSES = {"tunnel-fails-fast", "tunnel-running"}
CONFIGS = {*PROCESSES, "tunnel-host-key-known"}
TUNNELS = {*CONFIGS, "tunnel-logs-clean"}

# What fails by what else was seen, and cannot pass without what was not.
_BY_SOCKETS_ALONE = {"accept-queue-not-overflowing", "half-open-connections-bounded"}
_BY_COUNTERS_ALONE = {"connection-failures-bounded"}
_BY_TIMERS_ALONE = {"service-connections-use-keepalive", "upstream-connections-use-keepalive"}


def unknown(*rules: Iterable[str]) -> dict[str, Expected]:
    """These are unknown on either host."""
    return {rule: _UNKNOWN for group in rules for rule in group}


def unknown_if_well(*rules: Iterable[str]) -> dict[str, Expected]:
    """These are unknown on the well host, and as with full sight on the broken one."""
    return {rule: Expected("unknown", full(rule).broken) for group in rules for rule in group}


def unknown_if_broken(*rules: Iterable[str]) -> dict[str, Expected]:
    """The other way round."""
    return {rule: Expected(full(rule).well, "unknown") for group in rules for rule in group}


def full(rule: str) -> Expected:
    """What a rule comes to with all rights and tools."""
    return FULL.get(rule, _USUAL)


# Whether a former port leads to the service is decided by the filter as well.
NO_FILTER = unknown(FILTER, {"legacy-port-still-served"})
UNPRIVILEGED = NO_FILTER | unknown(OWNERS, TUNNELS)
NO_SOCKETS = unknown(SOCKETS, OWNERS, FILTER) | unknown_if_well(_BY_COUNTERS_ALONE)
NO_SYSCTLS = unknown(SYSCTLS) | unknown_if_well(_BY_TIMERS_ALONE)
NO_RATES = unknown(RATES) | unknown_if_well(_BY_SOCKETS_ALONE)
# Whether the kernel this runs on can have filters that only tc shows.
_HAS_TC = not Path("/proc/modules").exists() or Path("/sys/module/sch_ingress").exists()
NO_TC = unknown(FILTER) if _HAS_TC else {}
# An ssh that listens has to be the tunnel's; another process that does is seen without these.
LOCAL_END = unknown_if_well({"tunnel-forward-listening"})
NO_GREP = (
    NO_SYSCTLS
    | NO_RATES
    | unknown(OWNERS - {"tunnel-forward-listening"}, TUNNELS, FILTER)
    | LOCAL_END
    | unknown({"selinux-matches-policy"})
)
NO_SED = unknown(TUNNELS) | LOCAL_END
NO_TR = unknown(CONFIGS, {"settings-persist"}) | LOCAL_END

TABLE: Mapping[str, Mapping[str, Expected]] = {
    "unprivileged": UNPRIVILEGED,
    "sudo-asks": UNPRIVILEGED,
    "sudo-refuses": UNPRIVILEGED,
    "sudo-wants-a-tty": UNPRIVILEGED,
    "sudo-absent": UNPRIVILEGED,
    "sudo-nft-alone": UNPRIVILEGED,
    "sudo-ss-alone": NO_FILTER | unknown(TUNNELS) | LOCAL_END,
    "sudo-but-nft": NO_FILTER | unknown(TUNNELS) | LOCAL_END,
    "hidepid": UNPRIVILEGED,
    "german-refused": UNPRIVILEGED,
    "hidepid-sudo": unknown(PROCESSES, {"service-descriptors-available"}) | LOCAL_END,
    "no-cat": unknown_if_well(_BY_COUNTERS_ALONE),
    "no-date": unknown({"tunnel-logs-clean"}),
    "no-grep": NO_GREP,
    "sudo-no-grep": NO_GREP,
    "no-head": NO_SOCKETS
    | unknown(TUNNELS, ROUTES, {"network-manager-matches-policy", "settings-persist"}),
    "no-id": unknown(TUNNELS) | LOCAL_END,
    "sudo-no-id": unknown(TUNNELS) | LOCAL_END,
    "no-ip": NO_FILTER | unknown(INTERFACES, ROUTES),
    "no-nft": NO_FILTER,
    "no-runuser-su": unknown(TUNNELS) | LOCAL_END,
    "no-sed": NO_SED,
    "sudo-no-sed": NO_SED,
    "no-sleep": NO_RATES | unknown_if_broken({"icmp-redirects-not-ignored"}),
    "no-ss": NO_SOCKETS,
    "no-ssh": unknown(CONFIGS) | LOCAL_END,
    "no-stat": unknown({"service-descriptors-available"}),
    "no-systemctl": unknown({"network-manager-matches-policy"}),
    "no-tail": unknown({"tunnel-logs-clean"}),
    "no-tc": NO_TC,
    "no-tr": NO_TR,
    "sudo-no-tr": NO_TR,
    "no-uname": unknown({"settings-persist", "tcp-max-syn-backlog-covers-backlog"})
    | unknown_if_well({"tcp-tw-recycle-disabled"}),
    # Whether it forwards is not known either.
    "masked-proc-sys": NO_SYSCTLS | NO_RATES,
    "closed-proc-sys": NO_SYSCTLS | NO_RATES | UNPRIVILEGED,
    "proc-subset-pid": NO_SYSCTLS
    | NO_RATES
    | unknown({"firewall-blocks-port", "selinux-matches-policy"}),
    "busybox": NO_SOCKETS | unknown(TUNNELS, ROUTES, KINDS, {"network-manager-matches-policy"}),
}
"""By sight, the rules that are not as with full sight; a sight that is not here costs nothing."""


def expected(sight: str, rule: str) -> Expected:
    """What a rule is to come to under a sight."""
    return TABLE.get(sight, {}).get(rule) or full(rule)

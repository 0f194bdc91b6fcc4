"""Runs as the reports read them: a healthy host, a broken one, a fleet, a hostile host."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence

from nethygiene.engine.outcomes import Kind, Observation, Outcome, Reason, Severity
from nethygiene.engine.results import (
    HostRecord,
    Result,
    RuleRecord,
    Run,
    ToolRecord,
    WaiverRecord,
    fingerprint,
    summarize,
)
from nethygiene.shipped import shipped_folder

_PAGES = shipped_folder() / "docs" / "rules"
_SEVERITIES = (Severity.HIGH, Severity.MEDIUM, Severity.LOW, Severity.CRITICAL)


def rule(
    name: str,
    severity: Severity = Severity.HIGH,
    *,
    title: str = "somaxconn is at least the backlog that the service asks for",
    remedy: str | None = None,
    kind: Kind = Kind.SETTING,
) -> RuleRecord:
    return RuleRecord(
        id=name,
        version=1,
        title=title,
        severity=severity,
        kind=kind,
        incidents=("S3",),
        why=(
            "The kernel silently cuts the backlog of listen() down to net.core.somaxconn.\n"
            "A shop's site dropped connections from time to time (incident S3)."
        ),
        remedy=remedy
        or "Raise it now and for good, then restart the service:\n"
        "`sysctl -w net.core.somaxconn=16384`\n"
        "`echo 'net.core.somaxconn=16384' > /etc/sysctl.d/99-zz-somaxconn.conf`",
        references=("listen(2)",),
    )


REACHABLE = rule(
    "host-reachable",
    Severity.CRITICAL,
    title="The host's facts could be collected over a verified connection",
    remedy="The message tells the cause and its cure.",
    kind=Kind.STATE,
)


def host(name: str, *, error: str | None = None, groups: Sequence[str] = ("web",)) -> HostRecord:
    return HostRecord(
        name=name,
        address=f"{name}.example.net",
        groups=tuple(groups),
        os="Debian GNU/Linux 13 (trixie)",
        kernel="6.12.48+deb13-amd64",
        boot_id="",
        uptime=1_054_321.5,
        privileged=True,
        reachable=error is None,
        error=error,
        collected_at="2026-11-21T10:00:00.000Z",
        collect_seconds=2.3,
    )


def expected(what: str, want: str, actual: str, source: str) -> Observation:
    return Observation(what=what, source=source, expected=want, actual=actual)


def result(
    judged: RuleRecord,
    on: str,
    outcome: Outcome = Outcome.PASSED,
    *,
    item: str | None = None,
    message: str = "",
    reason: Reason | None = None,
    seen: Iterable[Observation] = (),
    waiver: WaiverRecord | None = None,
    remedy: str = "",
) -> Result:
    seen = tuple(seen)
    if outcome in {Outcome.FAILED, Outcome.WAIVED} and not message:
        message = "; ".join(f"{one.what} is {one.actual}, expected {one.expected}" for one in seen)
    return Result(
        rule=judged.id,
        host=on,
        item=item,
        fingerprint=fingerprint(judged.id, on, item),
        outcome=outcome,
        reason=reason,
        severity=judged.severity,
        message=message,
        remedy=remedy,
        waiver=waiver,
        observations=seen,
    )


def run(
    hosts: Iterable[HostRecord],
    rules: Iterable[RuleRecord],
    results: Iterable[Result],
    exit_status: int,
) -> Run:
    told = tuple(sorted(results, key=lambda one: (one.rule, one.host, one.item or "")))
    return Run(
        tool=ToolRecord(version="0.1.0"),
        run_id="5b2ff6c2-7c0b-4f0e-9c0e-2f2f6f0c1d11",
        labels={"release": "4.2"},
        started="2026-11-21T10:00:00.000Z",
        finished="2026-11-21T10:00:09.412Z",
        inventory="hosts.yaml",
        policy_sha256="0" * 64,
        window=2.0,
        hosts=tuple(sorted(hosts, key=lambda one: one.name)),
        rules=tuple(sorted(rules, key=lambda one: one.id)),
        results=told,
        summary=summarize(told),
        exit_status=exit_status,
    )


def overflow(delta: int, total: int) -> Observation:
    return expected(
        "TcpExtListenOverflows",
        "no rise",
        f"+{delta} in 2.00 s (total {total} since boot, 12 d 4 h ago)",
        "/proc/net/netstat",
    )


def somaxconn(actual: int) -> Observation:
    path = "/proc/sys/net/core/somaxconn"
    return expected("net.core.somaxconn", "at least 16384", str(actual), path)


SOMAXCONN = rule("somaxconn-covers-backlog")
OVERFLOWS = rule(
    "accept-queue-not-overflowing",
    title="No connection was dropped for a full accept queue",
    kind=Kind.RATE,
    remedy="Find the queue that is full: `ss -lnt` shows Recv-Q above Send-Q.\n"
    "`systemctl restart SERVICE`",
)
REDIRECTS = rule(
    "icmp-redirects-match-policy",
    Severity.MEDIUM,
    title="Interfaces treat ICMP redirects as the policy says",
    remedy="Set it for the interface:\n`sysctl -w net.ipv4.conf.eth0.accept_redirects=1`",
)
OWNERS = rule("listeners-have-owners", Severity.MEDIUM, title="Every listener belongs to a service")
WAIVER = WaiverRecord(
    name="old-nat-box", until="2027-03-31", owner="netops", reason="replaced in Q1, NET-412"
)


def mixed(exit_status: int = 1) -> Run:
    """Every outcome on five hosts, one of them not reached."""
    error = "web-4.example.net:22 refused the connection: start sshd there"
    hosts = [*(host(f"web-{n}") for n in range(1, 4)), host("db-1", groups=("database",))]
    hosts.append(host("web-4", error=error))
    collected = expected("this host", "read to its end", "read to its end", "ssh")
    results = [result(REACHABLE, one.name, seen=[collected]) for one in hosts if one.reachable]
    results.append(result(REACHABLE, "web-4", Outcome.FAILED, message=error))
    results += [
        result(
            one, "web-4", Outcome.UNKNOWN, reason=Reason.UNREACHABLE, message="see host-reachable"
        )
        for one in (SOMAXCONN, OVERFLOWS, REDIRECTS, OWNERS)
    ]
    results += [
        result(SOMAXCONN, name, Outcome.FAILED, item="shop", seen=[somaxconn(4096)])
        for name in ("web-1", "web-2")
    ]
    results += [
        result(SOMAXCONN, "web-3", item="shop", seen=[somaxconn(16384)]),
        result(SOMAXCONN, "web-3", item="ssh", seen=[somaxconn(16384)]),
        result(
            SOMAXCONN,
            "db-1",
            Outcome.NOT_APPLICABLE,
            reason=Reason.NOT_DECLARED,
            message="the host's policy declares no service",
        ),
        result(OVERFLOWS, "web-1", Outcome.FAILED, seen=[overflow(17, 4242)]),
        *(result(OVERFLOWS, name, seen=[overflow(0, 3)]) for name in ("web-2", "web-3", "db-1")),
        *(
            result(
                OWNERS,
                name,
                Outcome.UNKNOWN,
                reason=Reason.PERMISSION,
                message="ss -lntp: sudo: a password is required",
            )
            for name in ("web-2", "web-3")
        ),
        result(OWNERS, "web-1"),
        result(OWNERS, "db-1"),
        result(
            REDIRECTS,
            "db-1",
            Outcome.WAIVED,
            item="eth0/ipv4",
            waiver=WAIVER,
            seen=[
                expected(
                    "treatment of ICMP redirects on eth0/ipv4",
                    "accept",
                    "refuse",
                    "/proc/sys/net/ipv4/conf/eth0/accept_redirects",
                )
            ],
        ),
        *(result(REDIRECTS, name, item="eth0/ipv4") for name in ("web-1", "web-2", "web-3")),
    ]
    return run(hosts, [REACHABLE, SOMAXCONN, OVERFLOWS, REDIRECTS, OWNERS], results, exit_status)


LONG = f"echo {'x' * 90}"


def with_own_remedies() -> Run:
    """Four hosts that fail one rule: two with the same remedy, one with another, one with none."""
    remedies = {
        "web-1": f"Raise it.\n`{LONG}`",
        "web-2": f"Raise it.\n`{LONG}`",
        "web-3": "Raise it there.\n\nIn nginx.conf:\n``listen 443 backlog=9;``",
        "web-4": "",
    }
    failed = [
        result(SOMAXCONN, name, Outcome.FAILED, item="shop", seen=[somaxconn(4096)], remedy=remedy)
        for name, remedy in remedies.items()
    ]
    return run([host(name) for name in remedies], [SOMAXCONN], failed, 1)


def healthy() -> Run:
    """One host on which all passes or does not apply."""
    results = [
        result(REACHABLE, "web-1"),
        result(SOMAXCONN, "web-1", item="shop", seen=[somaxconn(16384)]),
        result(OVERFLOWS, "web-1", seen=[overflow(0, 63)]),
    ]
    return run([host("web-1")], [REACHABLE, SOMAXCONN, OVERFLOWS], results, 0)


HOSTILE = "<img src=x onerror=window.harmed=1>"
RIGHT_TO_LEFT = "\u202egpj.exe"
ESCAPE = "\x1b]0;owned\x07\x1b[31mred"
CLOSING = "</script><script>window.harmed=1</script>"


def hostile() -> Run:
    """A host whose name, interface alias and log lines attack whoever reads the report."""
    name = f"evil{HOSTILE}"
    evil = host(name, groups=(f"g{CLOSING}", "a'\"b"))
    lost = host(f"lost{RIGHT_TO_LEFT}", error=f"{ESCAPE} {CLOSING}")
    lines = [
        expected(
            f"alias {CLOSING}", f"none {HOSTILE}", f"{ESCAPE}{RIGHT_TO_LEFT}", "<!-- ip -d link"
        ),
        Observation(what="log", source="journalctl", expected=None, actual=f"{HOSTILE}\u2028"),
    ]
    results = [
        result(REACHABLE, name),
        result(REACHABLE, lost.name, Outcome.FAILED, message=lost.error or ""),
        result(SOMAXCONN, name, Outcome.FAILED, item=f"i/{CLOSING}'\"", seen=lines),
        result(
            OVERFLOWS, name, Outcome.UNKNOWN, reason=Reason.UNPARSABLE, message=HOSTILE + ESCAPE
        ),
    ]
    return run([evil, lost], [REACHABLE, SOMAXCONN, OVERFLOWS], results, 1)


def fleet(hosts: int, rules: int = 40, *, failing: float = 0.01) -> Run:
    """`hosts` hosts by `rules` rules; of the results so many fail, a tenth of that is unknown.

    Passing results hold values that differ from host to host, as counters do.
    """
    chance = random.Random(5)
    names = [f"{('web', 'db', 'cache', 'tunnel')[n % 4]}-{n:05}.example.net" for n in range(hosts)]
    machines = [
        host(one, groups=(one.split("-")[0], f"rack-{n % 20:02}")) for n, one in enumerate(names)
    ]
    judged = [_fleet_rule(n, rules) for n in range(rules)]
    results: list[Result] = []
    for number, one in enumerate(judged):
        path = f"/proc/sys/net/ipv4/{one.id}"
        for name in names:
            seen = [
                Observation(what="kernel", source="uname -r", expected=None, actual="6.12.48"),
                expected(f"net.ipv4.{one.id}", "at least 16384", "16384", path),
            ]
            outcome = Outcome.PASSED
            reason, message = None, ""
            drawn = chance.random()
            if one.kind is Kind.RATE:
                seen.append(overflow(0, chance.randrange(100_000)))
            if drawn < failing:
                outcome = Outcome.FAILED
                value = chance.choice(["4096", "128", "1024"])
                seen[1] = expected(f"net.ipv4.{one.id}", "at least 16384", value, path)
                message = f"{seen[1].what} is {value}, expected at least 16384"
            elif drawn < failing * 1.1:
                outcome, reason = Outcome.UNKNOWN, Reason.PERMISSION
                message, seen = f"{path}: Permission denied", seen[:1]
            elif number % 9 == 4:
                outcome, reason = Outcome.NOT_APPLICABLE, Reason.NOT_DECLARED
                message, seen = "the host's policy declares no service", []
            results.append(result(one, name, outcome, reason=reason, message=message, seen=seen))
    return run(machines, judged, results, 1)


def _fleet_rule(number: int, rules: int) -> RuleRecord:
    pages = [path for path in sorted(_PAGES.glob("*-*.md")) if path.stem != "host-reachable"]
    kind = Kind.RATE if number % 5 == 1 else Kind.SETTING
    severity = _SEVERITIES[number % 4 if number % 8 else 0]
    if number >= len(pages):
        return rule(f"rule-{number:02}-of-{rules}", severity, kind=kind)
    _, _, text = pages[number].read_text(encoding="utf-8").partition(f"# {pages[number].stem}\n\n")
    return rule(pages[number].stem, severity, kind=kind, title=text.partition(".\n")[0])

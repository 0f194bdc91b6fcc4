"""Reasoning about ways between hosts: what it adds to judging a fleet by all rules."""

from __future__ import annotations

import base64
import json
import resource
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.benchmarks.evaluation import run_pytest

NETWORKS = 20
UPSTREAMS = 5
_PORT = 5432
_LINK = "qdisc noqueue state UP mode DEFAULT group default qlen 1000\\    link/"
_MAC = "brd ff:ff:ff:ff:ff:ff promiscuity 0"
_FOREVER = "\\       valid_lft forever preferred_lft forever"
_ROW = (
    "LISTEN 0 4096 0.0.0.0:{port} 0.0.0.0:* ino:{port} sk:1 <-> "
    "skmem:(r0,rb1,t0,tb1,f0,w0,o0,bl0,d0)"
)
_RULES = "".join(
    f"{number}:\tfrom all lookup {table}\n"
    for number, table in ((0, "local"), (32766, "main"), (32767, "default"))
)
_FAMILY: dict[str, Any] = {"family": "inet", "table": "filter"}


@dataclass(frozen=True, slots=True)
class ReasoningTimes:
    """What reasoning costs.

    Attributes:
        without: CPU seconds of judging the fleet by all other rules.
        reasoned: by all rules.
        ways: how many ways were followed.
        peak_megabytes: of the memory, with reasoning.
    """

    without: float
    reasoned: float
    ways: int
    peak_megabytes: float

    @property
    def ratio(self) -> float:
        """The one against the other."""
        return self.reasoned / self.without

    def __str__(self) -> str:
        each = (self.reasoned - self.without) / max(self.ways, 1) * 1e3
        return (
            f"reasoning: {self.reasoned:.1f} s with {self.ways:,} ways, {self.without:.1f} s "
            f"without; {each:.2f} ms a way; {self.peak_megabytes:.0f} MB"
        )


def measure_reasoning(*, hosts: int, rounds: int = 2) -> ReasoningTimes:
    """Judge hosts of 20 networks, with 5 upstreams each, from evidence in one process."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        recorded, evidence = folder / "recorded.jsonl", folder / "fleet.jsonl"
        run_pytest(f"--evidence={recorded}", "--window=0.1")
        write_fleet(recorded, evidence, hosts)
        other = "not upstream_reachable"
        runs = [
            (_judge(evidence, folder, ""), _judge(evidence, folder, other)) for _ in range(rounds)
        ]
    reasoned, peak, ways = min(with_it for with_it, _ in runs)
    without = min(without_it for _, without_it in runs)[0]
    return ReasoningTimes(without, reasoned, ways, peak)


def _judge(evidence: Path, folder: Path, selected: str) -> tuple[float, float, int]:
    results = folder / "results.json"
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    arguments = ["-k", selected] if selected else []
    run_pytest(f"--from-evidence={evidence}", f"--results={results}", *arguments)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    found = json.loads(results.read_text(encoding="utf-8"))["results"]
    ways = [one for one in found if one["rule"] == "upstream-reachable" and one["item"]]
    wrong = [one for one in ways if one["outcome"] != "passed"]
    if wrong:
        raise RuntimeError(f"every way is open, but {wrong[0]}")
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return used, after.ru_maxrss / 1024, len(ways)


def write_fleet(recorded: Path, path: Path, hosts: int) -> None:
    """Write the evidence of hosts that are alike but for their addresses, and of their router.

    Args:
        recorded: evidence of one host, whose sysctls and the like all have.
        path: what to write.
        hosts: how many, without the router.
    """
    header, line = recorded.read_text(encoding="utf-8").splitlines()
    host: dict[str, Any] = json.loads(line)
    document = {**json.loads(header), "hosts": hosts + 1}
    with path.open("w", encoding="utf-8") as file:
        file.write(json.dumps(document) + "\n")
        for made in _fleet(host, hosts):
            file.write(json.dumps(made) + "\n")


def _fleet(host: dict[str, Any], hosts: int) -> Iterator[dict[str, Any]]:
    every = [(f"10.50.{network}.254", f"eth{network}") for network in range(NETWORKS)]
    yield _host(host, "router", every, {}, forwards=True)
    for number in range(hosts):
        address = f"10.50.{number % NETWORKS}.{number // NETWORKS + 1}"
        policy = {
            "services": {"pg": {"port": _PORT, "allow_from": ["10.50.0.0/16"]}},
            "upstreams": {
                # Neighbours in the same network, and hosts of others.
                f"up-{step}": {"to": f"host-{(number + step) % hosts:05}/pg"}
                for step in (NETWORKS, 2 * NETWORKS, 1, 7, 13)
            },
        }
        yield _host(host, f"host-{number:05}", [(address, "eth0")], policy)


def _host(
    host: dict[str, Any],
    name: str,
    ends: list[tuple[str, str]],
    policy: dict[str, Any],
    *,
    forwards: bool = False,
) -> dict[str, Any]:
    sections = dict(host["sections"])
    for section, text in _texts(ends, forwards).items():
        encoded = base64.b64encode(text.encode()).decode()
        sections[section] = {"stdout": encoded, "stderr": "", "status": 0}
    return {
        **host,
        "host": name,
        "address": ends[0][0],
        "groups": [],
        "policy": policy,
        "sections": sections,
    }


def _texts(ends: list[tuple[str, str]], forwards: bool) -> dict[str, str]:
    links = [f"1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 {_LINK}loopback 00:00:00:00:00:00 {_MAC}"]
    addresses = [f"1: lo    inet 127.0.0.1/8 scope host lo{_FOREVER}"]
    routes = ["local 127.0.0.0/8 dev lo table local proto kernel scope host src 127.0.0.1"]
    sysctls = ["/proc/sys/net/ipv4/conf/all/rp_filter:0"]
    for number, (address, name) in enumerate(ends, 2):
        network = address.rpartition(".")[0]
        links.append(
            f"{number}: {name}: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 {_LINK}ether "
            f"02:00:00:00:00:{number:02x} {_MAC}"
        )
        addresses.append(f"{number}: {name}    inet {address}/24 scope global {name}{_FOREVER}")
        routes += [
            f"{network}.0/24 dev {name} proto kernel scope link src {address}",
            f"local {address} dev {name} table local proto kernel scope host src {address}",
        ]
        sysctls += [
            f"/proc/sys/net/ipv4/conf/{name}/rp_filter:2",
            f"/proc/sys/net/ipv4/conf/{name}/forwarding:{int(forwards)}",
        ]
        if not forwards:
            routes.append(f"default via {network}.254 dev {name}")
    head = "State Recv-Q Send-Q Local Address:Port Peer Address:Port Process\n"
    return {
        "links": "\n".join(links) + "\n",
        "addresses": "\n".join(addresses) + "\n",
        "routes_ipv4": "\n".join(routes) + "\n",
        "routes_ipv6": "",
        "routing_rules_ipv4": _RULES,
        "routing_rules_ipv6": _RULES,
        "sysctl": "\n".join(sysctls) + "\n",
        "nft": json.dumps({"nftables": _ruleset()}),
        "iptables": "",
        "ip6tables": "",
        "iptables_legacy": "",
        "ip6tables_legacy": "",
        "legacy_tables": "",
        "ipset": "",
        "tc": "",
        "virtual_servers": f"/proc/sys/net/ipv4/ip_forward:{int(forwards)}\n/proc/net/sockstat:x\n",
        "listeners": head + "".join(_ROW.format(port=port) + "\n" for port in (22, _PORT)),
    }


def _ruleset() -> list[dict[str, Any]]:
    """A stateful filter on all hooks, as a careful administrator writes it."""
    made: list[dict[str, Any]] = [
        {"metainfo": {"json_schema_version": 1}},
        {"table": {"family": "inet", "name": "filter", "handle": 1}},
    ]
    handle = 1
    for chain in ("input", "forward", "output"):
        base = {"type": "filter", "hook": chain, "prio": 0, "policy": "drop"}
        made.append({"chain": {"family": "inet", "table": "filter", "name": chain, **base}})
    for chain in ("input", "forward", "output"):
        for expressions in _rules(chain):
            handle += 1
            rule = {**_FAMILY, "chain": chain, "handle": handle, "expr": expressions}
            made.append({"rule": rule})
    return made


def _rules(chain: str) -> Iterator[list[dict[str, Any]]]:
    def equal(left: dict[str, Any], right: object, sign: str = "==") -> dict[str, Any]:
        return {"match": {"op": sign, "left": left, "right": right}}

    accept: dict[str, Any] = {"accept": None}
    state = {"ct": {"key": "state"}}
    port = {"payload": {"protocol": "tcp", "field": "dport"}}
    source = {"payload": {"protocol": "ip", "field": "saddr"}}
    yield [equal(state, ["established", "related"], "in"), accept]
    yield [equal(state, "invalid", "in"), {"drop": None}]
    if chain == "output":
        yield [accept]
        return
    for number in (22, 80, 443, 9100):
        yield [equal(port, number), accept]
    network = {"prefix": {"addr": "10.50.0.0", "len": 16}}
    yield [equal(source, network), equal(port, _PORT), accept]

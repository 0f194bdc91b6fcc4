"""Runs for people to look at: hosts of the lab broken as the incidents broke them, and a fleet.

What the pictures show was judged by pytest, over SSH or from what these hosts answered, and stands
in the files that those runs wrote.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import yaml

from tests.benchmarks.evaluation import run_pytest
from tests.lab.audit import AuditRun, audit
from tests.lab.cases import accept_queue, counters, tunnels
from tests.lab.cases.case import Scene
from tests.lab.cases.firewall import DROPS
from tests.lab.cases.keepalive import IDLE_TIMEOUT
from tests.lab.lab import Lab

HTTPS = 443
BACKLOG = 4096
SHOP = {"protocol": "tcp", "port": HTTPS, "backlog": BACKLOG, "allow_from": ["any"]}
WEB = ("web-1", "web-2", "web-3", "web-4", "web-5")
DATABASES = ("db-1", "db-2", "db-3")
GATEWAYS = ("nat-1", "nat-2")
PLANTS = ("plant-1",)
HOSTS = (*WEB, *DATABASES, *GATEWAYS, *PLANTS)
HEALTHY = "web-5"
UNPRIVILEGED = "db-1"
WELL = ("web-1", "db-2", "web-2", "db-3", "web-3", "nat-2", "web-5", "plant-1")

# How many hosts of a fleet of 1,000 are like these when broken; all others are healthy.
FLEET = {"web-1": 10, "web-2": 400, "web-3": 8, "web-4": 5, "db-1": 15, "db-2": 10}
FLEET |= {"nat-1": 6, "nat-2": 12, "plant-1": 4}


@dataclass(frozen=True, slots=True)
class Showcase:
    """The reports, as the runs wrote them.

    Attributes:
        healthy: of one host on which nothing is to be found.
        broken: of hosts with findings of many kinds, one of them not reached.
        fleet: of 1,000 hosts with the evidence of these.
        terminal: what the run of the broken hosts said on a terminal of 80 columns.
    """

    healthy: Path
    broken: Path
    fleet: Path
    terminal: str


def make_showcase(folder: Path) -> Showcase:
    """Build the hosts, audit them healthy and broken, and judge a fleet made of their evidence.

    Raises:
        RuntimeError: a run ended with another verdict than its picture is to show.
        tests.lab.errors.LabError: the lab cannot be built: no root, or a tool is missing.
    """
    healthy, broken, fleet = (folder / f"{name}.html" for name in ("healthy", "broken", "fleet"))
    before, after, many = (folder / f"{name}.jsonl" for name in ("before", "after", "fleet"))
    with ExitStack() as stack:
        lab = stack.enter_context(Lab())
        cloud = lab.host("cloud")
        hosts = [
            *lab.hosts(*(name for name in HOSTS if name != UNPRIVILEGED)),
            lab.host(UNPRIVILEGED, login="audit"),
        ]
        scenes = {host.name: stack.enter_context(closing(Scene(host, cloud))) for host in hosts}
        inventory = _inventory(lab, scenes)

        def judge(status: int, *arguments: str) -> AuditRun:
            run = audit(lab, hosts, *arguments, inventory=inventory)
            if run.status != status:
                raise RuntimeError(f"not the {status} that the picture is to show: {run}")
            return run

        _prepare(scenes)
        judge(10, f"--evidence={before}")
        judge(0, f"--limit={HEALTHY}", *_html(healthy))
        _break(scenes)
        terminal = judge(1, f"--evidence={after}", *_html(broken)).stdout
    _write_fleet(many, before, after)
    run_pytest(f"--from-evidence={many}", *_html(fleet))
    return Showcase(healthy, broken, fleet, terminal)


def _html(path: Path) -> tuple[str, str]:
    return f"--html={path}", "--self-contained-html"


def _inventory(lab: Lab, scenes: Mapping[str, Scene]) -> Path:
    """One as a user would write it, with groups and a waiver."""
    today = datetime.datetime.now(datetime.UTC).date()
    waiver = {
        "rule": "icmp-redirects-match-policy",
        "item": "*",
        "until": (today + datetime.timedelta(days=120)).isoformat(),
        "owner": "netops",
        "reason": "replaced next quarter, NET-412",
    }

    def group(names: Sequence[str], **policy: Any) -> dict[str, object]:  # noqa: ANN401 - YAML
        listed: dict[str, dict[str, object]] = {}
        for name in names:
            host = scenes[name].host
            listed[name] = {"ansible_host": host.address, "ansible_user": host.login}
        return {"hosts": listed, "vars": {"nethygiene": policy}}

    children = {
        "web": group(WEB, services={"shop": SHOP}),
        "databases": group(
            DATABASES, path_idle_timeout=IDLE_TIMEOUT, blocked_ports={3306: {"except": []}}
        ),
        "gateways": group(GATEWAYS),
        "plants": group(PLANTS, **tunnels.POLICY),
    }
    gateways: Any = children["gateways"]["hosts"]
    gateways["nat-1"]["nethygiene"] = {"waivers": {"old-nat-box": waiver}}
    everywhere = {"ansible_port": 22, "ansible_ssh_private_key_file": str(lab.identity)}
    document = {"all": {"vars": everywhere, "children": children}}
    path = lab.directory / "hosts.yaml"
    # By way of JSON, so that a value used twice does not become a YAML alias.
    path.write_text(yaml.safe_dump(json.loads(json.dumps(document)), sort_keys=False))
    return path


def _prepare(scenes: Mapping[str, Scene]) -> None:
    for name in WEB:
        _serve(scenes[name])
    for name in DATABASES:
        scenes[name].host.sysctl("net.ipv4.tcp_keepalive_time", IDLE_TIMEOUT - 50)
    for name in PLANTS:
        tunnels.prepare(scenes[name])


def _serve(scene: Scene) -> None:
    scene.end("shop")
    scene.hold("shop", scene.host.listen(HTTPS, BACKLOG, accept=True))


def _break(scenes: Mapping[str, Scene]) -> None:
    """S0, S1 and S3, each on hosts of its own."""
    for name in ("web-1", "web-2"):
        scenes[name].host.sysctl(accept_queue.SOMAXCONN, 128)
    _serve(scenes["web-1"])
    scenes["web-3"].host.run("nft", "-f", "-", text=DROPS)
    scenes["web-4"].host.sshd.stop()
    for name in ("db-2", "db-3"):
        scenes[name].host.sysctl("net.ipv4.tcp_keepalive_time", 7200)
    accept_queue.overflow(scenes["db-2"])
    counters.dial_own_dead_port(scenes["db-3"])
    for name in GATEWAYS:
        for family in ("ipv4", "ipv6"):
            scenes[name].host.sysctl(f"net.{family}.conf.all.accept_redirects", 0)
            scenes[name].host.sysctl(f"net.{family}.conf.eth0.accept_redirects", 0)
    tunnels.forget_check(scenes["plant-1"])


def _write_fleet(path: Path, before: Path, after: Path) -> None:
    """The evidence of 1,000 hosts: each is one of the recorded ones under another name."""
    header, *lines = before.read_text(encoding="utf-8").splitlines()
    healthy = {one["host"]: one for one in map(json.loads, lines)}
    broken = {one["host"]: one for one in map(json.loads, after.read_text().splitlines()[1:])}
    well = [healthy[name] for name in WELL]
    fleet = [broken[name] for name, times in FLEET.items() for _ in range(times)]
    fleet += [well[number % len(well)] for number in range(1000 - len(fleet))]
    with path.open("w", encoding="utf-8") as file:
        file.write(header + "\n")
        file.writelines(json.dumps(one) + "\n" for one in _named(fleet))


def _named(recorded: Iterable[dict[str, Any]]) -> Iterable[dict[str, Any]]:
    numbers = {kind: count(1) for kind in ("web", "db", "nat", "plant")}
    for one in recorded:
        kind = one["host"].partition("-")[0]
        yield {**one, "host": f"{kind}-{next(numbers[kind]):03}.example.net"}

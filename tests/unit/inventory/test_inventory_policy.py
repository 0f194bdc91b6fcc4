"""The policy: defaults, what is declared, the round trip, and every way to get it wrong."""

from __future__ import annotations

import json
import pickle
from datetime import date
from ipaddress import ip_address, ip_network

import pytest
from pydantic import ValidationError

from nethygiene.errors import UsageError
from nethygiene.inventory.policy import LogFile, Policy, Service, policies_sha256, policy_from_plain
from tests.unit.inventory.folder import Folder

KEY = "SHA256:" + "x" * 43

FULL = """
    tw_reuse: global
    icmp_redirects: refuse
    path_idle_timeout: 350
    dead_peer_within: 120
    min_somaxconn: 4096
    min_file_max: 500000
    blocked_ports: {3306: {except: [10.0.0.0/8]}, 25: {}}
    limits:
      ssh_sessions_per_peer: 40
      failed_connections_per_second: 2
      resets_per_second: 5.5
      retransmission_ratio: 0.01
      half_open: 1024
    rp_filter: loose
    selinux: enforcing
    network_manager: inactive
    log_window: 60
    default_interface: eth1
    waivers:
      nat: {rule: icmp-redirects-match-policy, until: 2027-03-31, owner: netops, reason: NET-412}
    services:
      shop: {protocol: tcp, port: 443, address: "::", backlog: 9, allow_from: [any, 2001:db8::/32],
             deny_from: [192.0.2.1], interface: eth1, keepalive: required, legacy_ports: [60000]}
    upstreams: {db: {address: 10.0.3.5, port: 5432, keepalive: peer}}
    interfaces: {eth1: {address: 203.0.113.7}}
    routes: {intranet: {destination: 172.16.0.0/16, via: 172.16.125.88, interface: eth0}}
    tunnels:
      cloud:
        user: plant
        destination: cloud.example
        port: 22
        local_forwards: ["127.0.0.1:19922:localhost:22"]
        remote_forwards: ["8080", "[::1]:0:10.0.0.1:80"]
        check: {destination: localhost, port: 19922}
        options: {ServerAliveInterval: 15, batchmode: yes, ProxyJump: none}
        host_keys: [KEY]
        run_by: {log: /var/log/tunnel.log}
    """


def policy(folder: Folder, text: str) -> Policy:
    body = "\n".join("  " + line for line in text.replace("KEY", KEY).splitlines())
    folder.write("host_vars/a.yml", f"nethygiene:\n{body}\n")
    return folder.load("all: {hosts: {a: }}").hosts[0].policy


def test_every_key_is_read_into_its_type(folder: Folder) -> None:
    found = policy(folder, FULL)
    shop, cloud = found.services["shop"], found.tunnels["cloud"]
    assert (shop.name, shop.address) == ("shop", ip_address("::"))
    assert shop.allow_from == ("any", ip_network("2001:db8::/32"))
    assert shop.deny_from == (ip_network("192.0.2.1/32"),)
    assert found.blocked_ports[3306].except_ == (ip_network("10.0.0.0/8"),)
    assert (found.blocked_ports[25].port, found.blocked_ports[25].name) == (25, "25")
    assert found.waivers["nat"].until == date(2027, 3, 31)
    assert found.waivers["nat"].item == "*"
    assert cloud.options == {"ServerAliveInterval": "15", "batchmode": "yes", "ProxyJump": "none"}
    assert (cloud.option("serveraliveinterval"), cloud.option("BatchMode")) == ("15", "yes")
    assert cloud.option("ExitOnForwardFailure") is None
    assert cloud.run_by == LogFile(log="/var/log/tunnel.log")
    assert cloud.local_forwards[0].bind_address == "127.0.0.1"
    assert cloud.check is not None
    assert cloud.check.port == 19922


def test_defaults() -> None:
    default = policy_from_plain({})
    assert (default.tw_reuse, default.icmp_redirects) == ("loopback", "accept")
    assert (default.path_idle_timeout, default.log_window) == (7440, 3600)
    assert (default.rp_filter, default.selinux, default.network_manager) == ("any", "any", "any")
    assert default.limits.failed_connections_per_second == 1
    assert default.limits.resets_per_second == 5
    assert default.limits.retransmission_ratio == 0.05
    assert default.limits.half_open is default.limits.ssh_sessions_per_peer is None
    assert default.dead_peer_within is default.min_somaxconn is default.min_file_max is None
    assert not default.services
    assert policy_from_plain({"services": {"s": {"port": 1}}}).services["s"].keepalive == "any"


def test_declared_is_told_from_defaulted_even_where_equal() -> None:
    found = policy_from_plain(
        {"icmp_redirects": "accept", "limits": {"half_open": 3}, "services": {"s": {"port": 1}}}
    )
    assert found.declares("icmp_redirects")
    assert not found.declares("tw_reuse")
    assert found.limits.declares("half_open")
    assert not found.limits.declares("resets_per_second")
    assert not found.services["s"].declares("address")
    with pytest.raises(AttributeError, match="Policy has no key 'icmp_redirect'"):
        found.declares("icmp_redirect")


def test_the_round_trip_keeps_all(folder: Folder) -> None:
    found = policy(folder, FULL)
    plain = found.plain()
    back = policy_from_plain(json.loads(json.dumps(plain)))
    assert back == found
    assert back.plain() == plain
    assert back.services["shop"].name == "shop"
    assert back.services["shop"].model_fields_set == found.services["shop"].model_fields_set
    assert pickle.loads(pickle.dumps(found)) == found
    assert policy_from_plain({}).plain() == {}


def test_policies_are_frozen() -> None:
    found = policy_from_plain({})
    with pytest.raises(ValidationError, match="frozen"):
        found.tw_reuse = "any"  # type: ignore[misc]


def test_the_name_is_not_writable() -> None:
    with pytest.raises(UsageError, match=r"services\.s\.name: unknown key 'name'"):
        policy_from_plain({"services": {"s": {"port": 1, "name": "x"}}})
    assert Service(port=1).name == ""


def test_the_hash_ignores_order_and_sees_names() -> None:
    first, second = policy_from_plain({"log_window": 5}), policy_from_plain({})
    assert policies_sha256([("a", first), ("b", second)]) == policies_sha256(
        [("b", second), ("a", first)]
    )
    assert policies_sha256([("a", first)]) != policies_sha256([("b", first)])


@pytest.mark.parametrize("data", [None, [], "x", 3])
def test_plain_data_that_is_no_policy(data: object) -> None:
    with pytest.raises(UsageError, match="a policy has to be a mapping"):
        policy_from_plain(data)


def test_plain_data_tells_all_problems() -> None:
    with pytest.raises(UsageError) as caught:
        policy_from_plain({"tw_reuse": "x", "services": {"s": {}}})
    text = str(caught.value)
    assert "tw_reuse: 'x' is none of the choices" in text
    assert "services.s: `port` is missing" in text
    assert "fix: write disabled, loopback, global or any" in text


SERVICE = "services: {{s: {{port: 1, {}}}}}"
TUNNEL = "tunnels: {{t: {{user: u, destination: d, {}}}}}"
WAIVER = "waivers: {{w: {{rule: r, until: 2030-01-01, owner: o, reason: x, {}}}}}"


@pytest.mark.parametrize(
    ("text", "path", "message", "fix"),
    [
        ("tw_reuse: off", "tw_reuse", "YAML read `off` as the boolean false", "write disabled, "),
        ("selinux: yes", "selinux", "YAML read `yes` as the boolean true", "yes, no, on, off"),
        ("rp_filter: 1", "rp_filter", "1 is none of the choices", "strict, loose, disabled or any"),
        ("icmp_redirects: refused", "icmp_redirects", "none of", "did you mean 'refuse'?"),
        ("network_manager: [active]", "network_manager", "none of the choices", "active, inactive"),
        ("path_idle_timeout: '350'", "path_idle_timeout", "a string, not an integer", "quotes"),
        ("path_idle_timeout: 0", "path_idle_timeout", "0 is out of range", "than or equal to 1"),
        ("path_idle_timeout: 2.5", "path_idle_timeout", "2.5 is a number", "number, such as 2"),
        ("min_somaxconn: 4096.5", "min_somaxconn", "4096.5 is a number", "such as 4096"),
        ("min_somaxconn: .inf", "min_somaxconn", "inf is a number", "digits"),
        ("min_somaxconn: '4096'", "min_somaxconn", "is a string", "without quotes: 4096"),
        ("blocked_ports: [3306]", "blocked_ports", "this is a list", "a mapping: {3306: {}}"),
        ("services: [shop]", "services", "this is a list", "a mapping: {shop: {port: …}}"),
        ("services: [[1]]", "services", "this is a list", "a mapping: {key: value}"),
        (
            "upstreams: {db: {address: db.internal, port: 1}}",
            "upstreams.db.address",
            "is not an IP address",
            "`getent ahosts db.internal` prints there",
        ),
        ("dead_peer_within: true", "dead_peer_within", "true is a boolean", "yes, no, on, off"),
        ("min_somaxconn: -1", "min_somaxconn", "-1 is out of range", "than or equal to 1"),
        ("min_file_max: x", "min_file_max", "'x' is a string", "digits"),
        ("limits: 5", "limits", "5 is an integer, not a mapping", "mapping"),
        ("limits: {half_open: 0}", "limits.half_open", "out of range", ""),
        ("limits: {retransmission_ratio: 5}", "limits.retransmission_ratio", "out of range", "1"),
        ("limits: {resets_per_second: .nan}", "limits.resets_per_second", "out of range", "finite"),
        ("limits: {halfopen: 1}", "limits.halfopen", "unknown key", "did you mean 'half_open'?"),
        ("sevices: {}", "sevices", "unknown key 'sevices'", "did you mean 'services'?"),
        ("blocked_ports: {0: {}}", "blocked_ports.0", "cannot be a key", "1 to 65535"),
        ("blocked_ports: {x: {}}", "blocked_ports.x", "cannot be a key", "1 to 65535"),
        ("blocked_ports: {yes: {}}", "blocked_ports.1", "true cannot be a key", "1 to 65535"),
        ("blocked_ports: [3306]", "blocked_ports", "not a mapping", "mapping"),
        ("blocked_ports: {1: {except: [any]}}", "blocked_ports.1.except.0", "not a network", ""),
        ("services: {s: {}}", "services.s", "`port` is missing", "add `port`"),
        ("services: {s: 443}", "services.s", "443 is an integer, not a mapping", "mapping"),
        ("services: {a b: {port: 1}}", "services.a b", "is not a name", "without spaces"),
        ("services: {443: {port: 1}}", "services.443", "an integer, not a name", "quotes"),
        ('services: {"a[1]": {port: 1}}', "services.a[1]", "is not a name", ""),
        ("services: {s: {port: 65536}}", "services.s.port", "65536 is out of range", "65535"),
        (SERVICE.format("protocol: udp"), "services.s.protocol", "none of the choices", "tcp"),
        (SERVICE.format("address: lo"), "services.s.address", "not an IP address", "any, loopback"),
        (SERVICE.format("address: 10.0.0.1/8"), "services.s.address", "not an IP", "any, loopback"),
        (SERVICE.format("backlog: 0"), "services.s.backlog", "out of range", "equal to 1"),
        (SERVICE.format("allow_from: any"), "services.s.allow_from", "not a list", "list"),
        (SERVICE.format("allow_from: [10.0.0.1/8]"), "services.s.allow_from.0", "bits set",
         "write 10.0.0.0/8"),
        (SERVICE.format("deny_from: [of fice]"), "services.s.deny_from.0", "CIDR", "write any, a"),
        (SERVICE.format("deny_from: [b]"), "services.s.deny_from.0", "no group is called", "name"),
        ("blocked_ports: {1: {except: [a.]}}", "blocked_ports.1.except.0", "no host", "mean 'a'?"),
        ("upstreams: {u: {to: x/db}}", "upstreams.u.to", "no host and no group is called 'x'", ""),
        ("upstreams: {u: {to: db}}", "upstreams.u.to", "not a service", "such as db/postgres"),
        ("upstreams: {u: {to: a/s, port: 1}}", "upstreams.u", "stands beside `to`", "take `port`"),
        ("upstreams: {u: {port: 1}}", "upstreams.u", "`address` is missing", "to: HOST/SERVICE"),
        ("upstreams: {u: {to: a/s}}", "upstreams.u.to", "a declares no service 's'", "declare it"),
        ("{upstreams: {u: {to: a/shp}}, services: {shop: {port: 1}}}", "upstreams.u.to",
         "a declares no service 'shp'", "did you mean 'shop'?"),
        ("{upstreams: {u: {to: a/s}}, services: {s: {port: 1, address: loopback}}}",
         "upstreams.u.to", "for loopback alone", "declare the address"),
        (SERVICE.format("interface: eth0/1"), "services.s.interface", "interface", "ip link"),
        (SERVICE.format("keepalive: yes"), "services.s.keepalive", "boolean true", "required"),
        (SERVICE.format("legacy_ports: [1]"), "services.s", "own port 1", "former ports"),
        ("upstreams: {u: {address: db.example, port: 1}}", "upstreams.u.address", "not an IP", ""),
        ("interfaces: {e: {address: 10.0.0.1/8}}", "interfaces.e.address", "IP", "without /prefix"),
        ("interfaces: {a23456789012345x: {address: 10.0.0.1}}", "interfaces.a23456789012345x",
         "is not an interface", "ip link"),
        ("routes: {r: {destination: 10.0.0.0/8}}", "routes.r", "neither via nor interface", "via"),
        ("default_interface: 5", "default_interface", "5 is an integer", "ip link"),
        ("tunnels: {t: {user: u}}", "tunnels.t", "`destination` is missing", "as on its command"),
        (TUNNEL.replace("user: u", "user: -x").format("port: 1"), "tunnels.t.user", "", "login"),
        (TUNNEL.format("local_forwards: ['22']"), "tunnels.t.local_forwards.0", "no host",
         "ssh -L"),
        (TUNNEL.format("options: {A B: x}"), "tunnels.t.options.A B", "ssh option", "keyword"),
        (TUNNEL.format("options: {A: [x]}"), "tunnels.t.options.A", "a list", "ssh_config"),
        (TUNNEL.format("options: {A: 1, a: 2}"), "tunnels.t", "one option to ssh", "keep one"),
        (TUNNEL.format("host_keys: [MD5:x]"), "tunnels.t.host_keys.0", "fingerprint", "SHA256:"),
        (TUNNEL.format("run_by: at"), "tunnels.t.run_by", "cannot be 'at'", "NAME.service"),
        (TUNNEL.format("run_by: {log: x}"), "tunnels.t.run_by", "absolute path", "{log: /path"),
        (TUNNEL.format("run_by: {lgo: /x}"), "tunnels.t.run_by", "a mapping", "{log: /path"),
        (TUNNEL.format("check: {}"), "tunnels.t.check", "`destination` is missing", ""),
        ("waivers: {w: {rule: r, until: 2030-01-01, owner: o}}", "waivers.w", "`reason` is", ""),
        ("waivers: {w: {until: 2030-01-01, owner: o, reason: r}}", "waivers.w", "`rule` is", ""),
        ("waivers: {w: {rule: r, owner: o, reason: r}}", "waivers.w", "`until` is missing", ""),
        ("waivers: {w: {rule: r, until: 2030-01-01, reason: r}}", "waivers.w", "`owner` is", ""),
        (WAIVER.replace("2030-01-01", "soon").format("item: a"), "waivers.w.until", "a day",
         "as 2027-03-31"),
        (WAIVER.replace("2030-01-01", "2030-01-01 10:00").format("item: a"), "waivers.w.until",
         "", "as 2027-03-31"),
        (WAIVER.replace("2030-01-01", "'2030-02-31'").format("item: a"), "waivers.w.until",
         "no day of the calendar", "as 2027-03-31"),
        (WAIVER.replace("owner: o", "owner: ' '").format("item: a"), "waivers.w.owner", "",
         "words"),
        (WAIVER.format("unitl: 1"), "waivers.w.unitl", "unknown key", "did you mean 'until'?"),
        (WAIVER.replace("rule: r", "rule: A_b").format("item: a"), "waivers.w.rule", "id", ""),
    ],
)  # fmt: skip
def test_wrong_policies(folder: Folder, text: str, path: str, message: str, fix: str) -> None:
    folder.write("host_vars/a.yml", f"nethygiene:\n  {text}\n")
    problem = folder.problem("all: {hosts: {a: }}")
    assert problem.path == f"nethygiene.{path}"
    assert message in problem.message
    assert fix in problem.fix
    assert problem.fix
    assert (problem.file, problem.line) == (str(folder.path / "host_vars/a.yml"), 2)


def test_a_day_in_quotes_is_a_day(folder: Folder) -> None:
    text = WAIVER.replace("2030-01-01", "'2030-01-01'").format('item: "x"')
    assert policy(folder, text).waivers["w"].until == date(2030, 1, 1)


def test_lines_of_a_policy_written_in_block_style(folder: Folder) -> None:
    problems = folder.problems("""
        all:
          hosts:
            a:
              nethygiene:
                services:
                  shop:
                    backlog: 5
                  api:
                    port:
                      - 443
                    allow_from:
                      - any
                      - bad
                waivers:
                  w:
                    rule: x
        """)
    told = {(problem.line, problem.path.rpartition("nethygiene.")[2]) for problem in problems}
    assert told == {
        (6, "services.shop"), (9, "services.api.port"), (13, "services.api.allow_from.1"),
        (15, "waivers.w"),
    }  # fmt: skip

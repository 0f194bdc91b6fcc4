"""S1.5: two network cards, and packets that leave, or are expected, by the wrong one."""

from __future__ import annotations

from tests.lab.cases.case import LabCase, Scene

INTRANET = {"routes": {"intranet": {"destination": "172.16.0.0/16", "via": "203.0.113.1"}}}


def two_cards(scene: Scene) -> None:
    scene.host.attach("second", "203.0.113.10/24", "2001:db8:5::10/64")
    scene.host.run("ip", "route", "add", "default", "via", "198.18.0.1")


def second_default(scene: Scene) -> None:
    """What networkd does with two interfaces of the same RouteMetric=."""
    scene.host.run("ip", "route", "append", "default", "via", "203.0.113.1")


def two_ipv6_cards(scene: Scene) -> None:
    two_cards(scene)
    scene.host.run("ip", "route", "del", "default")
    scene.host.run("ip", "-6", "route", "add", "default", "via", "2001:db8:5::1", "metric", "50")


def better_ipv6_default(scene: Scene) -> None:
    add = ("ip", "-6", "route", "add", "default", "via", "fd42:198:18::1", "dev", "eth0")
    scene.host.run(*add, "metric", "10")


def told_apart(scene: Scene) -> None:
    second_default(scene)
    for gateway, table in (("198.18.0.1", "100"), ("203.0.113.1", "101")):
        scene.host.run("ip", "route", "add", "default", "via", gateway, "table", table)
    for address, table in ((scene.host.address, "100"), ("203.0.113.10", "101")):
        scene.host.run("ip", "rule", "add", "from", address, "lookup", table)


def without_the_rules(scene: Scene) -> None:
    scene.host.run("ip", "rule", "del", "lookup", "100")


def rules_tell_apart(scene: Scene) -> None:
    two_cards(scene)
    told_apart(scene)


def route_there(scene: Scene) -> None:
    two_cards(scene)
    mend_route(scene)


def route_gone(scene: Scene) -> None:
    scene.host.run("ip", "route", "del", "172.16.0.0/16")


def mend_route(scene: Scene) -> None:
    scene.host.run("ip", "route", "replace", "172.16.0.0/16", "via", "203.0.113.1", "dev", "eth1")


def a_rule_to_another_table(scene: Scene) -> None:
    scene.host.run("ip", "route", "add", "default", "via", "198.18.0.1", "table", "5")
    scene.host.run("ip", "rule", "add", "to", "172.16.0.0/12", "lookup", "5")


def a_rule_for_its_own_address(scene: Scene) -> None:
    """The first look-up is right; connect() looks up again with the source that it found."""
    scene.host.run("ip", "route", "add", "default", "via", "198.18.0.1", "table", "100")
    scene.host.run("ip", "rule", "add", "from", "203.0.113.10", "lookup", "100")


def half_elsewhere(scene: Scene) -> None:
    scene.host.run("ip", "route", "add", "172.16.128.0/17", "via", "198.18.0.1")


def quarter_blackholed(scene: Scene) -> None:
    scene.host.run("ip", "route", "add", "blackhole", "172.16.64.0/18")


def both_halves_elsewhere(scene: Scene) -> None:
    half_elsewhere(scene)
    scene.host.run("ip", "route", "add", "172.16.0.0/17", "via", "198.18.0.1")


def one_default(scene: Scene) -> None:
    two_cards(scene)
    scene.host.run("ip", "route", "replace", "default", "via", "198.18.0.1", "metric", "100")
    scene.host.run("ip", "route", "del", "default", "metric", "0")


def unreachable_first(scene: Scene) -> None:
    scene.host.run("ip", "route", "add", "unreachable", "default", "metric", "50")


def vpn_takes_both_halves(scene: Scene) -> None:
    for half in ("0.0.0.0/1", "128.0.0.0/1"):
        scene.host.run("ip", "route", "add", half, "via", "203.0.113.1", "dev", "eth1")


def default_for_its_own_address(scene: Scene) -> None:
    scene.host.run("ip", "route", "add", "default", "via", "203.0.113.1", "table", "100")
    # Not for all destinations: the audit's own connection has to find its way back.
    rule = ("from", scene.host.address, "to", "0.0.0.0/1", "lookup", "100")
    scene.host.run("ip", "rule", "add", *rule)


def asymmetric_and_strict(scene: Scene) -> None:
    """Requests come in by eth0, and the way back is eth1: the filter drops them."""
    # The kernel filters ARP as well: the client has to know the way already.
    mac = scene.host.run("cat", "/sys/class/net/eth0/address").stdout.strip()
    scene.client.run("ip", "neigh", "replace", scene.host.address, "lladdr", mac, "dev", "eth0")
    scene.host.run("ip", "route", "add", f"{scene.client.address}/32", "dev", "eth1")
    scene.host.sysctl("net.ipv4.conf.eth0.rp_filter", 1)
    scene.dial(1, every=0.1)


CASES = [
    LabCase(
        name="two-defaults",
        rule="default-route-unambiguous",
        prepares=two_cards,
        breaks=second_default,
        says="default via 203.0.113.1 dev eth1",
    ),
    LabCase(
        name="two-defaults-and-rules",
        rule="default-route-unambiguous",
        prepares=rules_tell_apart,
        breaks=without_the_rules,
        says="table main, metric 0",
    ),
    LabCase(
        name="other-card-wins-ipv6",
        rule="default-route-unambiguous",
        policy={"default_interface": "eth1"},
        prepares=two_ipv6_cards,
        breaks=better_ipv6_default,
        says="ipv6 default route is eth0, expected eth1",
    ),
    LabCase(
        name="route-typed-in",
        rule="route-in-effect",
        item="intranet",
        policy=INTRANET,
        prepares=route_there,
        breaks=route_gone,
        says="expected via 203.0.113.1",
    ),
    *(
        LabCase(
            name=name,
            rule="route-in-effect",
            item="intranet",
            policy=INTRANET,
            prepares=route_there,
            breaks=breaks,
            says=says,
        )
        for name, breaks, says in (
            ("route-of-another-table", a_rule_to_another_table, "via 198.18.0.1 dev eth0"),
            ("route-of-tcp-alone", a_rule_for_its_own_address, "way of TCP connections"),
            ("half-elsewhere", half_elsewhere, "way to 172.16.128.0/17"),
            ("quarter-blackholed", quarter_blackholed, "blackhole 172.16.64.0/18"),
            ("both-halves-elsewhere", both_halves_elsewhere, "via 198.18.0.1 dev eth0"),
        )
    ),
    LabCase(
        name="unreachable-first",
        rule="default-route-unambiguous",
        prepares=one_default,
        breaks=unreachable_first,
        says="unreachable default (table main, metric 50)",
    ),
    LabCase(
        name="vpn-takes-both-halves",
        rule="default-route-unambiguous",
        policy={"default_interface": "eth0"},
        prepares=one_default,
        breaks=vpn_takes_both_halves,
        says="interface of the ipv4 default route is eth1, expected eth0",
    ),
    LabCase(
        name="default-of-tcp-elsewhere",
        rule="default-route-unambiguous",
        policy={"default_interface": "eth0"},
        prepares=one_default,
        breaks=default_for_its_own_address,
        says="eth0, but eth1 for TCP",
    ),
    LabCase(
        name="asymmetric",
        rule="reverse-path-filter-fits",
        item="eth0",
        prepares=two_cards,
        breaks=asymmetric_and_strict,
        says="eth0 filters strictly",
    ),
]

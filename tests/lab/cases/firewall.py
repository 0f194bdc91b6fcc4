"""S1.1, S4: a port that listens, and a host's own filter that nobody thought of."""

from __future__ import annotations

from tests.lab.cases.case import PORT, LabCase, Scene
from tests.lab.inventory import Policy

ALLOWS = "firewall-allows-service"
BLOCKS = "firewall-blocks-port"
OPEN: Policy = {"services": {"shop": {"port": PORT, "allow_from": ["any"]}}}
CLOSED: Policy = {"blocked_ports": {PORT: {"except": ["198.18.0.1/32"]}}}

# What a host needs to be audited at all, and a policy that drops the rest.
DROPS = """
table inet filter {
  chain input {
    type filter hook input priority 0; policy drop;
    ct state established,related accept
    meta l4proto { icmp, ipv6-icmp } accept
    tcp dport 22 accept
  }
}
"""


def serve(scene: Scene) -> None:
    scene.restart()


def drop_by_policy(scene: Scene) -> None:
    scene.host.run("nft", "-f", "-", text=DROPS)


def accept_and_drop(scene: Scene) -> None:
    """Trap 13: iptables says ACCEPT, while a chain of nft drops."""
    scene.host.run("iptables", "-A", "INPUT", "-p", "tcp", "--dport", str(PORT), "-j", "ACCEPT")
    drop_by_policy(scene)


def serve_and_close(scene: Scene) -> None:
    scene.restart()
    scene.host.run("nft", "-f", "-", text=DROPS)
    close_by_nft(scene)


def open_too_wide(scene: Scene) -> None:
    scene.host.run("nft", "insert", "rule", "inet", "filter", "input", "tcp dport 80 accept")


def close_by_nft(scene: Scene) -> None:
    rule = f"tcp dport {PORT} ip saddr != 198.18.0.1 drop"
    scene.host.run("nft", "insert", "rule", "inet", "filter", "input", rule)


CASES = [
    LabCase(
        name="dropped-by-policy",
        rule=ALLOWS,
        item="shop",
        policy=OPEN,
        prepares=serve,
        breaks=drop_by_policy,
        says="nft inet filter input: policy drop",
    ),
    LabCase(
        name="accepted-by-iptables-alone",
        rule=ALLOWS,
        item="shop",
        policy=OPEN,
        prepares=serve,
        breaks=accept_and_drop,
        says="nft inet filter input: policy drop",
    ),
    LabCase(
        name="opened-too-wide",
        rule=BLOCKS,
        item=str(PORT),
        policy=CLOSED,
        prepares=serve_and_close,
        breaks=open_too_wide,
        says="tcp dport 80 accept",
    ),
]

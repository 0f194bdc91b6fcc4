"""S1.2 and S3: addresses on the wrong interface, errors and drops."""

from __future__ import annotations

from tests.lab.cases.case import LabCase, Scene
from tests.lab.inventory import Policy
from tests.lab.traffic import DATAGRAMS, FOREIGN_FRAMES, SENDER, SINK

ADDRESS = "203.0.113.7"
TUNNEL_ADDRESS = "198.51.100.1"
TUNNEL_NEIGHBOUR = "198.51.100.9"
TUNNEL_END = "192.0.2.2"
SINK_PORT = 9001

DECLARED: Policy = {"interfaces": {"eth0": {"address": ADDRESS}}}


def add_address(scene: Scene) -> None:
    scene.host.run("ip", "addr", "replace", f"{ADDRESS}/32", "dev", "eth0")


def move_address(scene: Scene) -> None:
    scene.host.run("ip", "addr", "del", f"{ADDRESS}/32", "dev", "eth0")
    scene.host.run("ip", "addr", "add", f"{ADDRESS}/32", "dev", "lo")


def plug_in(scene: Scene) -> None:
    scene.host.attach("lan2", "203.0.113.8/24")


def unplug(scene: Scene) -> None:
    scene.host.run("ip", "link", "set", "eth1", "down")


def tunnel(scene: Scene) -> None:
    """A VXLAN, whose device counts an error for each packet that has no way to its other end."""
    give_it_a_way(scene)
    scene.host.shell(
        f"ip link add vx0 type vxlan id 4 remote {TUNNEL_END} dstport 4789"
        f" && ip addr add {TUNNEL_ADDRESS}/24 dev vx0 && ip link set vx0 up"
        f" && ip neigh add {TUNNEL_NEIGHBOUR} lladdr 02:00:00:00:00:09 dev vx0"
    )
    scene.keep(scene.host.program(DATAGRAMS, TUNNEL_NEIGHBOUR))


def give_it_a_way(scene: Scene) -> None:
    scene.host.run("ip", "route", "add", TUNNEL_END, "via", scene.client.address, "dev", "eth0")


def lose_its_way(scene: Scene) -> None:
    scene.host.run("ip", "route", "del", TUNNEL_END)


def carry_traffic(scene: Scene) -> None:
    add_address(scene)
    scene.keep(scene.client.program(SINK, SINK_PORT))
    scene.keep(scene.host.program(SENDER, scene.client.address, SINK_PORT))


def receive_foreign_frames(scene: Scene) -> None:
    mac = scene.host.run("cat", "/sys/class/net/eth0/address").stdout.strip()
    scene.hold("frames", scene.client.program(FOREIGN_FRAMES, mac))


def stop_foreign_frames(scene: Scene) -> None:
    scene.end("frames")


CASES = [
    LabCase(
        name="address-elsewhere",
        rule="interface-has-address",
        item="eth0",
        policy=DECLARED,
        prepares=add_address,
        breaks=move_address,
        says=f"interface with {ADDRESS} is lo, expected eth0",
    ),
    LabCase(
        name="interface-down",
        rule="interface-has-address",
        item="eth1",
        policy={"interfaces": {"eth1": {"address": "203.0.113.8"}}},
        prepares=plug_in,
        breaks=unplug,
        # What is down is judged by no other rule.
        also=frozenset(
            {
                "icmp-redirects-match-policy",
                "interface-errors-not-rising",
                "interface-drops-bounded",
                "reverse-path-filter-fits",
            }
        ),
        says="state of eth1 is down, expected up",
    ),
    LabCase(
        name="erring-interface",
        rule="interface-errors-not-rising",
        item="vx0",
        policy={"interfaces": {"vx0": {"address": TUNNEL_ADDRESS}}},
        prepares=tunnel,
        breaks=lose_its_way,
        mends=give_it_a_way,
        says="vx0 tx_errs is +",
    ),
    LabCase(
        name="dropping-interface",
        rule="interface-drops-bounded",
        item="eth0",
        policy=DECLARED,
        prepares=carry_traffic,
        breaks=receive_foreign_frames,
        mends=stop_foreign_frames,
        says="eth0 drop is +",
    ),
]

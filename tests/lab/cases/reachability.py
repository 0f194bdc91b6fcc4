"""S0 and all others: a host that cannot be judged, or whose word cannot be trusted."""

from __future__ import annotations

from nethygiene.docgen.catalogue import check_modules
from nethygiene.markup import Form, blocks
from nethygiene.shipped import shipped_folder
from tests.lab.cases.case import LabCase, Scene

# On a host that is not reached every other rule is unknown.
ALL_OTHERS = frozenset(
    rule.id
    for module in check_modules(shipped_folder())
    for rule in module.rules
    if rule.id != "host-reachable"
)


def stop_sshd(scene: Scene) -> None:
    scene.host.sshd.stop()


def start_sshd(scene: Scene) -> None:
    scene.host.sshd.start()


def forget_key(scene: Scene) -> None:
    scene.host.lab.forget(scene.host)


def change_key(scene: Scene) -> None:
    scene.host.sshd.renew_host_keys()


def declare_key(scene: Scene) -> None:
    """What the printed line for the inventory does; the lab's inventory cannot change here."""
    key = scene.host.public_keys[0]
    (line,) = (
        block.lines[0]
        for block in blocks(scene.remedy("host-reachable"))
        if block.form is Form.CONTENT
    )
    said = scene.host.shell('echo "$1" | ssh-keygen -lf -', key).stdout.split()[1]
    assert line == f'nethygiene_host_keys: ["{said}"]'
    learn_key(scene)


def learn_key(scene: Scene) -> None:
    """By hand: no command does on a machine what has to be compared by eye first."""
    scene.host.lab.forget(scene.host)
    scene.host.lab.learn(scene.host)


CASES = [
    LabCase(
        name="sshd-down",
        rule="host-reachable",
        breaks=stop_sshd,
        mends=start_sshd,
        also=ALL_OTHERS,
        says="refused",
    ),
    LabCase(
        name="unknown-host-key",
        rule="host-reachable",
        breaks=forget_key,
        mends=declare_key,
        also=ALL_OTHERS,
        says="known_hosts",
    ),
    LabCase(
        name="changed-host-key",
        rule="host-reachable",
        breaks=change_key,
        mends=learn_key,
        also=ALL_OTHERS,
        says="if the host was given a new key",
    ),
]

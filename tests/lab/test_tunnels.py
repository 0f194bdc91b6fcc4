"""Tunnels: whose eyes see them, keys that are declared, and what is never done or carried away."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from nethygiene.collect.evidence import read_evidence
from nethygiene.inventory.policy import policy_from_plain
from nethygiene.sudoers import sudoers_file
from tests.lab import keys
from tests.lab.audit import audit
from tests.lab.cases.tunnels import HOME, POLICY, TUNNEL, furnish, settle
from tests.lab.host import LabHost
from tests.lab.inventory import Policy
from tests.lab.lab import Lab

RULES = (
    "tunnel-host-key-known",
    "tunnel-fails-fast",
    "tunnel-running",
    "tunnel-forward-listening",
    "tunnel-logs-clean",
)
TUNNELS = ("-k", " or ".join(RULES), "--window=0")
SECRET = "correct-horse-battery"


@pytest.fixture(scope="module")
def cloud(lab: Lab) -> Iterator[LabHost]:
    one = lab.host("cloud")
    yield one
    lab.remove(one)


@pytest.fixture(scope="module")
def home(lab: Lab, cloud: LabHost) -> Iterator[LabHost]:
    """A host with a healthy tunnel, audited by a login that may become nobody."""
    sudoers = sudoers_file("audit", policies=[policy_from_plain(dict(POLICY))])
    one = lab.host("home", login="audit", sudoers=sudoers)
    settle(one, cloud)
    yield one
    lab.remove(one)


def declared(**more: object) -> Policy:
    return {"tunnels": {"to-cloud": {**TUNNEL, **more}}}


def fingerprint(public: str) -> str:
    words = ["ssh-keygen", "-lf", "-"]
    done = subprocess.run(words, input=public, capture_output=True, text=True, check=True)
    return done.stdout.split()[1]


def test_sudo_by_the_generated_file_is_enough(lab: Lab, home: LabHost, cloud: LabHost) -> None:
    before = cloud.sshd.log()
    inventory = lab.inventory([home], policy=POLICY, variables={"ansible_become": True})
    evidence = lab.directory / "evidence.jsonl"
    waiting = f"import time; time.sleep(60)  # ssh --password={SECRET}"
    with subprocess.Popen(home._entering("python3", "-c", waiting)) as bystander:
        run = audit(lab, [home], *TUNNELS, f"--evidence={evidence}", inventory=inventory)
        bystander.kill()
    assert {rule: run.one(home, rule).outcome for rule in RULES} == dict.fromkeys(RULES, "passed")
    assert run.document["hosts"][0]["privileged"]
    assert cloud.sshd.log() == before, "the audit connected to the tunnel's destination"
    _holds_no_secret(evidence)


def _holds_no_secret(evidence: Path) -> None:
    (host,) = read_evidence(evidence)[1]
    carried = b"".join(one.stdout + one.stderr for one in host.sections.values())
    assert b"cloud.example" in carried
    assert b"PRIVATE KEY" not in carried
    assert SECRET.encode() not in carried


def test_without_sudo_what_needs_it_is_unknown_and_says_what_to_allow(
    lab: Lab, home: LabHost
) -> None:
    without_port = {key: value for key, value in TUNNEL.items() if key != "port"}
    run = audit(lab, [home], *TUNNELS, policy={"tunnels": {"to-cloud": without_port}})
    for rule in ("tunnel-host-key-known", "tunnel-logs-clean"):
        found = run.one(home, rule)
        assert (found.outcome, found.reason) == ("unknown", "permission"), found
        assert "nethygiene sudoers --user LOGIN --inventory=FILE" in found.message
    assert run.one(home, "tunnel-forward-listening").reason == "permission"
    # The arguments of the running ssh tell all, and anyone may read those.
    assert run.one(home, "tunnel-running").outcome == "passed"
    assert run.one(home, "tunnel-fails-fast").outcome == "passed"


def test_a_declared_key_has_to_be_the_very_one(lab: Lab, cloud: LabHost) -> None:
    right, other = cloud.public_keys[0], keys.generate(lab.directory / "other").public
    rsa = keys.generate(lab.directory / "other_rsa", "rsa").public
    both, check = "cloud.example,[localhost]:19922", "[localhost]:19922"
    known = {
        "right": (f"{both} {right}", "passed", "the declared key"),
        "changed": (f"{both} {other}", "failed", "refuses the declared one as changed"),
        "other-type": (f"{both} {rsa}", "failed", "ssh-rsa"),
        "revoked": (f"{both} {right}\n@revoked * {right}", "failed", "@revoked"),
        "missing": ("", "failed", "absent"),
        "check-changed": (f"cloud.example {right}\n{check} {other}", "failed", check),
    }
    hosts = lab.hosts(*known)
    for host in hosts:
        settle(host, cloud)
        host.write_file(f"{HOME}/.ssh/known_hosts", known[host.name][0] + "\n")
    run = audit(lab, hosts, "-k", RULES[0], policy=declared(host_keys=[fingerprint(right)]))
    for host in hosts:
        _, outcome, says = known[host.name]
        found = run.one(host, RULES[0])
        assert (found.outcome, says in found.text) == (outcome, True), found
        # ssh itself is the judge of what it would do.
        ssh = ("runuser", "-u", "plant", "--", "ssh", "-o", "BatchMode=yes", "-p", "19922")
        done = host.run(*ssh, "localhost", "true", check=False)
        assert (done.returncode == 0) == (outcome == "passed"), (host, done.stderr)
        lab.remove(host)


# What HostKeyAlgorithms may be, where the server has two keys and known_hosts holds the RSA one.
ORDERS = {
    "default": ("", "passed"),
    "list": ("HostKeyAlgorithms ssh-ed25519,rsa-sha2-512", "unknown"),
    "first": ("HostKeyAlgorithms ^ssh-ed25519", "unknown"),
    "known-first": ("HostKeyAlgorithms ^rsa-sha2-512", "passed"),
    "added": ("HostKeyAlgorithms +ssh-rsa", "passed"),
    "removed": ("HostKeyAlgorithms -ecdsa*", "passed"),
    "elsewhere": ("Match host elsewhere\nHostKeyAlgorithms ssh-ed25519,rsa-sha2-512", "passed"),
    "address": ("CheckHostIP yes", "failed"),
}


def test_the_key_that_ssh_asks_for_first_has_to_be_known(lab: Lab) -> None:
    server = lab.host("two-keys", own_keys=("ed25519", "rsa"))
    (rsa,) = (key for key in server.public_keys if key.startswith("ssh-rsa "))
    other = keys.generate(lab.directory / "rsa_of_the_address", "rsa").public
    hosts = lab.hosts(*ORDERS)
    for host in hosts:
        furnish(host, server)
        host.write_file(f"{HOME}/.ssh/known_hosts", f"cloud.example {rsa}\n")
        if host.name == "address":
            host.shell(f"echo '{server.address} {other}' >> {HOME}/.ssh/known_hosts")
        host.shell(f"echo '{ORDERS[host.name][0]}' >> {HOME}/.ssh/config")
    without_check = {key: value for key, value in TUNNEL.items() if key != "check"}
    run = audit(lab, hosts, "-k", RULES[0], policy={"tunnels": {"to-cloud": without_check}})
    for host in hosts:
        found = run.one(host, RULES[0])
        assert found.outcome == ORDERS[host.name][1], found
        ssh = ("runuser", "-u", "plant", "--", "ssh", "-o", "BatchMode=yes")
        done = host.run(*ssh, "cloud.example", "true", check=False)
        assert (done.returncode == 0) == (found.outcome == "passed"), (host, done.stderr)
        lab.remove(host)
    lab.remove(server)

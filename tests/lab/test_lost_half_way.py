"""What cannot be seen is unknown or failed, never passed."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from nethygiene.sudoers import sudoers_file
from tests.lab.audit import AuditRun, audit
from tests.lab.cases.case import SHOP, Scene
from tests.lab.host import LabHost
from tests.lab.lab import Lab

RECYCLE = "tcp-tw-recycle-disabled"
NEED_PRIVILEGE = {"service-descriptors-available"}
OLD_KERNEL = '#!/bin/sh\necho "Linux 3.10.0-1160.el7.x86_64"\n'


@pytest.fixture(scope="module")
def hosts(lab: Lab) -> Iterator[dict[str, LabHost]]:
    names = (
        "unprivileged",
        "without-ss",
        "without-ip",
        "secretive",
        "old-container",
        "without-grep",
    )
    made = {host.name: host for host in lab.hosts(*names, login="audit")}
    scenes = [Scene(host, host) for host in made.values()]
    for scene in scenes:
        scene.restart()
    made["without-ss"].hide("ss")
    made["without-ip"].hide("ip")
    made["without-grep"].hide("grep")
    made["secretive"].fake_sysctl_directory(tcp_tw_recycle=1)
    made["secretive"].run("chmod", "600", "/proc/sys/net/ipv4/tcp_tw_recycle")
    made["old-container"].write_file("/usr/bin/uname", OLD_KERNEL, 0o755)
    yield made
    for scene in scenes:
        scene.close()
        lab.remove(scene.host)


@pytest.fixture(scope="module")
def run(lab: Lab, hosts: dict[str, LabHost]) -> AuditRun:
    return audit(lab, list(hosts.values()), policy={"min_somaxconn": 4096, **SHOP})


def test_an_unprivileged_login_is_enough_for_these_rules(run: AuditRun) -> None:
    found = {one.rule: one for one in run.of("unprivileged") if one.rule not in NEED_PRIVILEGE}
    assert {one.outcome for one in found.values()} == {"passed", "not-applicable"}


@pytest.mark.parametrize("rule", sorted(NEED_PRIVILEGE))
def test_what_takes_privilege_says_what_to_allow(run: AuditRun, rule: str) -> None:
    (found,) = run.of("unprivileged", rule)
    assert (found.outcome, found.reason) == ("unknown", "permission"), found
    assert "sudo" in found.message


@pytest.mark.parametrize(
    ("host", "rule", "reason"),
    [
        ("without-ss", "listener-backlog-in-effect", "tool-missing"),
        ("without-ss", "accept-queue-not-overflowing", "tool-missing"),
        ("without-ip", "icmp-redirects-match-policy", "tool-missing"),
        ("without-ip", "icmp-redirects-not-ignored", "tool-missing"),
        ("without-grep", "tcp-syncookies-enabled", "tool-missing"),
        ("without-grep", "somaxconn-meets-policy", "tool-missing"),
        ("without-grep", "accept-queue-not-overflowing", "tool-missing"),
        ("secretive", RECYCLE, "permission"),
        ("old-container", RECYCLE, "undecidable"),
    ],
)
def test_what_cannot_be_seen_is_unknown(run: AuditRun, host: str, rule: str, reason: str) -> None:
    (found,) = run.of(host, rule)
    assert (found.outcome, found.reason) == ("unknown", reason), found


def test_what_can_still_be_seen_is_judged(run: AuditRun) -> None:
    assert run.one("without-ss", "tcp-syncookies-enabled").outcome == "passed"
    assert run.one("secretive", "tcp-timestamps-enabled").outcome == "passed"


def test_unknown_alone_ends_in_exit_status_10(run: AuditRun) -> None:
    assert run.status == 10, run


def test_a_host_that_dies_half_way_is_not_passed(lab: Lab, host: LabHost) -> None:
    def die() -> None:
        while "Starting session" not in host.sshd.log():
            time.sleep(0.02)
        time.sleep(0.3)
        host.sshd.kill()

    death = threading.Thread(target=die)
    death.start()
    run = audit(lab, [host], "--window=2")
    death.join()
    assert run.one(host, "host-reachable").outcome == "failed"
    # It was under way, in the middle of the window: that its first half was clean proves nothing.
    others = [one for one in run.of(host) if one.rule != "host-reachable"]
    assert "accept-queue-not-overflowing" in {one.rule for one in others}
    assert "passed" not in {one.outcome for one in others}
    assert run.status == 1


def test_a_host_that_hangs_is_given_up_at_the_deadline(lab: Lab, host: LabHost) -> None:
    host.write_file("/usr/bin/uname", "#!/bin/sh\nexec sleep 60\n", 0o755)
    run = audit(lab, [host], "--window=0.2", "--command-timeout=2")
    assert run.seconds < 30
    assert "passed" not in {found.outcome for found in run.of(host, RECYCLE)}


def test_sudo_that_refuses_costs_what_needed_it_and_no_more(lab: Lab) -> None:
    allowed = lab.host("sudo-allows", login="audit", sudoers=sudoers_file("audit"))
    refused = lab.host("sudo-refuses", login="audit")
    become = {"ansible_become": True}
    inventory = lab.inventory([allowed, refused], policy=SHOP, variables=become)
    with allowed.listen(80, 100), refused.listen(80, 100):
        run = audit(lab, [allowed, refused], "--window=0.2", inventory=inventory)
    privileged = {one["name"]: one["privileged"] for one in run.document["hosts"]}
    assert privileged == {"sudo-allows": True, "sudo-refuses": False}
    named = run.one(allowed, "listener-backlog-in-effect")
    unnamed = run.one(refused, "listener-backlog-in-effect")
    assert named.outcome == unnamed.outcome == "failed"
    assert "python" in named.text
    assert "python" not in unnamed.text
    assert run.one(refused, "tcp-syncookies-enabled").outcome == "passed"
    for host in (allowed, refused):
        lab.remove(host)

"""Reading a packet filter needs root: by the generated sudoers file, else it is unknown."""

from __future__ import annotations

from nethygiene.sudoers import sudoers_file
from tests.lab.audit import audit
from tests.lab.host import LabHost
from tests.lab.lab import Lab

POLICY = {
    "services": {"shop": {"port": 80, "allow_from": ["198.18.0.0/16"]}},
    "blocked_ports": {3306: {}},
}
ALLOWS, BLOCKS = "firewall-allows-service", "firewall-blocks-port"
LISTS_MODULES = "ls /sys/module | sort; cat /proc/net/ip_tables_names /proc/net/ip6_tables_names"


def test_with_the_generated_sudoers_file_it_is_judged_and_without_unknown(lab: Lab) -> None:
    allowed = lab.host("filter-sudo", login="audit", sudoers=sudoers_file("audit"))
    refused = lab.host("filter-no-sudo", login="audit")
    inventory = lab.inventory([allowed, refused], policy=POLICY, variables={"ansible_become": True})
    with allowed.listen(80, accept=True), refused.listen(80, accept=True):
        run = audit(lab, [allowed, refused], "-k", "firewall", inventory=inventory)
        for rule in (ALLOWS, BLOCKS):
            assert run.one(allowed, rule).outcome == "passed", run.one(allowed, rule)
            unknown = run.one(refused, rule)
            assert (unknown.outcome, unknown.reason) == ("unknown", "permission"), unknown
            assert "`nethygiene sudoers" in unknown.message
    assert "a cloud's security groups" in run.one(allowed, ALLOWS).text
    for host in (allowed, refused):
        lab.remove(host)


def test_looking_creates_no_tables_and_loads_nothing(lab: Lab, host: LabHost) -> None:
    before = host.shell(LISTS_MODULES, check=False).stdout
    assert host.run("nft", "list", "ruleset").stdout == ""
    with host.listen(80, accept=True):
        run = audit(lab, [host], "-k", "firewall", policy=POLICY)
    assert run.one(host, ALLOWS).outcome == "passed", run.one(host, ALLOWS)
    assert host.shell(LISTS_MODULES, check=False).stdout == before
    assert host.run("nft", "list", "ruleset").stdout == ""


def test_what_cannot_be_seen_of_a_filter_is_unknown(lab: Lab, host: LabHost) -> None:
    host.hide("nft")
    with host.listen(80, accept=True):
        run = audit(lab, [host], "-k", "firewall", policy=POLICY)
    for rule in (ALLOWS, BLOCKS):
        found = run.one(host, rule)
        assert (found.outcome, found.reason) == ("unknown", "tool-missing"), found

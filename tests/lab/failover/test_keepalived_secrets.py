"""keepalived's passwords, and those in its scripts' arguments: they stay on the host."""

from __future__ import annotations

from pathlib import Path

from nethygiene.collect.evidence import read_evidence
from tests.canaries import canary, found_below, found_in
from tests.lab.audit import audit
from tests.lab.failover.fleet import ITEM, write_groups
from tests.lab.failover.keepalived import ADDRESS, FILE, Team
from tests.lab.lab import Lab

NAMES = ("password", "definition", "script", "comment", "notify", "included")
# keepalived takes eight characters of a password; and a # would begin a comment.
SECRET = {name: canary(name).replace("#", "") for name in NAMES}
MORE = f"""
    authentication {{
        auth_type PASS
        auth_pass {SECRET["password"]}
    }}
    # the old one was {SECRET["comment"]}
    notify "/bin/true --token={SECRET["notify"]}"
    include other.conf
"""
AROUND = f"""
$PASS={SECRET["definition"]}
vrrp_script check {{
    script "/bin/true --password={SECRET["script"]}"
}}
"""
OTHER = f"""
    authentication {{
        auth_pass $PASS
        auth_pass "{SECRET["included"]}"
    }}
"""
TALKATIVE = (
    *("-vv", "--tb=long", "--showlocals", "-rA", "--html=report.html", "--self-contained-html"),
    *("--summary-md=summary.md", "--junit-xml=junit.xml", "--annotations=github"),
    *("-o", "log_cli=true", "--log-level=DEBUG", "--log-file=log.txt"),
)


def test_no_secret_of_keepalived_leaves_the_host(lab: Lab, tmp_path: Path) -> None:
    hosts = lab.hosts("secret-0", "secret-1")
    try:
        for host in hosts:
            host.write_file("/etc/keepalived/other.conf", OTHER)
        team = Team(hosts)
        team.start()
        team.settles(hosts[0])
        for host in hosts:
            text = host.run("cat", FILE).stdout.replace(
                "advert_int 0.1\n", f"advert_int 0.1\n{MORE}"
            )
            host.write_file(FILE, AROUND + text)
        declared = {"virtual_addresses": {ITEM: {"address": ADDRESS}}}
        inventory = write_groups(lab, {"team": (hosts, declared)})
        where = [
            f"{option.partition('=')[0]}={tmp_path / option.partition('=')[2]}"
            if option.endswith((".html", ".md", ".xml", ".txt"))
            else option
            for option in (*TALKATIVE, "--evidence=evidence.txt")
        ]
        run = audit(lab, hosts, *where, "-k", "vrrp", inventory=inventory)
        assert run.of_group("team", "vrrp-advertisements-arrive", ITEM).outcome == "passed", run
        said = f"{run.stdout}{run.stderr}{run.document}".encode()
        assert found_in(said, SECRET) == set()
        _, kept = read_evidence(tmp_path / "evidence.txt")
        for line in kept:
            answer = line.transcript().sections["keepalived"].stdout
            assert b"=virtual_router_id 51\n" in answer
            assert found_in(answer, SECRET) == set()
        assert found_below(tmp_path, SECRET) == set()
    finally:
        for host in hosts:
            lab.remove(host)

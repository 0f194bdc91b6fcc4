"""What is printed with a finding of a tunnel mends it, word for word, for each cause."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from nethygiene.markup import Form, blocks
from tests.lab import keys
from tests.lab.audit import AuditRun, audit
from tests.lab.cases.tunnels import FORWARD, HOME, OPTIONS, TUNNEL, dig, furnish, know
from tests.lab.host import LabHost
from tests.lab.lab import Lab

RULES = (
    "tunnel-host-key-known",
    "tunnel-fails-fast",
    "tunnel-running",
    "tunnel-forward-listening",
    "tunnel-logs-clean",
)
ITEM = "to-cloud"
PLANT = "runuser -u plant --"
QUIET = "</dev/null >/dev/null 2>&1"
GIVEN = " ".join(f"-o{key}={value}" for key, value in OPTIONS.items())
LISTENS = "until ss -ltnH 'sport = :19922' | grep -q .; do sleep 0.05; done"
TAKE = f"""\
python3 -c 'import socket, time
s = socket.create_server(("127.0.0.1", 19922))
time.sleep(600)' {QUIET} & {LISTENS}"""
STOP = "kill -STOP $(ss -ltnpH 'sport = :19922' | sed 's/.*pid=//;s/,.*//')"
ADDED = f">> {HOME}/.ssh/known_hosts"


@dataclass(frozen=True)
class Cause:
    """One way to come to a finding.

    Attributes:
        rule: that fails.
        breaks: what is typed on the host, which has its keys and no tunnel yet.
        says: what the message has to hold.
        declared: what the declaration says besides.
        before: whether a healthy tunnel runs first.
    """

    rule: str
    breaks: str
    says: str
    declared: Mapping[str, object] = field(default_factory=dict)
    before: bool = True


def ssh(words: str, user: str = "plant") -> str:
    return f"runuser -u {user} -- ssh -f -N {words} {QUIET}"


MAIL = """\
{ echo "From plant@home $(date '+%a %b %e %H:%M:%S %Y')"; echo "Date: $(date -R)"; echo
echo 'Host key verification failed.'; echo; } > /var/mail/plant
chown plant /var/mail/plant; chmod 600 /var/mail/plant"""
CAUSES = {
    "piled-up": Cause(
        "tunnel-running",
        "; ".join([ssh(f"-L {FORWARD} cloud.example")] * 3),
        "is 4, expected 1",
    ),
    "by-an-alias": Cause(
        "tunnel-running",
        f"printf 'Host cloud\\nHostName cloud.example\\n' >> {HOME}/.ssh/config; "
        + ssh(f"-L {FORWARD} cloud"),
        "is 2, expected 1",
    ),
    "none": Cause("tunnel-running", "true", "is 0, expected 1", before=False),
    "stopped": Cause("tunnel-running", STOP, "is stopped"),
    "stopped-beside": Cause(
        "tunnel-running", f"{STOP}; {ssh(f'-L {FORWARD} cloud.example')}", "is 2, expected 1"
    ),
    "leads-elsewhere": Cause(
        "tunnel-running",
        ssh(f"{GIVEN} -L 127.0.0.1:19922:localhost:23 cloud.example"),
        "but with -L 127.0.0.1:19922:localhost:23",
        before=False,
    ),
    "no-options": Cause(
        "tunnel-fails-fast",
        ssh(f"-L {FORWARD} cloud.example"),
        "ExitOnForwardFailure of pid",
        {"options": {}},
        before=False,
    ),
    "no-address": Cause(
        "tunnel-fails-fast",
        f"{TAKE}; {ssh(f'{GIVEN} -L 19922:localhost:22 cloud.example')}; kill $!",
        "address of -L 19922:localhost:22 of pid",
        {"local_forwards": ["19922:localhost:22"]},
        before=False,
    ),
    "notices-late": Cause(
        "tunnel-fails-fast",
        ssh(f"-oServerAliveCountMax=86400 {GIVEN} -L {FORWARD} cloud.example"),
        "is 1296000 s",
        before=False,
    ),
    "port-taken": Cause(
        "tunnel-forward-listening",
        f"{TAKE}; {ssh(f'-L {FORWARD} cloud.example')}",
        "another process has the port",
        before=False,
    ),
    "no-local-end": Cause(
        "tunnel-forward-listening",
        f"{TAKE}; {ssh(f'-L {FORWARD} cloud.example')}; kill $!; sleep 0.2",
        "not listened on",
        before=False,
    ),
    "of-another-user": Cause(
        "tunnel-forward-listening",
        f"cp -r {HOME}/.ssh /root/other; ssh -F {HOME}/.ssh/config "
        f"-oUserKnownHostsFile={HOME}/.ssh/known_hosts -f -N -L {FORWARD} cloud.example {QUIET}",
        "that ssh is another one",
        before=False,
    ),
    "not-known": Cause(
        "tunnel-host-key-known", f"sed -i /^cloud/d {HOME}/.ssh/known_hosts", "is absent"
    ),
    "check-not-known": Cause(
        "tunnel-host-key-known", f"sed -i /localhost/d {HOME}/.ssh/known_hosts", "is absent"
    ),
    "no-file": Cause(
        "tunnel-host-key-known",
        f"echo 'UserKnownHostsFile {HOME}/.ssh/none/of/it' >> {HOME}/.ssh/config",
        "is absent",
    ),
    "by-an-alias-of-its-key": Cause(
        "tunnel-host-key-known",
        f"printf 'Match host cloud.example\\nHostKeyAlias cloud-7\\n' >> {HOME}/.ssh/config",
        "known host key of cloud-7",
    ),
    "changed": Cause(
        "tunnel-host-key-known",
        f"sed -i /^cloud/d {HOME}/.ssh/known_hosts; echo 'cloud.example OTHER' {ADDED}",
        "refuses the declared one as changed",
        {"host_keys": ["RIGHT"]},
    ),
    "address-has-another": Cause(
        "tunnel-host-key-known",
        f"echo 'CheckHostIP yes' >> {HOME}/.ssh/config; echo 'ADDRESS OTHER' {ADDED}",
        "another for its address",
    ),
    "mailed": Cause("tunnel-logs-clean", MAIL, "Host key verification failed"),
    "logged": Cause(
        "tunnel-logs-clean",
        'echo "$(date -Is) plant@cloud.example: Permission denied (publickey)." > /var/log/plant; '
        "chown plant /var/log/plant",
        "Permission denied (publickey)",
        {"run_by": {"log": "/var/log/plant"}},
    ),
}


@dataclass(frozen=True)
class Mended:
    """Two audits, and the hosts, by the causes' names."""

    hosts: Mapping[str, LabHost]
    broken: AuditRun
    mended: AuditRun


@pytest.fixture(scope="module")
def runs(lab: Lab) -> Mended:
    cloud, *made = lab.hosts("cloud", *CAUSES)
    hosts = dict(zip(CAUSES, made, strict=True))
    other = keys.generate(lab.directory / "another_key").public
    listed = subprocess.run(
        ["ssh-keygen", "-lf", "-"],
        input=cloud.public_keys[0],
        capture_output=True,
        text=True,
        check=True,
    )
    values = {"OTHER": other, "ADDRESS": cloud.address, "RIGHT": listed.stdout.split()[1]}

    def filled(text: str) -> str:
        for key, value in values.items():
            text = text.replace(key, value)
        return text

    policies = {}
    for name, cause in CAUSES.items():
        furnish(hosts[name], cloud)
        know(hosts[name], cloud)
        if cause.before:
            dig(hosts[name])
        hosts[name].shell(filled(cause.breaks))
        declared = {**TUNNEL, **cause.declared}
        if "host_keys" in declared:
            declared["host_keys"] = [values["RIGHT"]]
        policies[name] = {"tunnels": {ITEM: declared}}

    def judged() -> AuditRun:
        chosen = ("-k", " or ".join(RULES), "--window=0")
        inventory = lab.inventory(made, policy_by_host=policies)
        return audit(lab, made, *chosen, inventory=inventory)

    broken = judged()
    for name, cause in CAUSES.items():
        told = broken.one(hosts[name], cause.rule, ITEM).remedy
        commands = [
            line for block in blocks(told) if block.form is Form.COMMANDS for line in block.lines
        ]
        hosts[name].shell("\n".join(["set -e", *commands]))
    mended = judged()
    for host in (cloud, *made):
        lab.remove(host)
    return Mended(hosts, broken, mended)


@pytest.mark.parametrize("name", CAUSES)
def test_the_printed_remedy_mends_it(runs: Mended, name: str) -> None:
    cause = CAUSES[name]
    found = runs.broken.one(runs.hosts[name], cause.rule, ITEM)
    assert (found.outcome, cause.says in found.text) == ("failed", True), found
    after = runs.mended.one(runs.hosts[name], cause.rule, ITEM)
    assert after.outcome == "passed", (after, found.remedy)

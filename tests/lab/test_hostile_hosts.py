"""Hosts that attack whoever reads about them: in a browser, on a terminal, in the log of a CI job.

What they call themselves, write into logs, aliases and greetings, and name their processes goes
through a real audit into findings. An inventory's author may be as hostile.
"""

from __future__ import annotations

import json
import re
import sys
import time
import unicodedata
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from nethygiene.engine.results import Run
from tests.lab.audit import AuditRun, audit, environment
from tests.lab.cases.tunnels import FORWARD, HOME, PLANT_UID, TUNNEL
from tests.lab.host import LabHost
from tests.lab.lab import REPOSITORY, Lab
from tests.report.conftest import OpenReport, opened, started_browser
from tests.terminal import on_terminal

__all__ = ["opened", "started_browser"]

HTML = "<img src=x onerror=window.harmed=1></script><script>window.harmed=1</script>"
# A colour, the title of the window, a link, back over the line.
TERMINAL = "\x1b[31m\x1b]0;owned\x07\x1b]8;;http://harm.example\x07\r\x08\x9b7m"
UNSEEN = "\u202e\u2066\u200f\u2028\ufeff"
RUNNER = "::error::x ##[error]owned ::add-mask::a ##vso[task.complete]"
MARKDOWN = "|`*[l](http://harm.example)www.harm.example ![i](http://harm.example)"
HARM = f"{HTML}{TERMINAL}{UNSEEN} {RUNNER} {MARKDOWN}"
# 64 bytes at most, of which some are no UTF-8.
HOSTNAME = "<img/src=x/onerror=window.harmed=1>\x1b[31m\x1b]0;o\x07\u202e##[".encode() + b"\xff"
# 15 bytes at most.
PROCESS = "<i>\x1b[7m\u202e\x08".encode() + b"\xff"
LOG = "/var/log/<b>&'|`x`/tunnel.log"
WAIVER = {"until": "2099-01-01", "owner": HARM, "reason": f"{HARM}\n::error::a line of its own"}
POLICY = {
    "services": {"ssh": {"port": 22, "backlog": 128, "allow_from": ["any"]}},
    "tunnels": {"to-cloud": {**TUNNEL, "run_by": {"log": LOG}}},
    "min_somaxconn": 2_000_000_000,
    "waivers": {
        "covers": {**WAIVER, "rule": "somaxconn-meets-policy"},
        "idle": {**WAIVER, "rule": "tcp-timestamps-enabled"},
        "lapsed": {**WAIVER, "rule": "tunnel-logs-clean", "until": "2020-01-01"},
    },
}

LISTENER = r"""
import socket, sys
one = socket.create_server(("127.0.0.1", 19922))
open("/proc/self/comm", "wb").write(bytes.fromhex(sys.argv[1]))
print("ready", flush=True)
sys.stdin.readline()
"""
# Takes itself for an ssh of the user, with an option that is no UTF-8.
SSH = r"""
import os, sys
inner = '''
import os, sys
open("/proc/self/comm", "wb").write(b"ssh")
os.setuid(%s)
print("ready", flush=True)
sys.stdin.readline()
''' % sys.argv[1]
given = [bytes.fromhex(one) for one in sys.argv[2:]]
os.execv(sys.executable, [b"ssh", b"-I", b"-S", b"-c", inner.encode(), *given])
"""
RENAME = "import socket, sys; socket.sethostname(bytes.fromhex(sys.argv[1]))"


@dataclass(frozen=True)
class Audited:
    """One audit of all of them, with everything that it can write."""

    run: AuditRun
    folder: Path
    inventory: Path

    def read(self, name: str) -> str:
        """A file that it wrote."""
        return (self.folder / name).read_bytes().decode()

    def again(self, *arguments: str, columns: int = 80) -> str:
        """What a terminal shows of the same audit."""
        command = [sys.executable, "-m", "pytest", "checks", "-p", "no:cacheprovider"]
        command += [f"--from-evidence={self.folder / 'evidence'}", f"--inventory={self.inventory}"]
        shown = on_terminal(
            [*command, *arguments], columns=columns, cwd=REPOSITORY, env=environment()
        )
        assert shown.status == 1, shown.text
        return shown.text


@pytest.fixture(scope="module")
def audited(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Audited]:
    folder = tmp_path_factory.mktemp("hostile")
    hosts = [named(lab), complaining(lab), greeting(lab)]
    inventory = lab.inventory(
        hosts, policy=POLICY, variables_by_host={"named": {"ansible_become": True}}
    )
    listener = hosts[1].program(LISTENER, PROCESS.hex())
    words = (b"-L", FORWARD.encode(), b"-oServerAliveInterval=<i>\x1b[7m\xff", b"cloud.example")
    ssh = hosts[1].program(SSH, PLANT_UID, *(word.hex() for word in words))
    with listener, ssh:
        run = audit(
            lab,
            hosts,
            "--window=0.05",
            f"--evidence={folder / 'evidence'}",
            f"--html={folder / 'report.html'}",
            "--self-contained-html",
            f"--junit-xml={folder / 'junit.xml'}",
            f"--summary-md={folder / 'summary.md'}",
            "--annotations=github",
            f"--label=harm={HARM}",
            "-rA",
            inventory=inventory,
        )
    (folder / "results.json").write_text(json.dumps(run.document))
    yield Audited(run, folder, inventory)
    for host in hosts:
        lab.remove(host)


def named(lab: Lab) -> LabHost:
    """Hostile hostname, which sudo tells, and os-release."""
    allowed = "Defaults:audit !authenticate\naudit ALL=(root) NOPASSWD: /bin/true"
    one = lab.host("named", login="audit", sudoers=allowed)
    one.python(RENAME, HOSTNAME.hex())
    one.write_file("/etc/os-release", f'PRETTY_NAME="{HARM}"\n')
    return one


def complaining(lab: Lab) -> LabHost:
    """Hostile log lines and interface alias; processes of hostile names and arguments."""
    one = lab.host("complaining")
    one.shell(
        f"echo 'plant:x:{PLANT_UID}:{PLANT_UID}::{HOME}:/bin/sh' >> /etc/passwd; mkdir -p {HOME}"
    )
    # With a line break, which ip prints as it is: only so does it get into a finding.
    one.run("ip", "link", "set", "dev", "eth0", "alias", f"\n{HARM}"[:180])
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    bound = HARM.replace(" ", "/").replace("\u2028", "")
    one.write_file(LOG, f"{now} ssh: bind [{bound}]:19922: Address already in use\n")
    return one


def greeting(lab: Lab) -> LabHost:
    """Instead of running what it is sent it says something, which is in the way."""
    forced = "ForceCommand cat /etc/greeting; cat /etc/greeting >&2; exit 3"
    one = lab.host("greeting", sshd_options=(forced,))
    one.write_file("/etc/greeting", f"{HARM}\n")
    return one


def obeyed(text: str) -> set[str]:
    """Characters that a terminal would obey."""
    unprintable = {"Cc", "Cf", "Cs", "Zl", "Zp"}
    return {one for one in text if unicodedata.category(one) in unprintable and one != "\n"}


def commands(text: str) -> list[str]:
    """Lines that the runner of a CI's job obeys."""
    lines = re.split(r"[\r\n]", text)
    return [one for one in lines if re.match(r"\s*::[\w-]", one) or re.search(r"##\w*\[", one)]


def test_the_strings_come_into_findings(audited: Audited) -> None:
    run = audited.run
    said = run.one("named", "firewall-allows-service").message
    assert "as root on <img/src=x/onerror=window.harmed=1>\x1b[31m" in said
    assert "<img src=x" in run.one("complaining", "icmp-redirects-match-policy").message
    assert "<i>\x1b[7m\u202e\x08" in run.one("complaining", "tunnel-forward-listening").message
    assert "<i>\x1b[7m\\udcff" in run.one("complaining", "tunnel-fails-fast").message
    log = run.one("complaining", "tunnel-logs-clean")
    assert LOG in log.message
    assert TERMINAL in log.message
    assert "::add-mask::" in run.one("greeting", "host-reachable").message
    assert run.one("complaining", "somaxconn-meets-policy").outcome == "waived"
    assert HARM[:80] in {host["os"][:80] for host in run.document["hosts"]}


def test_the_results_file_is_valid(audited: Audited) -> None:
    run = Run.model_validate_json(audited.read("results.json"))
    assert run.labels == {"harm": HARM}


@pytest.mark.parametrize("arguments", [(), ("-v", "-rA", "--no-header")])
def test_a_terminal_obeys_none_of_them(audited: Audited, arguments: tuple[str, ...]) -> None:
    text = audited.again(*arguments, "--annotations=none")
    # pytest's own: colours, and the counter of what it collects.
    plain = re.sub(r"\r(?=collect(?:ing|ed) \d)", "", re.sub(r"\x1b\[[0-9;]*m", "", text))
    assert not obeyed(plain), [one for one in plain.split("\n") if obeyed(one)]
    assert r"\x1b]0;owned" in plain
    assert commands(plain) == []
    ours = plain[plain.index("= network hygiene =") :].partition("= short test summary")[0]
    # A command to copy is never broken.
    told = [one for one in ours.split("\n") if not one.startswith(" " * 8)]
    assert [one for one in told if len(one) > 80 and " " in one.strip()] == []


def test_the_log_of_a_job_holds_our_commands_alone(audited: Audited) -> None:
    output = audited.run.stdout + audited.run.stderr
    assert not obeyed(output)
    told = [one.split("::")[1].split(",")[0] for one in commands(output)]
    file = f"file={audited.inventory}"
    assert told == [f"error {file}"] * 3 + [f"warning {file}"] * 2
    assert all(one.startswith("::") for one in commands(output))


def test_a_browser_runs_none_of_them(audited: Audited, opened: OpenReport) -> None:
    shown = opened(audited.folder / "report.html")
    page = shown.page
    for fragment in ("host=named", "cell=complaining/tunnel-logs-clean", "rule=host-reachable"):
        shown.go(fragment)
        text = page.evaluate("document.documentElement.outerHTML + document.title")
        assert not obeyed(text), fragment
    body = page.locator("body").inner_text()
    assert r"\u202e\u2066" in body
    assert "<img src=x onerror=window.harmed=1></script>" in body
    assert page.evaluate("window.harmed") is None
    assert page.locator('main img, main [onerror], a[href*="harm.example"]').count() == 0
    assert shown.complaints == []
    assert len([one for one in shown.requests if not one.startswith("data:")]) == 1


def test_junit_is_xml_with_the_text_in_it(audited: Audited) -> None:
    root = ET.fromstring(audited.read("junit.xml"))
    text = "".join(one.get("message", "") + (one.text or "") for one in root.iter())
    assert r"\x1b]0;owned" in text
    assert not obeyed(text)


def test_the_summary_has_no_markup_of_theirs(audited: Audited) -> None:
    text = audited.read("summary.md")
    assert not obeyed(text)
    tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(text)
    flat = [two for one in tokens for two in (one, *(one.children or []))]
    tags = [one.content.strip() for one in flat if one.type in {"html_block", "html_inline"}]
    assert set(tags) <= {"<details><summary>Remedy</summary>", "</details>"}
    assert not {one.type for one in flat} & {"link_open", "image", "table_open", "s_open"}
    # GitHub makes links of these without being asked.
    assert not re.search(r"(?<!\\)://harm|www\.harm", text)
    assert "harm.example" in text

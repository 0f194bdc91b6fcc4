"""What is fuzzed: each target takes any bytes, and raises for nothing but a bug.

The same targets are run three ways: with hypothesis by the default tests, with atheris by
``make fuzz``, and over all that either ever found, kept below ``tests/fuzz/found``.
"""

from __future__ import annotations

import contextlib
import json
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Literal

from pydantic import TypeAdapter

from nethygiene import known_hosts
from nethygiene.collect.evidence import read_evidence
from nethygiene.collect.evidence_lines import EvidenceHeader, EvidenceHost
from nethygiene.collect.frames import cut_into_sections
from nethygiene.engine.catalogue import all_finders, all_probes
from nethygiene.engine.evaluate import evaluate
from nethygiene.engine.fact import Fact
from nethygiene.engine.items import DECLARED
from nethygiene.engine.judging import HostTask, judge_host
from nethygiene.engine.outcomes import Outcome, Unreadable
from nethygiene.engine.records import host_record, result_record
from nethygiene.engine.results import Result
from nethygiene.engine.subject import Subject
from nethygiene.errors import ConnectError, EvidenceError, InventoryError, UsageError
from nethygiene.inventory.forward import parse_forward
from nethygiene.inventory.load import load_inventory
from nethygiene.inventory.model import Host
from nethygiene.inventory.policy import policy_from_plain
from nethygiene.inventory.target import Target as ConnectionTarget
from nethygiene.subjects.filter.model.ipsets import IpSet, elements_of, parse_ipsets
from nethygiene.subjects.filter.model.iptables import compile_saved, parse_saved
from nethygiene.subjects.filter.model.links import parse_tc
from nethygiene.subjects.filter.model.nft import compile_tables, parse_nft
from nethygiene.subjects.links.ip.addresses import parse_addresses
from nethygiene.subjects.links.ip.families import Family
from nethygiene.subjects.links.ip.links import parse_links
from nethygiene.subjects.links.ip.routes import parse_routes
from nethygiene.subjects.links.ip.rules import parse_rules
from nethygiene.subjects.tunnels.invocation import parse_destination, parse_invocation
from nethygiene.subjects.tunnels.ssh_config import parse_ssh_config, seconds
from nethygiene.transcript import Section, Transcript
from nethygiene.transport.openssh_log import read_log
from nethygiene.transport.ssh_config_file import parse as parse_client_config
from nethygiene.transport.ssh_options import SshQuery, expand
from tests.cases.case import ROOT, rules
from tests.fuzz.answers import (
    COMPLAINT,
    PART,
    cases,
    healthy,
    policy,
    read,
    recorded,
    section_names,
    written,
)

FAMILIES: tuple[Family, ...] = ("ipv4", "ipv6")
KEPT = Path(__file__).parent / "found"
"""Inputs that once crashed or hung a target: files below a folder of the target's name."""

BOUNDARY = "nethygiene-0123456789abcdef0123456789abcdef"


@dataclass(frozen=True, slots=True)
class Target:
    """One reader of what others wrote.

    Attributes:
        run: takes any bytes; raises for a bug alone.
        seeds: well-formed inputs.
        words: what a fuzzer does well to put in.
    """

    run: Callable[[bytes], None]
    seeds: Callable[[], Iterable[bytes]]
    words: tuple[bytes, ...] = ()


# -- Answers of hosts ------------------------------------------------------------------------


def _subject(sections: Mapping[str, Section]) -> Subject:
    transcript = Transcript("host", "address", "", 0.0, 1.0, sections=sections)
    return Subject("host", policy(), transcript, tuple(rules().values()))


def judge_answer(probe: str, data: bytes) -> None:
    """Parse one probe's sections, and judge by every rule that asks for its fact."""
    own = read(data, section_names(all_probes()[probe]))
    subject = _subject({**healthy(), **own})
    fact = subject.fact(probe)
    assert isinstance(fact, Fact | Unreadable)
    # The engine's safety net is for bugs: none may be in it.
    assert "the parser failed" not in str(fact), fact
    judged = judge_host(HostTask(subject.policy, subject.transcript, ()))
    host = Host("host", (), ConnectionTarget("host", "host"), subject.policy)
    host_record(host, subject.transcript, judged.machine, judged.kernel).model_dump_json()
    if isinstance(fact, Unreadable):
        return  # each rule that asks for it is unknown, by the engine alone
    for rule in rules().values():
        asked = {*rule.arguments, *(all_finders()[rule.found].probes if rule.found else ())}
        if probe not in asked:
            continue
        for item in DECLARED[rule.declared](subject.policy) if rule.declared else [None]:
            for verdict in evaluate(rule, subject, item):
                assert verdict.traceback is None, verdict.traceback
                assert verdict.outcome in Outcome
                record = result_record(rule.id, rule.severity, verdict, None, host="host")
                size = len(TypeAdapter(Result).dump_json(record))
                assert size < 1_000_000, "a report nobody can open"


def _answer_seeds(probe: str) -> Iterable[bytes]:
    names = section_names(all_probes()[probe])
    yield written([healthy().get(name, Section(b"")) for name in names])
    for case in cases():
        sections = case.transcript().sections
        if any(name in sections for name in names):
            mixed = {**healthy(), **sections}
            yield written([mixed.get(name, Section(b"")) for name in names])
    if len(names) == 1:
        for one in recorded(names[0]):
            yield written([one])


def cut_frames(data: bytes) -> None:
    """Cut an answer; its two streams are parted by a line of its own."""
    stdout, _, stderr = data.partition(PART)
    framed = cut_into_sections(stdout, stderr, BOUNDARY, None, {"one"})
    for name, section in framed.sections.items():
        assert name == "one", "nobody asked for it"
        if section.cut is None:
            assert section.status is not None
            assert f"\n{BOUNDARY} end {name}".encode() in stdout


def _frame_seeds() -> Iterable[bytes]:
    mark = BOUNDARY.encode()
    one = b"\n%s begin one\nbody\n\n%s end one 0\n" % (mark, mark)
    yield one + b"\n%s done\n" % mark + PART + one
    yield one


# -- Readers of listings ---------------------------------------------------------------------


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def read_nft(data: bytes) -> None:
    """Read a listing of nftables and compile it for both families."""
    tables = parse_nft(_text(data))
    if not isinstance(tables, str):
        for family in FAMILIES:
            compile_tables(tables, family)


def read_iptables(data: bytes) -> None:
    """Read a listing of iptables and compile it for both families."""
    saved = parse_saved(_text(data))
    if not isinstance(saved, str):
        for table in saved.tables.values():
            for family in FAMILIES:
                compile_saved(table, family, {"s": IpSet("s", "hash:ip", family, (), False)}, "t")


def read_ipset(data: bytes) -> None:
    """Read a listing of ipsets and take their elements."""
    for one in (parse_ipsets(_text(data)) or {}).values():
        for directions in (["src"], ["src", "dst"], ["dst", "src", "src"], []):
            for family in FAMILIES:
                elements_of(one, directions, family)


def read_routing(data: bytes) -> None:
    """Read listings of ip."""
    text = _text(data)
    parse_tc(text)
    for parse in (parse_links, parse_addresses):
        with contextlib.suppress(ValueError):
            parse(text)
    for family in FAMILIES:
        for parse_of in (parse_routes, parse_rules):
            with contextlib.suppress(ValueError):
                parse_of(text, family)


def _sections(*names: str) -> Iterable[bytes]:
    for name in names:
        for one in recorded(name):
            yield one.stdout


# -- ssh -------------------------------------------------------------------------------------


def read_ssh_config(data: bytes) -> None:
    """What ``ssh -G`` printed, on the host and here."""
    lines = data.decode("utf-8", "surrogateescape").split("\n")
    config = parse_ssh_config(lines)
    if config is not None:
        for values in config.values.values():
            for value in values:
                seconds(value)
    answer: dict[str, tuple[str, ...]] = {}
    for line in lines:
        keyword, _, value = line.partition(" ")
        answer[keyword] = (*answer.get(keyword, ())[:5], value)
    with contextlib.suppress(ConnectError):
        expand(SshQuery("host"), answer)


def read_client_config(data: bytes) -> None:
    """An ssh_config file, where there is no OpenSSH to read it."""
    path = _scratch() / "ssh_config"
    path.write_bytes(data)
    with contextlib.suppress(ConnectError):
        parse_client_config(SshQuery("host.example", config=str(path)))


def read_known_hosts(data: bytes) -> None:
    """A known_hosts file."""
    lines, bad = known_hosts.parse(data.decode("utf-8", "surrogateescape"), "known_hosts")
    assert len(lines) + len(bad) <= data.count(b"\n") + 1
    found = known_hosts.KnownHosts(tuple(lines))
    for name, port in (("a" * 200, None), ("host", 2222), ("10.0.0.1", 22)):
        found.judge(name, port, b"\0\0\0\x0bssh-ed25519")


def read_client_log(data: bytes) -> None:
    """The log of OpenSSH's client, part of which is the server's words."""
    read_log(_text(data))


def read_invocation(data: bytes) -> None:
    """A command line of ssh that a host told of."""
    words = data.decode("utf-8", "surrogateescape").split("\n")
    parse_invocation(words)
    for word in words:
        parse_destination(word)


# -- Files -----------------------------------------------------------------------------------


@cache
def _scratch() -> Path:
    # Held for the whole run: one file that is written again and again.
    return Path(_directory().name)


@cache
def _directory() -> tempfile.TemporaryDirectory[str]:
    shm = Path("/dev/shm")
    return tempfile.TemporaryDirectory(dir=shm if shm.is_dir() else None)


def _one_line(message: str) -> None:
    assert message
    assert message.replace("\n    fix: ", "").isprintable(), repr(message)
    assert len(message) < 2000, len(message)


def load_evidence(data: bytes) -> None:
    """An evidence file, judged as far as its facts go."""
    path = _scratch() / "evidence"
    path.write_bytes(data)
    try:
        _, hosts = read_evidence(path)
        for host in hosts:
            host.model_dump_json()
            with contextlib.suppress(UsageError):
                subject = Subject(host.host, policy_from_plain(host.policy), host.transcript())
                for name in filter(all_probes().__contains__, subject.transcript.probes):
                    subject.fact(name)
                subject.fact("machine")
    except EvidenceError as error:
        _one_line(str(error))


def _evidence_seeds() -> Iterable[bytes]:
    header = EvidenceHeader(tool="t", run_id="r", window=2.0, inventory_sha256="0" * 64)
    for case in cases()[::40]:
        line = EvidenceHost.of(
            case.transcript(), groups=("web",), policy=case.file.policy, boot_id="b", uptime=1.0
        )
        yield f"{header.model_dump_json()}\n{line.model_dump_json()}\n".encode()


def load_inventory_as(suffix: str, data: bytes) -> None:
    """An inventory file of that ending."""
    path = _scratch() / f"inventory{suffix}"
    path.write_bytes(data)
    try:
        load_inventory(path)
    except InventoryError as error:
        for problem in error.problems:
            assert problem.message
            assert problem.fix
            _one_line(str(problem).replace(str(path), ""))


def load_group_vars(data: bytes) -> None:
    """A file of variables beside a good inventory."""
    (_scratch() / "group_vars").mkdir(exist_ok=True)
    (_scratch() / "group_vars" / "web.yml").write_bytes(data)
    path = _scratch() / "with_vars.yaml"
    path.write_text("web: {hosts: {a: }}\n")
    with contextlib.suppress(InventoryError):
        load_inventory(path)
    (_scratch() / "group_vars" / "web.yml").unlink()


def read_forward(data: bytes) -> None:
    """A forward of ssh."""
    sides: tuple[Literal["local", "remote"], ...] = ("local", "remote")
    for side in sides:
        with contextlib.suppress(ValueError):
            parse_forward(_text(data), side)


def _inventories() -> Iterable[bytes]:
    yield (ROOT / "inventories/example.yaml").read_bytes()
    yield (ROOT / "inventories/local.yaml").read_bytes()
    yield b"all: {hosts: {a: }}\n"


def _json_inventories() -> Iterable[bytes]:
    web = {"hosts": ["a"], "vars": {"nethygiene": {"tw_reuse": "any"}}}
    hostvars = {"a": {"ansible_port": 22}}
    document = {"_meta": {"hostvars": hostvars}, "all": {"children": ["web"]}, "web": web}
    yield json.dumps(document).encode()


_YAML_WORDS = tuple(
    b"&a |*a|<<: |!!int |!!python/object:|? |- |{|[|nethygiene:|ansible_host:|hosts:|children:"
    b"|vars:|0b_|1:1:1|2027-02-31|!vault ".split(b"|")
)
_MARKS = tuple(
    f"\n{BOUNDARY} {rest}".encode()
    for rest in ("begin ", "begin one\n", "end one 0\n", "end one ", "done\n")
)
_CLIENT_WORDS = (
    b"debug1: Connecting to a [1.2.3.4] port 22",
    b"debug1: Server host key: x SHA256:",
)
_CONFIG_WORDS = tuple(b"Match |Include |ProxyCommand |Host |exec |%h|%%|${HOME}".split(b"|"))
_KNOWN_WORDS = tuple(b"@revoked ;@cert-authority ;|1|;*?!,;ssh-ed25519 ".split(b";"))
_VARS = b"nethygiene: {tw_reuse: any}\nansible_port: 22\n"
_FORWARDS = (b"127.0.0.1:19922:localhost:22", b"[::1]:1:[::1]:2")
_COMMANDS = (b"ssh\n-N\n-L\n1:a:2\n-o\nBatchMode=yes\nuser@host", b"ssh\nssh://u@h:22")
_CONFIG = b"Host *.example\n  Port 22\n  ProxyJump a,b\n"


@cache
def targets() -> Mapping[str, Target]:
    """Every target by name. A new probe is one by being there."""
    in_yaml, in_json = partial(load_inventory_as, ".yaml"), partial(load_inventory_as, ".json")
    saved = partial(_sections, "iptables", "ip6tables")
    listed = partial(_sections, "links", "addresses", "routes_ipv4", "routing_rules_ipv6", "tc")
    asked = partial(_sections, "tunnel_config:to-cloud")
    probes = {
        f"probe-{name}": Target(
            partial(judge_answer, name), partial(_answer_seeds, name), (PART, COMPLAINT + b"1\n")
        )
        for name in all_probes()
    }
    return probes | {
        "frames": Target(cut_frames, _frame_seeds, (*_MARKS, PART)),
        "nft": Target(read_nft, partial(_sections, "nft")),
        "iptables": Target(read_iptables, saved),
        "ipset": Target(read_ipset, partial(_sections, "ipset")),
        "routing": Target(read_routing, listed),
        "ssh-config": Target(read_ssh_config, asked),
        "ssh-config-file": Target(read_client_config, lambda: [_CONFIG], _CONFIG_WORDS),
        "known-hosts": Target(read_known_hosts, _known_hosts_seeds, _KNOWN_WORDS),
        "client-log": Target(read_client_log, list, _CLIENT_WORDS),
        "invocation": Target(read_invocation, lambda: _COMMANDS),
        "evidence": Target(load_evidence, _evidence_seeds),
        "inventory-yaml": Target(in_yaml, _inventories, _YAML_WORDS),
        "inventory-json": Target(in_json, _json_inventories),
        "group-vars": Target(load_group_vars, lambda: [_VARS], _YAML_WORDS),
        "forward": Target(read_forward, lambda: _FORWARDS),
    }


def _known_hosts_seeds() -> Iterable[bytes]:
    key = b"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
    yield b"host,10.0.0.1 " + key + b"\n[host]:2222 " + key + b"\n"
    yield b"@revoked * " + key + b"\n@cert-authority *.example,!a.example " + key
    yield b"|1|AAAAAAAAAAAAAAAAAAAAAAAAAAA=|AAAAAAAAAAAAAAAAAAAAAAAAAAA= " + key

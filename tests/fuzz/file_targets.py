"""The user's own files: evidence and inventories."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Mapping
from functools import partial

from nethygiene.collect.evidence import read_evidence
from nethygiene.collect.evidence_lines import EvidenceHeader, EvidenceHost
from nethygiene.engine.catalogue import all_probes
from nethygiene.engine.subject import Subject
from nethygiene.errors import EvidenceError, InventoryError, UsageError
from nethygiene.inventory.load import load_inventory
from nethygiene.inventory.policy import policy_from_plain
from tests.cases.case import ROOT
from tests.fuzz.answers import (
    cases,
)
from tests.fuzz.target import Target, scratch

_YAML_WORDS = tuple(
    b"&a |*a|<<: |!!int |!!python/object:|? |- |{|[|nethygiene:|ansible_host:|hosts:|children:"
    b"|vars:|0b_|1:1:1|2027-02-31|!vault ".split(b"|")
)
_VARS = b"nethygiene: {tw_reuse: any}\nansible_port: 22\n"


def _one_line(message: str) -> None:
    assert message
    assert message.replace("\n    fix: ", "").isprintable(), repr(message)
    assert len(message) < 2000, len(message)


def load_evidence(data: bytes) -> None:
    """An evidence file, judged as far as its facts go."""
    path = scratch() / "evidence"
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
    path = scratch() / f"inventory{suffix}"
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
    (scratch() / "group_vars").mkdir(exist_ok=True)
    (scratch() / "group_vars" / "web.yml").write_bytes(data)
    path = scratch() / "with_vars.yaml"
    path.write_text("web: {hosts: {a: }}\n")
    with contextlib.suppress(InventoryError):
        load_inventory(path)
    (scratch() / "group_vars" / "web.yml").unlink()


def _inventories() -> Iterable[bytes]:
    yield (ROOT / "inventories/example.yaml").read_bytes()
    yield (ROOT / "inventories/local.yaml").read_bytes()
    yield b"all: {hosts: {a: }}\n"


def _json_inventories() -> Iterable[bytes]:
    web = {"hosts": ["a"], "vars": {"nethygiene": {"tw_reuse": "any"}}}
    hostvars = {"a": {"ansible_port": 22}}
    document = {"_meta": {"hostvars": hostvars}, "all": {"children": ["web"]}, "web": web}
    yield json.dumps(document).encode()


def file_targets() -> Mapping[str, Target]:
    """The readers of files that a user names."""
    in_yaml, in_json = partial(load_inventory_as, ".yaml"), partial(load_inventory_as, ".json")
    return {
        "evidence": Target(load_evidence, _evidence_seeds),
        "inventory-yaml": Target(in_yaml, _inventories, _YAML_WORDS),
        "inventory-json": Target(in_json, _json_inventories),
        "group-vars": Target(load_group_vars, lambda: [_VARS], _YAML_WORDS),
    }

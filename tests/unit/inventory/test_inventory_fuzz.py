"""Whatever the bytes, an inventory is loaded or refused: nothing else is ever raised."""

from __future__ import annotations

import contextlib
import json
import string
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nethygiene.errors import InventoryError, UsageError
from nethygiene.inventory.forward import parse_forward
from nethygiene.inventory.load import load_inventory
from nethygiene.inventory.policy import policy_from_plain

EXAMPLE = (Path(__file__).parents[3] / "inventories/example.yaml").read_text(encoding="utf-8")

fuzz = settings(
    deadline=None,
    max_examples=150,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

KEYS = ["all", "web", "hosts", "children", "vars", "nethygiene", "_meta", "hostvars", "services",
        "port", "a", "ansible_host", "ansible_port", "ansible_become", "ansible_group_priority",
        "ansible_ssh_common_args", "nethygiene_host_keys", "ungrouped", "tunnels", "waivers",
        "until", "blocked_ports", "except", "limits", "run_by", "check", "options", "plugin",
        "allow_from", "web[1:3]", "__ansible_vault", "__ansible_unsafe"]  # fmt: skip

keys = st.one_of(st.sampled_from(KEYS), st.text(max_size=5))
atoms = st.one_of(
    st.none(), st.booleans(), st.integers(-5, 70000), st.floats(), st.dates(), keys,
    st.sampled_from(["any", "10.0.0.0/8", "{{ x }}", "web[1:3]", "-J a", "1:2:3", "x y"]),
)  # fmt: skip
trees = st.recursive(
    atoms,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.one_of(keys, st.integers()), inner, max_size=4),
    ),
    max_leaves=20,
)
groups = st.dictionaries(
    st.sampled_from(["all", "web", "db", "_meta", "ungrouped"]),
    st.dictionaries(st.sampled_from(["hosts", "children", "vars", "hostvars"]), trees, max_size=3),
    min_size=1,
    max_size=3,
)


def check(folder: Path, name: str, content: bytes, limit: str | None = None) -> None:
    path = folder / name
    path.write_bytes(content)
    inventory, problems = None, []
    try:
        inventory = load_inventory(path, limit=limit)
    except InventoryError as error:
        problems = error.problems
    assert bool(problems) != bool(inventory and inventory.hosts)
    for problem in problems:
        assert problem.message
        assert problem.fix
        assert str(problem).replace("\n    fix: ", "").isprintable()


def as_yaml(value: object) -> str:
    """Flow style, which is JSON with YAML's dates and odd keys."""
    if isinstance(value, dict):
        inner = ", ".join(f"{as_yaml(key)} : {as_yaml(item)}" for key, item in value.items())
        return "{" + inner + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(as_yaml, value)) + "]"
    if isinstance(value, (str, bool, int)) or value is None:
        return json.dumps(value)
    return str(value)


@fuzz
@given(content=st.binary(max_size=200), name=st.sampled_from(["x.yaml", "x.json", "x", "x.ini"]))
def test_any_bytes(tmp_path: Path, content: bytes, name: str) -> None:
    check(tmp_path, name, content)


@fuzz
@given(content=st.text(alphabet="al:\n hosts{}[]&*!<>-?\t\"'#%|,~1\\u\x85", max_size=60))
def test_any_text_of_yaml_s_own_characters(tmp_path: Path, content: str) -> None:
    check(tmp_path, "x.yaml", content.encode())


@fuzz
@given(
    position=st.integers(0, len(EXAMPLE)),
    length=st.integers(0, 40),
    inserted=st.text(alphabet=string.printable, max_size=8),
)
def test_the_example_with_a_piece_changed(
    tmp_path: Path, position: int, length: int, inserted: str
) -> None:
    text = EXAMPLE[:position] + inserted + EXAMPLE[position + length :]
    check(tmp_path, "x.yaml", text.encode())


@fuzz
@given(tree=st.one_of(groups, trees))
def test_any_structure_as_yaml(tmp_path: Path, tree: object) -> None:
    check(tmp_path, "x.yaml", as_yaml(tree).encode("utf-8", "replace"))


@fuzz
@given(tree=st.one_of(groups, trees))
def test_any_structure_as_json(tmp_path: Path, tree: object) -> None:
    text = json.dumps(tree, default=str, skipkeys=True)
    check(tmp_path, "x.json", text.encode("utf-8", "replace"))


@fuzz
@given(limit=st.text(alphabet="web1-0[]:!&,~*?@.() \n\0\\", max_size=12))
def test_any_limit(tmp_path: Path, limit: str) -> None:
    check(tmp_path, "x.yaml", b"all: {hosts: {web-1: , web-01: , b: }}", limit)


@fuzz
@given(tree=trees)
def test_any_plain_policy(tree: object) -> None:
    with contextlib.suppress(UsageError):
        policy = policy_from_plain(tree)
        assert policy_from_plain(json.loads(json.dumps(policy.plain()))) == policy


@fuzz
@given(text=st.text(alphabet="0123:[]/ab*%.-", max_size=20))
@pytest.mark.parametrize("side", ["local", "remote"])
def test_any_forward(side: str, text: str) -> None:
    with contextlib.suppress(ValueError):
        parse_forward(text, "local" if side == "local" else "remote")

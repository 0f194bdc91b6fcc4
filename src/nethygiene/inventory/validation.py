"""A merged ``nethygiene`` variable to a :class:`Policy`; every problem names its own line."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeVar

from pydantic import ValidationError

from nethygiene.inventory.declared import Declared
from nethygiene.inventory.directory import Directory, unknown_services
from nethygiene.inventory.explain import Explanation, Location, explained
from nethygiene.inventory.group_policy import GROUP_SECTIONS, GroupPolicy
from nethygiene.inventory.layout import export_command
from nethygiene.inventory.located import (
    Item,
    Key,
    Mapping,
    Node,
    Opaque,
    Place,
    Plain,
    ProblemLog,
    Scalar,
    Sequence,
    is_null,
    joined,
    kind_of,
    shown,
)
from nethygiene.inventory.places import KnownPlaces
from nethygiene.inventory.policy import SECTIONS, Policy
from nethygiene.inventory.variables import POLICY_VARIABLE

MAX_PROBLEMS = 200
"""Problems reported of one policy."""

D = TypeVar("D", bound=Declared)
_SECTIONS = SECTIONS | GROUP_SECTIONS.keys()
_JINJA = ("{{", "{%", "{#")


def is_template(node: Node) -> bool:
    """Whether Ansible would render this value with Jinja."""
    return (
        isinstance(node, Scalar)
        and isinstance(node.value, str)
        and not node.literal
        and any(mark in node.value for mark in _JINJA)
    )


def template_fix(file: str) -> str:
    """The cure for a template; the export keeps the template, so that it has to be filled in."""
    return (
        "write the value out; where Ansible has to work it out: "
        f"`{export_command(file)}`, and put the value there in place of the template"
    )


def vault_fix(file: str) -> str:
    """The cure for an encrypted value."""
    return f"write it in the clear, or export it decrypted: `{export_command(file)}`"


@dataclass(slots=True)
class PolicyReader:
    """Validates policies; a policy that several hosts share is validated once.

    Attributes:
        problems: receives errors.
        inventory: the inventory file, for cures that name a command.
        known: the hosts and groups, which a policy may name.
    """

    problems: ProblemLog
    inventory: str
    known: KnownPlaces
    _default: Policy = field(default_factory=Policy)
    _known: dict[int, tuple[Item, Policy | None]] = field(default_factory=dict)

    def read(self, item: Item | None) -> Policy | None:
        """The policy of a merged variable (None: nothing declared); None after an error."""
        if item is None:
            return self._default
        entry = self._known.get(id(item))
        if entry is None:
            # The item is kept, so that no other object gets its id.
            entry = self._known[id(item)] = (item, self._validate(item, Policy))
        return entry[1]

    def read_group(self, item: Item | None) -> GroupPolicy:
        """What a group declares for its members as one; nothing after an error."""
        policy = None if item is None else self._validate(item, GroupPolicy)
        return policy or GroupPolicy()

    def _validate(self, item: Item, model: type[D]) -> D | None:
        reading = _Reading(self.problems, self.inventory, item)
        if not isinstance(item.node, Mapping):
            if not reading.flag_unreadable(item.node, (), item.origin or ""):
                self.problems.add(
                    item.node.place,
                    joined(item.origin, POLICY_VARIABLE),
                    f"a policy has to be a mapping, not {kind_of(item.node)}",
                    "write `key: value` lines below it, or remove it",
                )
            return None
        data = reading.plain(item.node, (), item.origin or "")
        try:
            policy = model.model_validate(data, context=self.known)
        except ValidationError as error:
            for number, explanation in enumerate(explained(error, model)):
                if number == MAX_PROBLEMS:
                    break
                reading.report(explanation)
            return None
        return None if reading.flagged else policy

    def check_services(self, policies: Iterable[Policy], directory: Directory) -> None:
        """Report upstreams of these policies whose targets do not serve what they name."""
        of_policies = {id(policy): item for item, policy in self._known.values()}
        for number, policy in {id(policy): policy for policy in policies}.items():
            for explanation in unknown_services(policy, directory):
                reading = _Reading(self.problems, self.inventory, of_policies[number])
                reading.report(explanation)


@dataclass(slots=True)
class _Reading:
    """The reading of one policy; `flagged` are the locations whose problem is reported."""

    problems: ProblemLog
    inventory: str
    root: Item
    flagged: set[Location] = field(default_factory=set)

    def plain(self, node: Node, location: Location, origin: str) -> Plain:
        """The value without its positions; an unreadable one is flagged and None."""
        if isinstance(node, Mapping):
            plain: dict[Key, Plain] = {}
            for key, item in node.items.items():
                where, inner = (*location, _step(key)), item.origin_or(origin)
                if not is_null(item.node):
                    plain[key] = self.plain(item.node, where, inner)
                elif location or key not in _SECTIONS:
                    self._report_null(item, where, inner)
            return plain
        if isinstance(node, Sequence):
            return [
                self.plain(inner, (*location, index), origin)
                for index, inner in enumerate(node.items)
            ]
        if self.flag_unreadable(node, location, origin) or isinstance(node, Opaque):
            return None
        return node.value

    def flag_unreadable(self, node: Node, location: Location, origin: str) -> bool:
        """Whether a value is a template or encrypted; report it."""
        if isinstance(node, Opaque):
            message, fix = f"{node.what} cannot be read", vault_fix(self.inventory)
        elif isinstance(node, Scalar) and is_template(node):
            message = f"{shown(node.value)} is a Jinja template"
            fix = template_fix(self.inventory)
        else:
            return False
        self.flagged.add(location)
        self.problems.add(node.place, joined(origin, POLICY_VARIABLE, *location), message, fix)
        return True

    def _report_null(self, item: Item, location: Location, origin: str) -> None:
        self.flagged.add(location)
        self.problems.add(
            item.key_place,
            joined(origin, POLICY_VARIABLE, *location),
            "nothing stands here, which takes back an inherited value, but none is inherited",
            "write a value ({} for an item that has no fields), or remove the key",
        )

    def report(self, explanation: Explanation) -> None:
        """Report a problem that pydantic found, unless its location is flagged."""
        location = explanation.location
        if explanation.missing is not None:
            location = (*location, explanation.missing)
        if any(location[: len(flag)] == flag for flag in self.flagged):
            return
        node, place, path = self._locate(explanation)
        message = explanation.message
        if isinstance(node, Scalar) and isinstance(node.value, bool):
            message = message.replace("YAML read this", f"YAML read `{node.text}`", 1)
        self.problems.add(place, path, message, explanation.fix)

    def _locate(self, explanation: Explanation) -> tuple[Node, Place, str]:
        """The value, its line and the full key path of a problem."""
        node, place, origin = self.root.node, self.root.key_place, self.root.origin or ""
        for step in explanation.location:
            if isinstance(node, Mapping):
                item = _item_at(node, step)
                if item is None:
                    break
                node, place, origin = item.node, item.key_place, item.origin_or(origin)
            elif isinstance(node, Sequence) and isinstance(step, int) and step < len(node.items):
                node = node.items[step]
                place = node.place
            else:
                break
        if isinstance(node, Scalar) and not explanation.on_key:
            place = node.place
        return node, place, joined(origin, POLICY_VARIABLE, *explanation.location)


def _step(key: Key) -> int | str:
    """A key as pydantic names it in a location."""
    return key if isinstance(key, (int, str)) and not isinstance(key, bool) else str(key)


def _item_at(mapping: Mapping, step: int | str) -> Item | None:
    for key, item in mapping.items.items():
        if key == step or str(key) == str(step):
            return item
    return None

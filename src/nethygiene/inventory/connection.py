"""Ansible's connection variables to a :class:`Target`; one that is not honoured is an error."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from nethygiene.inventory.connection_refused import refused_variable
from nethygiene.inventory.connection_values import (
    RefusedValueError,
    parse_address,
    parse_boolean,
    parse_common_args,
    parse_kind,
    parse_path,
    parse_port,
    parse_user,
)
from nethygiene.inventory.groups import HostEntry
from nethygiene.inventory.located import (
    Opaque,
    ProblemLog,
    Scalar,
    Sequence,
    closest,
    joined,
    kind_of,
    shown,
)
from nethygiene.inventory.names import is_address
from nethygiene.inventory.target import ConnectionKind, Target
from nethygiene.inventory.validation import is_template, template_fix, vault_fix
from nethygiene.inventory.variables import Variable

_T = TypeVar("_T")

HOST_KEYS_VARIABLE = "nethygiene_host_keys"

# Ansible takes the last that is set of several names for one option.
_HOST = ("ansible_host", "ansible_ssh_host")
_PORT = ("ansible_port", "ansible_ssh_port")
_USER = ("ansible_user", "ansible_ssh_user")
_IDENTITY = ("ansible_private_key_file", "ansible_ssh_private_key_file")
_BECOME_USER = ("ansible_become_user", "ansible_sudo_user")
_HOST_KEY = re.compile(r"SHA256:[A-Za-z0-9+/]{43}")


def resolve_target(
    host: HostEntry,
    variables: Mapping[str, Variable],
    inventory: str,
    problems: ProblemLog,
) -> Target:
    """The target of a host.

    Args:
        host: the host.
        variables: its connection variables.
        inventory: the inventory file, for cures that name a command.
        problems: receives errors; with an error the target must not be used.
    """
    reader = _Variables(variables, inventory, problems)
    kind = reader.take(("ansible_connection",), parse_kind) or "paramiko"
    reader.refuse_unhonoured(kind)
    address = reader.take(_HOST, parse_address)
    if address is None:
        address = host.name
        if (
            kind != "local"
            and not is_address(address)
            and not any(name in variables for name in _HOST)
        ):
            problems.add(
                host.place,
                host.name,
                f"host name {shown(address)} is no address, and there is no ansible_host",
                "add ansible_host: the DNS name or IP address to connect to",
            )
    return Target(
        name=host.name,
        address=address,
        port=reader.take(_PORT, parse_port),
        user=reader.take(_USER, parse_user),
        kind=kind,
        identity_file=reader.take(_IDENTITY, parse_path),
        common_args=reader.take(("ansible_ssh_common_args",), parse_common_args) or (),
        become=reader.take(("ansible_become",), parse_boolean) or False,
        become_user=reader.take(_BECOME_USER, parse_user) or "root",
        host_keys=reader.host_keys(),
    )


@dataclass(frozen=True, slots=True)
class _Variables:
    variables: Mapping[str, Variable]
    inventory: str
    problems: ProblemLog

    def _report(self, name: str, message: str, fix: str) -> None:
        variable = self.variables[name]
        place = variable.item.node.place
        self.problems.add(place, joined(variable.origin, name), message, fix)

    def _readable(self, name: str) -> bool:
        node = self.variables[name].item.node
        if isinstance(node, Opaque):
            self._report(name, f"{name} is {node.what}", vault_fix(self.inventory))
            return False
        if is_template(node):
            # The message leaves out the text: it may hold a secret that masking does not find.
            self._report(name, f"{name} is a Jinja template", template_fix(self.inventory))
            return False
        return True

    def take(self, names: tuple[str, ...], parse: Callable[[object], _T]) -> _T | None:
        """The value of the last of `names` that is set; None without a value, or after an error."""
        for name in reversed(names):
            variable = self.variables.get(name)
            if variable is None:
                continue
            node = variable.item.node
            if isinstance(node, Scalar) and node.value is None:
                continue
            if not self._readable(name):
                return None
            if not isinstance(node, Scalar):
                self._report(name, f"{name} cannot be {kind_of(node)}", "write one value")
                return None
            try:
                return parse(node.value)
            except RefusedValueError as error:
                self._report(name, f"{name}: {error}", error.fix)
                return None
        return None

    def host_keys(self) -> tuple[str, ...]:
        variable = self.variables.get(HOST_KEYS_VARIABLE)
        if variable is None or not self._readable(HOST_KEYS_VARIABLE):
            return ()
        node = variable.item.node
        if isinstance(node, Scalar) and node.value is None:
            return ()
        fix = (
            "write a list of fingerprints: [SHA256:…], as `ssh-keygen -lf HOST_KEY.pub` prints them"
        )
        if not isinstance(node, Sequence):
            self._report(HOST_KEYS_VARIABLE, f"a list is wanted, not {kind_of(node)}", fix)
            return ()
        keys = []
        for index, inner in enumerate(node.items):
            value = inner.value if isinstance(inner, Scalar) else None
            if isinstance(value, str) and _HOST_KEY.fullmatch(value):
                keys.append(value)
            else:
                what = shown(value) if isinstance(inner, Scalar) else kind_of(inner)
                path = joined(variable.origin, HOST_KEYS_VARIABLE, index)
                self.problems.add(inner.place, path, f"{what} is no fingerprint of a host key", fix)
        return tuple(keys)

    def refuse_unhonoured(self, kind: ConnectionKind) -> None:
        """Report every variable that would change the connection if it were honoured."""
        for name, variable in self.variables.items():
            node = variable.item.node
            if isinstance(node, Scalar) and node.value is None:
                continue
            refusal = refused_variable(name, node, kind)
            if refusal is not None:
                self._report(name, *refusal)
            elif name.startswith("nethygiene") and name != HOST_KEYS_VARIABLE:
                near = closest(name, ("nethygiene", HOST_KEYS_VARIABLE))
                if near is not None:
                    self.problems.add(
                        variable.item.key_place,
                        joined(variable.origin, name),
                        f"unknown variable {name!r}",
                        f"did you mean {near!r}?",
                    )

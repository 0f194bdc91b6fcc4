"""The kinds of value that a policy holds, each validated to one typed form.

Each kind is a pydantic annotation with its own JSON Schema for editors. No kind coerces silently:
it refuses a number in quotes or a YAML boolean, and says how to write the value.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from datetime import date, datetime
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Annotated, Literal, TypeAlias

from pydantic import (
    BeforeValidator,
    Field,
    PlainSerializer,
    PlainValidator,
    Strict,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError

from nethygiene.inventory.forward import Forward, parse_forward
from nethygiene.inventory.located import kind_of_atom, shown
from nethygiene.masking import shows_secret

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

_NAME = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9_]([A-Za-z0-9_.-]{0,250}[A-Za-z0-9])?\.?", re.ASCII)
REFUSED = "nethygiene-refused"
"""Type of the pydantic errors that carry a message and a fix of our own."""


def refused(message: str, fix: str) -> PydanticCustomError:
    """An error for pydantic with a message and a fix of our own."""
    return PydanticCustomError(REFUSED, "{problem}", {"problem": message, "fix": fix})


def text_of(value: object, expected: str, fix: str) -> str:
    """The value, if it is a string; otherwise a refusal with the cure `fix`."""
    if not isinstance(value, str):
        raise refused(f"{shown(value)} is {kind_of_atom(value)}, not {expected}", fix)
    return value


def _matching(pattern: str, expected: str, fix: str) -> Callable[[object], str]:
    """A validator for strings of one shape."""
    compiled = re.compile(pattern)

    def validate(value: object) -> str:
        text = text_of(value, expected, fix)
        if not compiled.fullmatch(text):
            raise refused(f"{shown(text)} is not {expected}", fix)
        return text

    return validate


def _string(pattern: str, expected: str, fix: str) -> tuple[BeforeValidator, WithJsonSchema]:
    schema = {"type": "string", "pattern": f"^{pattern}$", "description": fix}
    return BeforeValidator(_matching(pattern, expected, fix)), WithJsonSchema(schema)


def _parse_address(value: object) -> Address:
    fix = "write an IPv4 or IPv6 address, such as 10.0.3.5 or 2001:db8::5"
    text = text_of(value, "an address", fix)
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        if "/" in text:
            fix = "write the address alone, without /prefix"
        elif _NAME.fullmatch(text):
            fix += (
                "; names are not looked up, for the host may know another answer: write what "
                f"`getent ahosts {text}` prints there, an entry for each address"
            )
        raise refused(f"{shown(text)} is not an IP address", fix) from None


def _parse_listen_address(value: object) -> Literal["any", "loopback"] | Address:
    if value == "any" or value == "loopback":  # noqa: PLR1714 - narrows the type
        return value
    try:
        return _parse_address(value)
    except PydanticCustomError as error:
        problem = str((error.context or {}).get("problem"))
        raise refused(problem, "write any, loopback or an IP address") from None


def parse_network(value: object) -> Network:
    """Read a network in CIDR form, or an address."""
    fix = "write a network or an address, such as 10.0.0.0/8, 192.0.2.7 or 2001:db8::/32"
    text = text_of(value, "a network", fix)
    try:
        return ipaddress.ip_network(text)
    except ValueError:
        try:
            meant = ipaddress.ip_network(text, strict=False)
        except ValueError:
            raise refused(f"{shown(text)} is not a network in CIDR form", fix) from None
    raise refused(f"{shown(text)} has bits set beyond its prefix", f"write {meant}")


def _parse_day(value: object) -> date:
    fix = "write a day as 2027-03-31"
    if isinstance(value, datetime):
        raise refused(
            f"{shown(value.isoformat())} has a time of day", f"{fix}: it counts to its end, UTC"
        )
    if isinstance(value, date):
        return value
    text = text_of(value, "a day", fix)
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        raise refused(f"{shown(text)} is not a day", fix)
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise refused(f"{shown(text)} is no day of the calendar", fix) from None


def _parse_port_key(value: object) -> object:
    """Turn a port that is a JSON key, and so a string, into the integer of a YAML key."""
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,5}", value):
        return int(value)
    return value


def _forward_of(side: Literal["local", "remote"]) -> Callable[[object], Forward]:
    option = "-L" if side == "local" else "-R"
    fix = f"write it as for ssh {option}: 127.0.0.1:19922:localhost:22 (quoted)"

    def validate(value: object) -> Forward:
        if isinstance(value, Forward):
            return value
        text = text_of(value, "a forward", fix)
        try:
            return parse_forward(text, side)
        except ValueError as error:
            raise refused(f"{shown(text)} is not a forward: {error}", fix) from None

    return validate


def _parse_ssh_value(value: object) -> str:
    """The value of an option as ssh_config spells it; YAML reads its yes and no as booleans."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return str(value)
    fix = "write the option's value as in ssh_config: 15, yes or a string"
    text = text_of(value, "an option's value", fix)
    if not text.strip() or not text.isprintable():
        raise refused(f"{shown(text)} is not an option's value", fix)
    if shows_secret(text):
        raise refused(
            "a password stands in it, which the process list shows to everyone on that host",
            "let the job's ssh log in with a key, and leave the option out here",
        )
    return text


_PORT_SCHEMA = Field(ge=1, le=65535)
Port = Annotated[int, Strict(), _PORT_SCHEMA]
PortKey = Annotated[int, Strict(), _PORT_SCHEMA, BeforeValidator(_parse_port_key)]
Seconds = Annotated[int, Strict(), Field(ge=1, le=2**31 - 1)]
Backlog = Annotated[int, Strict(), Field(ge=1, le=2**31 - 1)]
Count = Annotated[int, Strict(), Field(ge=1, le=2**63 - 1)]
Rate = Annotated[float, Strict(), Field(ge=0, allow_inf_nan=False)]
Ratio = Annotated[float, Strict(), Field(ge=0, le=1, allow_inf_nan=False)]

_ADDRESS_SCHEMA = {"type": "string", "description": "an IPv4 or IPv6 address"}
_NETWORK_SCHEMA = {"type": "string", "description": "a network in CIDR form, or an address"}
AS_TEXT = PlainSerializer(str, return_type=str)

IPAddress = Annotated[
    Address, PlainValidator(_parse_address), AS_TEXT, WithJsonSchema(_ADDRESS_SCHEMA)
]
ListenAddress = Annotated[
    Literal["any", "loopback"] | Address,
    PlainValidator(_parse_listen_address),
    AS_TEXT,
    WithJsonSchema({"anyOf": [{"enum": ["any", "loopback"]}, _ADDRESS_SCHEMA]}),
]
IPNetwork = Annotated[
    Network, PlainValidator(parse_network), AS_TEXT, WithJsonSchema(_NETWORK_SCHEMA)
]
Day = Annotated[
    date,
    PlainValidator(_parse_day),
    PlainSerializer(date.isoformat, return_type=str),
    WithJsonSchema({"type": "string", "format": "date", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"}),
]
_FORWARD_SCHEMA = WithJsonSchema(
    {"type": "string", "description": "as ssh takes it: [bind:]port:host:port"}
)
LocalForward = Annotated[Forward, PlainValidator(_forward_of("local")), AS_TEXT, _FORWARD_SCHEMA]
RemoteForward = Annotated[Forward, PlainValidator(_forward_of("remote")), AS_TEXT, _FORWARD_SCHEMA]
SshValue = Annotated[
    str,
    PlainValidator(_parse_ssh_value),
    WithJsonSchema({"type": ["string", "integer", "boolean"]}),
]

ItemName = Annotated[
    str,
    *_string(
        r"[\w][\w.:@/+-]{0,99}",
        "a name",
        "name it with letters, digits and . _ : @ / + -, without spaces; put a number into quotes",
    ),
]
InterfaceName = Annotated[
    str,
    *_string(
        r"[\w.:@+-]{1,15}", "an interface", "write its name as `ip link` shows it, such as eth1"
    ),
]
UserName = Annotated[
    str,
    *_string(r"[A-Za-z_][\w.@-]{0,63}", "a user", "write the login name of a user on that host"),
]
SshDestination = Annotated[
    str,
    *_string(
        r"[A-Za-z0-9_\[:][\w.@:%\[\]-]*",
        "an ssh destination",
        "write the host as the job's ssh command does, such as cloud.example or user@host",
    ),
]
SshKeyword = Annotated[
    str,
    *_string(
        "[A-Za-z][A-Za-z0-9]*", "an ssh option", "write a keyword of ssh_config, such as BatchMode"
    ),
]
HostKey = Annotated[
    str,
    *_string(
        "SHA256:[A-Za-z0-9+/]{43}",
        "a host key's fingerprint",
        "write SHA256: and 43 characters, as `ssh-keygen -lf HOST_KEY.pub` prints them",
    ),
]
RuleId = Annotated[
    str, *_string("[a-z0-9]+(-[a-z0-9]+)*", "a rule's id", "write the id as the report shows it")
]
Sentence = Annotated[
    str, *_string(r"[\s\S]*\S[\s\S]*", "a text", "write a few words; put a number into quotes")
]
AbsolutePath = Annotated[str, *_string(r"/[^\x00-\x1f\x7f]+", "a path", "write an absolute path")]

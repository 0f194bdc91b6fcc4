"""The rule API: what a module of rules needs besides the facts of its subject.

::

    from nethygiene.rules import Expect, Service, at_least, rule
    from nethygiene.subjects.kernel.sysctl import Sysctls

    @rule(severity="high", kind="setting", incidents=["S3"])
    def test_somaxconn_covers_backlog(sysctl: Sysctls, service: Service, expect: Expect) -> None:
        '''somaxconn is at least the backlog that the service asks for. …'''
"""

from nethygiene.engine.each import Each, read_members
from nethygiene.engine.expect import Expect, not_applicable, unknown
from nethygiene.engine.items import LegacyPort
from nethygiene.engine.matchers import (
    Matcher,
    absent_or,
    at_least,
    at_most,
    below,
    equal_to,
    one_of,
)
from nethygiene.engine.outcomes import Reason
from nethygiene.engine.remedies import command, paragraphs, set_sysctls, word
from nethygiene.engine.rule import rule
from nethygiene.engine.subject import RoundTrip
from nethygiene.inventory.group_policy import VirtualAddress
from nethygiene.inventory.model import Group
from nethygiene.inventory.policy import BlockedPort, Policy, Route, Service, Tunnel, Upstream
from nethygiene.inventory.policy import Interface as DeclaredInterface

__all__ = [
    "BlockedPort",
    "DeclaredInterface",
    "Each",
    "Expect",
    "Group",
    "LegacyPort",
    "Matcher",
    "Policy",
    "Reason",
    "RoundTrip",
    "Route",
    "Service",
    "Tunnel",
    "Upstream",
    "VirtualAddress",
    "absent_or",
    "at_least",
    "at_most",
    "below",
    "command",
    "equal_to",
    "not_applicable",
    "one_of",
    "paragraphs",
    "read_members",
    "rule",
    "set_sysctls",
    "unknown",
    "word",
]

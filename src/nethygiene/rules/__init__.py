"""The rule API: all that a module under checks/ needs, and all that it may import.

::

    from nethygiene.rules import Expect, Service, Sysctls, at_least, rule

    @rule(severity="high", kind="setting", incidents=["S3"])
    def test_somaxconn_covers_backlog(sysctl: Sysctls, service: Service, expect: Expect) -> None:
        '''somaxconn is at least the backlog that the service asks for. …'''
"""

from nethygiene.inventory.policy import (
    Interface as DeclaredInterface,
)
from nethygiene.inventory.policy import (
    Policy,
    Route,
    Service,
    Tunnel,
    Upstream,
)
from nethygiene.outcomes import Reason
from nethygiene.probes.counters import Change, Counters, duration
from nethygiene.probes.interfaces import Interfaces
from nethygiene.probes.kernel import Kernel
from nethygiene.probes.listener_owners import ListenerOwners
from nethygiene.probes.listeners import Listener, Listeners
from nethygiene.probes.machine import Machine
from nethygiene.probes.packet_filter import PacketFilter, Redirect
from nethygiene.probes.sysctl import Sysctls
from nethygiene.rules.backlog import why_backlog_is_short
from nethygiene.rules.definition import rule
from nethygiene.rules.expect import Expect, not_applicable, unknown
from nethygiene.rules.items import InterfaceFamily
from nethygiene.rules.matchers import (
    Matcher,
    absent_or,
    at_least,
    at_most,
    equal_to,
    never_risen,
    not_rising,
    one_of,
)
from nethygiene.rules.redirects import (
    accepts_redirects,
    families_refusing_redirects,
    is_forwarding,
)
from nethygiene.rules.subject import ReachedBy

__all__ = [
    "Change",
    "Counters",
    "DeclaredInterface",
    "Expect",
    "InterfaceFamily",
    "Interfaces",
    "Kernel",
    "Listener",
    "ListenerOwners",
    "Listeners",
    "Machine",
    "Matcher",
    "PacketFilter",
    "Policy",
    "ReachedBy",
    "Reason",
    "Redirect",
    "Route",
    "Service",
    "Sysctls",
    "Tunnel",
    "Upstream",
    "absent_or",
    "accepts_redirects",
    "at_least",
    "at_most",
    "duration",
    "equal_to",
    "families_refusing_redirects",
    "is_forwarding",
    "never_risen",
    "not_applicable",
    "not_rising",
    "one_of",
    "rule",
    "unknown",
    "why_backlog_is_short",
]

"""The rule API: all that a module under checks/ needs, and all that it may import.

::

    from nethygiene.rules import Expect, Service, Sysctls, at_least, rule

    @rule(severity="high", kind="setting", incidents=["S3"])
    def test_somaxconn_covers_backlog(sysctl: Sysctls, service: Service, expect: Expect) -> None:
        '''somaxconn is at least the backlog that the service asks for. …'''
"""

from nethygiene.facts.packet_filter import PacketFilter
from nethygiene.inventory.policy import (
    BlockedPort,
    Policy,
    Route,
    Service,
    Tunnel,
    Upstream,
)
from nethygiene.inventory.policy import (
    Interface as DeclaredInterface,
)
from nethygiene.outcomes import Reason
from nethygiene.probes.boot_sysctls import BootSysctls
from nethygiene.probes.connections import Connection, Connections
from nethygiene.probes.counters import Change, Counters, duration
from nethygiene.probes.descriptors import Descriptors
from nethygiene.probes.dials import Dials
from nethygiene.probes.half_closed import HalfClosed
from nethygiene.probes.handshakes import Handshakes
from nethygiene.probes.interface_kinds import InterfaceKinds
from nethygiene.probes.interfaces import Interfaces
from nethygiene.probes.kernel import Kernel
from nethygiene.probes.listener_owners import ListenerOwners
from nethygiene.probes.listeners import Listener, Listeners
from nethygiene.probes.local_ports import LocalPorts
from nethygiene.probes.machine import Machine
from nethygiene.probes.network_manager import NetworkManager
from nethygiene.probes.rates import (
    INTERFACE_DROPS,
    Rates,
    failed_attempts,
    resets,
    retransmissions,
    unanswered_dials,
)
from nethygiene.probes.routes import Routes
from nethygiene.probes.selinux import Selinux
from nethygiene.probes.ssh_processes import SshProcesses
from nethygiene.probes.sysctl import Sysctls
from nethygiene.probes.tunnel_configs import TunnelConfigs
from nethygiene.probes.tunnel_logs import TunnelLogs
from nethygiene.rules.backlog import (
    FIND_FULL_QUEUE,
    empty_queue,
    lengthen_backlog,
    raise_somaxconn,
    why_backlog_is_short,
)
from nethygiene.rules.declared_routes import (
    actual_way,
    declared_way,
    other_ways,
    parts_elsewhere,
    takes,
    tcp_way,
    ways_to_judge,
    why_tcp_differs,
)
from nethygiene.rules.definition import rule
from nethygiene.rules.descriptor_limits import (
    descriptors_of_host,
    descriptors_of_listeners,
    raise_limit,
)
from nethygiene.rules.diversion import SERVED_HERE
from nethygiene.rules.expect import Expect, not_applicable, unknown
from nethygiene.rules.failed_connections import (
    connections_opened,
    end_failures,
    end_resets,
    where_attempts_fail,
    where_resets_go,
)
from nethygiene.rules.firewall import (
    NOT_SEEN,
    denied_passages,
    service_passages,
    unreached,
    what_passes,
    who_gets_in,
)
from nethygiene.rules.firewall_closing import close_to_denied, close_to_others
from nethygiene.rules.firewall_opening import open_to_clients
from nethygiene.rules.former_port import former_port, lead_former_port, still_served
from nethygiene.rules.half_open import (
    below_nine_tenths,
    max_syn_backlog_for,
    syn_queues,
    widen_syn_queue,
)
from nethygiene.rules.intrusions import intrusions
from nethygiene.rules.items import InterfaceFamily, LegacyPort
from nethygiene.rules.judged import JudgedSysctl
from nethygiene.rules.keepalive import (
    none_stale,
    probed_before,
    probing,
    settled,
    settled_clients,
    stale,
    why_unprobed,
)
from nethygiene.rules.keepalive_remedies import (
    close_stale,
    notice_dead_peers,
    probe_connections,
    probe_sooner,
)
from nethygiene.rules.listening import port_state, serve_remedy, served, why_not_served
from nethygiene.rules.matchers import (
    Matcher,
    absent_or,
    at_least,
    at_most,
    below,
    equal_to,
    never_risen,
    not_rising,
    one_of,
)
from nethygiene.rules.network_interfaces import (
    NetworkInterface,
    address_remedy,
    both_ways,
    drops_remedy,
    error_changes,
    errors_remedy,
    interface_with,
    link_remedy,
    state_of,
)
from nethygiene.rules.persistence import after_boot, why_lost, write_down
from nethygiene.rules.platform import (
    run_network_manager,
    set_selinux_at_boot,
    set_selinux_now,
)
from nethygiene.rules.rate_bounds import bounded, sampled_enough
from nethygiene.rules.reachability import reach_the_host
from nethygiene.rules.redirects import (
    after_redirects,
    is_forwarding,
    treat_redirects,
    treatment_of_redirects,
    treatments_by_family,
)
from nethygiene.rules.remedies import (
    boot_file,
    command,
    content,
    paragraphs,
    restart_listener,
    restart_service,
    set_sysctls,
    word,
)
from nethygiene.rules.reverse_path import (
    MultihomedInterface,
    filter_as,
    reverse_path_filter,
)
from nethygiene.rules.route_remedies import (
    default_remedy,
    equal_defaults_remedy,
    part_remedy,
    refusing_default_remedy,
    route_remedy,
    tcp_remedy,
    way_back_remedy,
)
from nethygiene.rules.routing import (
    equal_defaults,
    families_with_default,
    interface_of_default,
    refusing_defaults,
)
from nethygiene.rules.serving import Here, sockets_of
from nethygiene.rules.ssh_sessions import (
    end_sessions,
    sessions_bounded,
    ssh_sessions,
    why_not_counted,
)
from nethygiene.rules.subject import WHOLE, ReachedBy
from nethygiene.rules.tunnel_complaints import NO_COMPLAINTS, log_finding
from nethygiene.rules.tunnel_forwards import forward_states
from nethygiene.rules.tunnel_keys import host_key_findings
from nethygiene.rules.tunnel_options import options_in_effect
from nethygiene.rules.tunnel_processes import running_tunnel
from nethygiene.rules.tunnel_remedies import (
    listen_again,
    look_and_empty,
    run_one,
    start_anew,
)
from nethygiene.rules.unanswered import (
    GIVE_A_ROUTE,
    answer_dials,
    answered,
    more_ports,
    taken_ports,
    unanswered,
    who_is_dialled,
    why_ports_end,
    without_way,
)

__all__ = [
    "FIND_FULL_QUEUE",
    "GIVE_A_ROUTE",
    "INTERFACE_DROPS",
    "NOT_SEEN",
    "NO_COMPLAINTS",
    "SERVED_HERE",
    "WHOLE",
    "BlockedPort",
    "BootSysctls",
    "Change",
    "Connection",
    "Connections",
    "Counters",
    "DeclaredInterface",
    "Descriptors",
    "Dials",
    "Expect",
    "HalfClosed",
    "Handshakes",
    "Here",
    "InterfaceFamily",
    "InterfaceKinds",
    "Interfaces",
    "JudgedSysctl",
    "Kernel",
    "LegacyPort",
    "Listener",
    "ListenerOwners",
    "Listeners",
    "LocalPorts",
    "Machine",
    "Matcher",
    "MultihomedInterface",
    "NetworkInterface",
    "NetworkManager",
    "PacketFilter",
    "Policy",
    "Rates",
    "ReachedBy",
    "Reason",
    "Route",
    "Routes",
    "Selinux",
    "Service",
    "SshProcesses",
    "Sysctls",
    "Tunnel",
    "TunnelConfigs",
    "TunnelLogs",
    "Upstream",
    "absent_or",
    "actual_way",
    "address_remedy",
    "after_boot",
    "after_redirects",
    "answer_dials",
    "answered",
    "at_least",
    "at_most",
    "below",
    "below_nine_tenths",
    "boot_file",
    "both_ways",
    "bounded",
    "close_stale",
    "close_to_denied",
    "close_to_others",
    "command",
    "connections_opened",
    "content",
    "declared_way",
    "default_remedy",
    "denied_passages",
    "descriptors_of_host",
    "descriptors_of_listeners",
    "drops_remedy",
    "duration",
    "empty_queue",
    "end_failures",
    "end_resets",
    "end_sessions",
    "equal_defaults",
    "equal_defaults_remedy",
    "equal_to",
    "error_changes",
    "errors_remedy",
    "failed_attempts",
    "families_with_default",
    "filter_as",
    "former_port",
    "forward_states",
    "host_key_findings",
    "interface_of_default",
    "interface_with",
    "intrusions",
    "is_forwarding",
    "lead_former_port",
    "lengthen_backlog",
    "link_remedy",
    "listen_again",
    "log_finding",
    "look_and_empty",
    "max_syn_backlog_for",
    "more_ports",
    "never_risen",
    "none_stale",
    "not_applicable",
    "not_rising",
    "notice_dead_peers",
    "one_of",
    "open_to_clients",
    "options_in_effect",
    "other_ways",
    "paragraphs",
    "part_remedy",
    "parts_elsewhere",
    "port_state",
    "probe_connections",
    "probe_sooner",
    "probed_before",
    "probing",
    "raise_limit",
    "raise_somaxconn",
    "reach_the_host",
    "refusing_default_remedy",
    "refusing_defaults",
    "resets",
    "restart_listener",
    "restart_service",
    "retransmissions",
    "reverse_path_filter",
    "route_remedy",
    "rule",
    "run_network_manager",
    "run_one",
    "running_tunnel",
    "sampled_enough",
    "serve_remedy",
    "served",
    "service_passages",
    "sessions_bounded",
    "set_selinux_at_boot",
    "set_selinux_now",
    "set_sysctls",
    "settled",
    "settled_clients",
    "sockets_of",
    "ssh_sessions",
    "stale",
    "start_anew",
    "state_of",
    "still_served",
    "syn_queues",
    "taken_ports",
    "takes",
    "tcp_remedy",
    "tcp_way",
    "treat_redirects",
    "treatment_of_redirects",
    "treatments_by_family",
    "unanswered",
    "unanswered_dials",
    "unknown",
    "unreached",
    "way_back_remedy",
    "ways_to_judge",
    "what_passes",
    "where_attempts_fail",
    "where_resets_go",
    "who_gets_in",
    "who_is_dialled",
    "why_backlog_is_short",
    "why_lost",
    "why_not_counted",
    "why_not_served",
    "why_ports_end",
    "why_tcp_differs",
    "why_unprobed",
    "widen_syn_queue",
    "without_way",
    "word",
    "write_down",
]

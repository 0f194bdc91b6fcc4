"""Whether a running ssh goes where a declared tunnel goes, even by another name."""

from __future__ import annotations

from enum import Enum
from ipaddress import ip_address

from nethygiene.inventory.policy import Tunnel
from nethygiene.subjects.tunnels.invocation import Destination, Invocation, parse_destination
from nethygiene.subjects.tunnels.ssh_config import SshConfig
from nethygiene.subjects.tunnels.tunnel_configs import TunnelConfigs


class Going(Enum):
    """Where a running ssh goes, as seen from a tunnel."""

    THERE = "there"
    ELSEWHERE = "elsewhere"
    UNCLEAR = "unclear"


def goes_there(invocation: Invocation, tunnel: Tunnel, configs: TunnelConfigs) -> Going:
    """Compare the names; if they differ, compare the hosts that ssh's configuration gives them."""
    declared_end, actual = parse_destination(tunnel.destination), invocation.destination
    if declared_end is None or actual is None:
        return Going.ELSEWHERE
    if declared_end.host == actual.host and invocation.option("hostname") is None:
        return _same_login(invocation, declared_end, tunnel, configs)
    config = _config_of(invocation, tunnel, configs)
    if config is None:
        # A job's check comes and goes. It ran when the processes were listed.
        check = tunnel.check.destination if tunnel.check is not None else None
        return Going.ELSEWHERE if invocation.written == check else Going.UNCLEAR
    declared = declared_config(tunnel, configs)
    there = (
        (invocation.option("hostname") or config.hostname).lower(),
        (invocation.port or config.port),
    )
    if invocation.user and declared_end.user and invocation.user != declared_end.user:
        return Going.ELSEWHERE
    if there == (declared.hostname.lower(), declared.port):
        return Going.THERE
    if there[1] != declared.port or (_is_address(there[0]) and _is_address(declared.hostname)):
        return Going.ELSEWHERE
    return Going.UNCLEAR  # two names may be one server, and the audit resolves no names for this


def _same_login(
    invocation: Invocation, declared: Destination, tunnel: Tunnel, configs: TunnelConfigs
) -> Going:
    if declared.user and invocation.user and declared.user != invocation.user:
        return Going.ELSEWHERE
    declared_port = tunnel.port or declared.port
    if declared_port == invocation.port:
        return Going.THERE
    plain = plain_config(tunnel, configs)
    same = (declared_port or plain.port) == (invocation.port or plain.port)
    return Going.THERE if same else Going.ELSEWHERE


def _config_of(invocation: Invocation, tunnel: Tunnel, configs: TunnelConfigs) -> SshConfig | None:
    """ssh's configuration for the destination; None if it was not asked."""
    if invocation.config_file is not None:
        return None
    return configs.of(tunnel).running(invocation.written)


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def plain_config(tunnel: Tunnel, configs: TunnelConfigs) -> SshConfig:
    """The destination's configuration without the declared options."""
    return _asked("plain", tunnel, configs)


def declared_config(tunnel: Tunnel, configs: TunnelConfigs) -> SshConfig:
    """The destination's configuration with the declared options."""
    return _asked("declared", tunnel, configs)


def _asked(role: str, tunnel: Tunnel, configs: TunnelConfigs) -> SshConfig:
    target = configs.of(tunnel).target(role)
    if target is None:
        raise AssertionError(f"every tunnel's destination is asked as {role}")
    return target.config

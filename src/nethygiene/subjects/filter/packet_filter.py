"""The packet filter: nftables, iptables, ipset, IPVS, and the routes that decide what they see."""

from __future__ import annotations

from pathlib import Path

from nethygiene.collect.command import Command, Holds
from nethygiene.collect.shell_file import one_line, sh_c
from nethygiene.engine.outcomes import Reason, Unreadable
from nethygiene.engine.probe import Probe, Sections, refused
from nethygiene.subjects.filter.filter_fact import PacketFilter
from nethygiene.subjects.filter.model.assemble import Answers, assemble
from nethygiene.subjects.filter.model.verdict import HostFilter
from nethygiene.subjects.links.interfaces import ADDRESSES, LINKS, lacks_details
from nethygiene.subjects.links.routes import ROUTES, RULES
from nethygiene.transcript import Section


def parse(sections: Sections) -> PacketFilter | Unreadable:
    """Parse all commands' output; an unreadable part makes the filter's verdicts unknown."""
    texts: dict[str, str | None] = {}
    troubles: dict[str, Unreadable] = {}
    for command in COMMANDS:
        section = sections[command.name]
        if command in {NFT, *SAVED} and _has_no_netfilter(section):
            texts[command.name] = ""
            continue
        if command is STACK and not _saw_the_stack(section):
            detail = (
                "nothing of /proc/net can be seen (subset=pid), and a virtual server of IPVS may "
                "take the port: audit the host from outside"
            )
            section = Unreadable(Reason.ABSENT, "/proc/net/ip_vs", detail)
        if not isinstance(section, Unreadable) and not _told(command, section):
            section = refused(command, section)
        if isinstance(section, Unreadable):
            troubles[command.name] = section
            continue
        texts[command.name] = section.stdout.decode("utf-8", "replace")
    made = assemble(Answers(texts, {name: str(trouble) for name, trouble in troubles.items()}))
    host: HostFilter | Unreadable
    if isinstance(made.host, HostFilter):
        host = made.host
    else:
        command_name, detail = made.host
        trouble = troubles.get(command_name)
        command = next(command for command in COMMANDS if command.name == command_name)
        if trouble is None:
            host = Unreadable(Reason.UNPARSABLE, command.shown, detail)
        else:
            host = _with_cure(command, trouble)
    return PacketFilter(host, made.stack, troubles.get(STACK.name))


def _has_no_netfilter(section: Section | Unreadable) -> bool:
    """Whether the kernel has no nfnetlink, and so no nf_tables: EPROTONOSUPPORT of socket(2)."""
    if isinstance(section, Unreadable) or section.status == 0 or section.stdout:
        return False
    return section.stderr.strip().endswith(b": Protocol not supported")


def _saw_the_stack(section: Section | Unreadable) -> bool:
    """Whether an absent /proc/net/ip_vs is really absent: its neighbours always exist."""
    if isinstance(section, Unreadable) or not _told(STACK, section):
        return True  # it says so itself
    return any(name in section.stdout for name in (b"ip_forward:", b"sockstat:"))


def _told(command: Command, section: Section) -> bool:
    """Whether the command printed everything."""
    if command is STACK:
        # grep ends with 2 if one of the files does not exist.
        return section.status in {0, 1, 2}
    if command is NAMES and section.status in {1, 2}:
        lines = section.stderr.splitlines()
        return all(line.endswith(b": No such file or directory") for line in lines)
    return section.status == 0 and not (command is LINKS and lacks_details(section))


def _with_cure(command: Command, trouble: Unreadable) -> Unreadable:
    if trouble.reason is not Reason.PERMISSION or not command.privileged:
        return trouble
    if trouble.detail.startswith("sudo refused: "):
        return trouble  # it names the cure already
    cure = (
        f"{trouble.detail}: log in as root, or set ansible_become with the sudoers file that "
        f"`nethygiene sudoers --user LOGIN` prints "
        f"(LOGIN ALL=(root) NOPASSWD: /usr/sbin/{command.shell}, …)"
    )
    return Unreadable(trouble.reason, trouble.source, cure)


_NO_NFT = one_line(Path(__file__).with_name("no_nf_tables.sh"))
# /proc/self/net: /proc/net itself is hidden where /proc is mounted with subset=pid.
_NO_LEGACY = "[ -e /proc/self/net/dev ] && [ ! -e /proc/self/net/ip{}_tables_names ]"
_NO_SAVED = '[ "$nh_nft" = 0 ] && {{ {} || command -v ip{}tables-legacy-save; }}'
_CAP = 32 * 1024 * 1024


def _legacy(version: str) -> str:
    return _NO_LEGACY.format(version)


def _saved(version: str) -> str:
    return _NO_SAVED.format(f"{{ {_legacy(version)}; }}", version)


def _listing(name: str, shell: str, skip_if: str, holds: Holds = "iptables") -> Command:
    return Command(name, shell, privileged=True, seconds=20, cap=_CAP, skip_if=skip_if, holds=holds)


NFT = _listing("nft", "nft -j list ruleset", _NO_NFT, "nft")
SAVED = tuple(_listing(f"ip{v}tables", f"ip{v}tables-save", _saved(v)) for v in ("", "6"))
LEGACY = tuple(
    _listing(f"ip{v}tables_legacy", f"ip{v}tables-legacy-save", _legacy(v)) for v in ("", "6")
)
NAMES = Command(
    "legacy_tables",
    "grep -H . /proc/net/ip_tables_names /proc/net/ip6_tables_names",
    privileged=True,
    small=True,
    skip_if="[ -e /proc/self/net/dev ] && [ ! -e /proc/self/net/ip_tables_names ] &&"
    " [ ! -e /proc/self/net/ip6_tables_names ]",
    holds="addresses",
)
IPSET = _listing("ipset", "ipset save", "[ -d /sys/module ] && [ ! -d /sys/module/ip_set ]")
TC = Command(
    "tc",
    sh_c(Path(__file__).with_name("traffic_control.sh")),
    title="tc filter show",
    small=True,
    holds="traffic control",
)
STACK = Command(
    "virtual_servers",
    "grep -H '' /proc/net/ip_vs /proc/net/sockstat /proc/sys/net/ipv4/ip_forward"
    " /proc/sys/net/ipv6/conf/all/forwarding /proc/sys/net/ipv4/tcp_l3mdev_accept"
    " /proc/sys/net/ipv4/conf/*/route_localnet /proc/sys/kernel/modules_disabled"
    " /sys/module/sch_ingress/initstate",
    small=True,
    title="grep in /proc/net and /proc/sys/net",
    holds="virtual servers",
)
IP = (LINKS, ADDRESSES, *ROUTES.values(), *RULES.values())
COMMANDS = (NFT, *SAVED, *LEGACY, NAMES, IPSET, *IP, TC, STACK)
PROBE = Probe("packet_filter", 2, COMMANDS, parse)

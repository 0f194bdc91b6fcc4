"""The sights: ways in which a host shows an audit less than all of itself."""

from __future__ import annotations

import re
import shlex
import shutil
from dataclasses import dataclass

from nethygiene.collect.script import compose, new_boundary
from nethygiene.engine.catalogue import all_probes, commands_for
from nethygiene.inventory.policy import Policy
from nethygiene.sudoers import privileged_commands, sudoers_file, sudoers_rule
from tests.lab.host import ENVIRONMENT
from tests.lab.sights.scenes import Filter, policy
from tests.lab.spec import Login

TOOLS = (
    *("awk", "cat", "date", "grep", "head", "id", "ip", "ip6tables-legacy-save", "ip6tables-save"),
    *("ipset", "iptables-legacy-save", "iptables-save", "ls", "nft", "readlink", "runuser", "sed"),
    *("sleep", "ss", "ssh", "stat", "su", "sudo", "systemctl", "tail", "tc", "timeout", "tr"),
    *("true", "uname"),
)
"""Every tool that the script, or a probe's command, calls; each is taken away by itself."""

# Where a shell looks for a command; not the words of a pattern, which a | or ) follows.
_COMMAND = re.compile(
    r"(?:^|[|;&({]|\b(?:do|then|else|if|exec|timeout 9)\s)\s*([a-z][a-z0-9_-]*)(?![\w=/*|).%-])",
    re.MULTILINE,
)
# Built into the shell, or functions and variables of a script.
_NO_TOOLS = {"comm", "dir", "echo", "look", "more", "nl", "printf", "sh", "test", "w"}
_RIGHTS = "sudo|root"


@dataclass(frozen=True)
class Sight:
    """What an audit may see of a host.

    Attributes:
        name: of the sight, and of its two hosts.
        script: run on the host as root once its scene is set: what takes the sight away.
        cure: a pattern that every unknown result's message has to hold, for it tells what to do.
        login: who the audit logs in as.
        become: whether it asks for sudo.
        sudoers: the rules in /etc/sudoers.
        sshd: lines of sshd_config.
        filter: which tool made the host's packet filter.
        sample: it is part of every test run, not of `make sights` alone.
    """

    name: str
    script: str = ""
    cure: str = "nothing is unknown here"
    login: Login = "root"
    become: bool = False
    sudoers: str | None = None
    sshd: tuple[str, ...] = ()
    filter: Filter = "nft"
    sample: bool = False

    @property
    def variables(self) -> dict[str, object]:
        """Of the inventory."""
        return {"ansible_become": True} if self.become else {}


def _declared() -> Policy:
    return Policy.model_validate(policy(1))


def tools_of_probes() -> set[str]:
    """The tools of this machine that the script calls, by itself or by a probe."""
    commands = commands_for(all_probes(), _declared())
    texts = [compose([], boundary=new_boundary(), window=1).decode()]
    for command in commands:
        tool, *words = shlex.split(command.shell)
        texts += [words[1] if tool == "sh" else tool, command.skip_if]
    called = {word for text in texts for word in _COMMAND.findall(text)}
    return {one for one in called if shutil.which(one, path=ENVIRONMENT["PATH"])} - _NO_TOOLS


def _hidden(*tools: str) -> str:
    """Takes tools away: running them ends in 127, as where they are not installed."""
    return "".join(f"rm -f /usr/bin/{one} /usr/sbin/{one} /usr/local/bin/{one}\n" for one in tools)


def _only(*names: str) -> str:
    """The sudoers lines of these commands alone."""
    asked = [one for one in privileged_commands() if one.name in names]
    return "\n".join(sudoers_rule(one, "audit") for one in asked)


_GENERATED = sudoers_file("audit", policies=[_declared()])
_BUT_NFT = _only(*(one.name for one in privileged_commands() if one.name != "nft"))


def _by_sudo(name: str, script: str = "", cure: str = _RIGHTS, *, sample: bool = False) -> Sight:
    """An ordinary login, with the generated sudoers file."""
    return Sight(name, script, cure, "audit", become=True, sudoers=_GENERATED, sample=sample)


def _refused(name: str, sudoers: str | None, *, sample: bool = False) -> Sight:
    """An ordinary login that asks for sudo in vain, for some of the commands or for all."""
    return Sight(name, "", "sudo", "audit", become=True, sudoers=sudoers, sample=sample)


def _german(name: str, sudoers: str | None) -> Sight:
    return Sight(name, _LOCALE.format("de_DE"), "sudo", "audit", become=True, sudoers=sudoers,
                 sshd=("SetEnv LANG=de_DE.UTF-8 LC_ALL=de_DE.UTF-8 LANGUAGE=de",))  # fmt: skip


_HIDEPID = "mount -o remount,hidepid=2 /proc\n"
# sshd opens its log anew for each connection.
_READ_ONLY = """
for one in /etc /var /usr /run /tmp; do
  mount --rbind $one $one && mount -o remount,bind,ro $one
done
mount -t tmpfs tmpfs /var/log
"""
# sshd starts itself anew for each connection.
_BUSYBOX = """
mkdir -p /run/applets/bin /run/applets/sbin
cp -L /usr/bin/busybox /run/applets/bin/busybox
cp -L /usr/sbin/sshd /run/applets/sbin/sshd
for applet in $(busybox --list); do ln -sf busybox /run/applets/bin/$applet; done
mount --bind /run/applets/sbin /usr/sbin
/usr/bin/busybox mount --bind /run/applets/bin /usr/bin
"""
_SHELL = """
sed -i 's#^\\(root\\|audit\\|plant\\):\\(.*\\):/bin/sh$#\\1:\\2:{0}#' /etc/passwd
ln -sf {1} /usr/bin/sh
"""
_BASH = _SHELL.format("/bin/bash", "bash")
_ASH = _SHELL.format("/bin/sh", "busybox")
# Status 1 of localedef: it warned.
_LOCALE = """
localedef -i {0} -f UTF-8 --no-archive /usr/lib/locale/{0}.utf8 || test $? = 1
for one in /etc/environment /etc/default/locale; do
  printf 'LANG={0}.UTF-8\\nLC_ALL={0}.UTF-8\\nLANGUAGE={0}\\n' > $one
done
"""
_MASKED = "mount -t tmpfs -o {0} tmpfs /proc/sys\n"
_SUBSET = """
mount -t proc -o subset=pid proc /proc
for one in /proc/1/cgroup /proc/1/environ; do mount --bind /dev/null $one; done
"""
_IPV6_OFF = "for one in /proc/sys/net/ipv6/conf/*/disable_ipv6; do echo 1 > $one; done\n"
# As with ipv6.disable=1, but for what ip and /proc/net/snmp6 say: those are the running kernel's.
_IPV6_ABSENT = (
    _IPV6_OFF
    + """
mkdir /run/net && mount -t tmpfs tmpfs /run/net
for one in /proc/sys/net/*; do
  [ $one = /proc/sys/net/ipv6 ] && continue
  mkdir /run/net/${one##*/} && mount --rbind $one /run/net/${one##*/}
done
mount --rbind /run/net /proc/sys/net
"""
)
# The kernel that this runs on has nf_tables: these are the words of nft and iptables where the
# socket of nfnetlink is refused with EPROTONOSUPPORT.
_NO_NF_TABLES = """
grep -v nft_ /proc/kallsyms > /run/kallsyms; mount --bind /run/kallsyms /proc/kallsyms
rm /usr/sbin/nft; cat > /usr/sbin/nft <<'END'
#!/bin/sh
echo "nft: Unable to initialize Netlink socket: Protocol not supported" >&2
exit 1
END
chmod 755 /usr/sbin/nft
for v in '' 6; do
  for tool in ip${v}tables ip${v}tables-save; do ln -sf xtables-legacy-multi /usr/sbin/$tool; done
done
"""
_MASKED_SYMBOLS = "mount --bind /dev/null /proc/kallsyms\n"

SIGHTS = (
    Sight("full", sample=True),
    Sight("unprivileged", cure=_RIGHTS, login="audit", sample=True),
    _by_sudo("sudo-generated"),
    _refused("sudo-asks", "audit ALL=(ALL) ALL"),
    _refused("sudo-refuses", None),
    _refused("sudo-wants-a-tty", f"Defaults requiretty\n{_GENERATED}"),
    _refused("sudo-ss-alone", _only("listener_owners"), sample=True),
    _refused("sudo-nft-alone", _only("nft")),
    _refused("sudo-but-nft", _BUT_NFT),
    Sight("sudo-absent", _hidden("sudo"), "sudo", "audit", become=True),
    Sight("root-becomes", become=True),
    Sight("root-becomes-without-sudo", _hidden("sudo"), become=True, sample=True),
    Sight("hidepid", _HIDEPID, _RIGHTS, "audit"),
    _by_sudo("hidepid-sudo", _HIDEPID, sample=True),
    Sight("hidepid-root", _HIDEPID),
    Sight("read-only", _READ_ONLY),
    _by_sudo("read-only-sudo", _READ_ONLY, sample=True),
    *(Sight(f"no-{one}", _hidden(one), rf"\b{one}\b", sample=one == "cat") for one in TOOLS),
    *(
        _by_sudo(f"sudo-no-{one}", _hidden(one), rf"\b{one}\b")
        for one in ("id", "grep", "sed", "tr", "runuser")
    ),
    Sight("no-runuser-su", _hidden("runuser", "su"), r"\bsu\b"),
    Sight("busybox", _BUSYBOX, r"\b(ss|su|systemctl|iproute2)\b", sample=True),
    Sight("bash", _BASH),
    Sight("ash", _ASH),
    _german("german", _GENERATED),
    _german("german-refused", None),
    Sight("german-su", _LOCALE.format("de_DE") + _hidden("runuser")),
    _by_sudo("turkish", _LOCALE.format("tr_TR")),
    Sight("plain-c", sshd=("SetEnv LANG=C LC_ALL=C",)),
    Sight("masked-proc-sys", _MASKED.format("ro"), "masked"),
    Sight("closed-proc-sys", _MASKED.format("mode=700"), _RIGHTS, "audit"),
    Sight("proc-subset-pid", _SUBSET, "subset=pid|outside", sample=True),
    Sight("ipv6-off", _IPV6_OFF),
    Sight("ipv6-absent", _IPV6_ABSENT, sample=True),
    Sight("no-nf-tables", _NO_NF_TABLES, filter="legacy", sample=True),
    Sight("legacy-and-nft", filter="legacy"),
    Sight("symbols-masked", _MASKED_SYMBOLS),
)

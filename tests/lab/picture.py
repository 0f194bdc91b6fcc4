"""A full picture of a host, to be compared with a later one.

Left out is what moves by itself, each for the reason that stands beside it.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping

from tests.lab.host import LabHost
from tests.lab.init import PRIVATE, SCRATCH

Picture = Mapping[str, str]
"""What there is, by kind and name: ``sysctl /proc/sys/net/core/somaxconn``."""

OWN_MOVES = {
    "sysctl /proc/sys/fs/dentry-state": "the machine's caches, whoever uses them",
    "sysctl /proc/sys/fs/file-nr": "open files of the whole machine",
    "sysctl /proc/sys/fs/inode-nr": "the machine's caches",
    "sysctl /proc/sys/fs/inode-state": "the machine's caches",
    "sysctl /proc/sys/fs/aio-nr": "of the whole machine",
    "sysctl /proc/sys/kernel/ns_last_pid": "the last process id; the picture's own, for one",
    "sysctl /proc/sys/kernel/pty/nr": "terminals of the whole machine",
    "sysctl /proc/sys/kernel/random/": "another at each reading",
    "sysctl /proc/sys/net/netfilter/nf_conntrack_count": "connections, which end by themselves",
}

# Times of access are left out: who reads a file moves them, and reading is what an audit does.
# Neighbours and connections in TIME-WAIT too: they come with the login's own connection. Counters
# of packets rise with its packets.
_START = r"""
import hashlib, json, os, re, stat, subprocess, sys
found = {}
def note(kind, name, value):
    found[kind + " " + name] = value
"""

_STATE = r"""
def run(*words):
    done = subprocess.run(words, capture_output=True, text=True, errors="replace")
    return done.stdout if done.returncode == 0 else "exit %d: %s" % (done.returncode, done.stderr)
def lines(kind, *words, without=None):
    for line in run(*words).splitlines():
        line = line if without is None else re.sub(without, "", line)
        if line.strip() and not line.startswith("#"):
            note(kind, " ".join(line.split()), "")

for folder, _, names in os.walk("/proc/sys"):
    for name in names:
        path = os.path.join(folder, name)
        try:
            with open(path, "rb") as file:
                note("sysctl", path, file.read(65536).decode("utf-8", "replace"))
        except OSError as error:
            note("sysctl", path, "errno %d" % error.errno)

for name in os.listdir("/sys/module"):
    note("module", name, "")
for path in ("/proc/modules", "/proc/net/ip_tables_names", "/proc/net/ip6_tables_names",
             "/proc/net/arp_tables_names", "/proc/net/ip_tables_matches", "/proc/mounts",
             "/proc/sysvipc/shm", "/proc/sysvipc/sem", "/proc/sysvipc/msg",
             "/proc/sys/kernel/hostname", "/proc/swaps", "/proc/locks"):
    try:
        with open(path) as file:
            text = file.read()
    except OSError as error:
        text = "errno %d" % error.errno
    if path != "/proc/locks":
        note("kernel", path, text)

note("ruleset", "nft", run("nft", "-s", "list", "ruleset"))
for tool in ("iptables-save", "ip6tables-save", "ipset save", "arptables-save"):
    text = re.sub(r"\[\d+:\d+\]|^#.*$", "", run("sh", "-c", tool), flags=re.M)
    note("ruleset", tool, text)
for family in ("-4", "-6"):
    lines("rule", "ip", family, "rule")
    lines("route", "ip", family, "route", "show", "table", "all", without=r" expires \d+sec")
lines("link", "ip", "-o", "-d", "link")
lines("address", "ip", "-o", "address", without=r"(valid|preferred)_lft \S+")
lines("qdisc", "tc", "qdisc", "show")
lines("group", "ip", "-o", "maddr")
lines("socket", "ss", "-Hanlp0tuwSxM", "--packet")
lines("socket", "ss", "-Hantuw", "state", "established", without=r"^(\S+) +\d+ +\d+")

this = os.getpid()
for name in os.listdir("/proc"):
    if not name.isdigit():
        continue
    try:
        with open("/proc/%s/stat" % name) as file:
            fields = file.read().rpartition(")")[2].split()
        with open("/proc/%s/cmdline" % name) as file:
            words = file.read().replace("\0", " ")
    except OSError:
        continue
    if int(name) != this and int(fields[1]) != this:
        note("process", name, "started at %s: %s" % (fields[19], words))

"""

_TREES = r"""
for top, shown in json.loads(sys.argv[1]):
    for folder, folders, names in os.walk(top):
        links = [one for one in folders if os.path.islink(os.path.join(folder, one))]
        for name in ["", *names, *links]:
            path = os.path.join(folder, name).rstrip("/")
            try:
                one = os.lstat(path)
                text = "%o %d:%d %d %d %d %d %d" % (
                    one.st_mode, one.st_uid, one.st_gid, one.st_rdev, one.st_size,
                    one.st_mtime_ns, one.st_ctime_ns, one.st_nlink)
                if stat.S_ISREG(one.st_mode):
                    with open(path, "rb") as file:
                        text += " " + hashlib.sha256(file.read()).hexdigest()
                elif stat.S_ISLNK(one.st_mode):
                    text += " " + os.readlink(path)
            except OSError as error:
                text = "errno %d" % error.errno
            note("file", shown + path[len(top):], text)
print(json.dumps(found))
"""

_PROGRAM = _START + _STATE + _TREES
_FILES = _START + _TREES


def picture(host: LabHost) -> Picture:
    """Take one, as root in all of the host's namespaces.

    All that a host can write to is its own /run and /tmp, and the upper layers of its overlays,
    which hold whatever was changed in /etc, /var and /usr: the rest of / is mounted read-only.
    """
    inside = [(folder, folder) for folder in SCRATCH]
    found = json.loads(host.python(_PROGRAM, json.dumps(inside)))
    # A host does not see its upper layers: the keeper does.
    overlays = f"/proc/{host.lab.keeper_pid}/root{host.lab.directory}/overlays/{host.spec.index}"
    layers = [(f"{overlays}{folder}/upper", folder) for folder in PRIVATE]
    outside = subprocess.run(
        [sys.executable, "-I", "-S", "-c", _FILES, json.dumps(layers)],
        capture_output=True,
        text=True,
        check=True,
    )
    found.update(json.loads(outside.stdout))
    return {
        name: text
        for name, text in found.items()
        if not any(name.startswith(moving) for moving in OWN_MOVES)
    }


def changes(before: Picture, after: Picture) -> set[str]:
    """What came, went or is another."""
    return {name for name in {*before, *after} if before.get(name) != after.get(name)}

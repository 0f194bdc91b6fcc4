"""What systemd-sysctl and procps make of random files, beside what settings-persist says of them.

Each round is a host of its own, as it is before its boot: the kernel's defaults, an interface, and
files in sysctl.d. The real tool applies them; the same files go through the real probe and rule.
"""

from __future__ import annotations

import random
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from nethygiene.engine.kernel import Kernel
from nethygiene.subjects.kernel.boot_sysctls import BOOT_SYSCTLS, BootSysctls, parse
from nethygiene.subjects.kernel.persistence import possible_after_boot
from nethygiene.transcript import Section
from tests.lab.requirements import give_up

SYSTEMD = Path("/lib/systemd/systemd-sysctl")
MARKS = {"systemd": "/run/systemd/system", "procps": "/run"}
TOOLS = {"systemd": f"{SYSTEMD}", "procps": "sysctl --system"}
KERNEL = Kernel("Linux", "6.18.0", (6, 18))
NAMES = ("all", "default", "eth0")
SETTINGS = {
    "net/core/somaxconn": ("4096", "128", "16384"),
    "net/ipv4/ip_forward": ("0", "1"),
    **{
        f"net/ipv4/conf/{name}/{setting}": ("0", "1")
        for name in NAMES
        for setting in ("accept_redirects", "rp_filter", "forwarding", "send_redirects")
    },
    **{
        f"net/ipv6/conf/{name}/{setting}": ("0", "1")
        for name in NAMES
        for setting in ("accept_redirects", "forwarding")
    },
}
WILD = {
    "net/ipv4/conf/*/rp_filter": ("0", "1", "2"),
    "net/ipv4/conf/*/accept_redirects": ("0", "1"),
    "net/ipv4/conf/eth*/send_redirects": ("0", "1"),
    "net/ipv6/conf/[ae]*/accept_redirects": ("0", "1"),
    "net/core/somax*": ("512",),
}
DIRECTORIES = ("/etc/sysctl.d", "/run/sysctl.d", "/usr/lib/sysctl.d")
FILES = ("10-a.conf", "50-b.conf", "90-c.conf", "not-read.txt")

# The probe runs before the tool, as on a host that has booted long ago it would after it.
SCRIPT = """
set -e
one_dir() { mkdir -p "$1" 2>/dev/null || true; mount -t tmpfs tmpfs "$1"; }
mount -t tmpfs tmpfs /run
mkdir /run/sysctl.d
one_dir /etc/sysctl.d
one_dir /usr/lib/sysctl.d
touch /run/sysctl.conf
mount --bind /run/sysctl.conf /etc/sysctl.conf
ip link add eth0 type veth peer name peer
ip link set eth0 up
for one in accept_redirects rp_filter send_redirects; do
  cd /proc/sys/net/ipv4/conf
  echo 0 > default/$one; was=$(cat eth0/$one)
  echo 1 > default/$one; test "$was$(cat eth0/$one)" = 01 || echo "tainted net/ipv4/conf/eth0/$one"
done
%(defaults)s
mkdir -p %(marks)s
%(files)s
set +e
%(probe)s
echo -----
%(tool)s >/dev/null 2>&1
grep -H '' %(paths)s
"""


def _defaults() -> Iterator[str]:
    # The machine's own settings are handed on to new namespaces.
    for path in SETTINGS:
        if "/eth0/" not in path and path != "net/ipv4/ip_forward":
            value = "1" if "redirects" in path else "0"
            value = "4096" if "somaxconn" in path else value
            yield f"echo {value} > /proc/sys/{path}"


def _spelling(path: str, chance: random.Random) -> str:
    return path if chance.random() < 0.5 else path.translate(str.maketrans("/.", "./"))


def _line(chance: random.Random) -> str:
    choices = WILD if chance.random() < 0.25 else SETTINGS
    path = chance.choice(sorted(choices))
    key = _spelling(path, chance)
    if choices is SETTINGS and chance.random() < 0.1:
        return f"-{key}"
    dash = "-" if chance.random() < 0.1 else ""
    blank = chance.choice(["", " ", "  "])
    return f"{blank}{dash}{key}{blank}={blank}{chance.choice(choices[path])}"


def _files(chance: random.Random) -> Iterator[str]:
    for directory in DIRECTORIES:
        for name in FILES:
            if chance.random() < 0.4:
                lines = [_line(chance) for _ in range(chance.randrange(4))]
                lines += [chance.choice(["# net.core.somaxconn = 1", "; x", ""])]
                words = " ".join(shlex.quote(line) for line in lines)
                yield f"printf '%s\\n' {words} > {directory}/{name}"
            elif chance.random() < 0.1:
                yield f"ln -s /dev/null {directory}/{name}"


def _round(seed: str, tool: str) -> tuple[BootSysctls, dict[str, str], str]:
    chance = random.Random(seed)
    files = "\n".join(_files(chance))
    script = SCRIPT % {
        "defaults": "\n".join(_defaults()),
        "files": files,
        "marks": MARKS[tool],
        "probe": BOOT_SYSCTLS.shell,
        "tool": TOOLS[tool],
        "paths": " ".join(f"/proc/sys/{path}" for path in SETTINGS),
    }
    done = subprocess.run(
        ["unshare", "--net", "--mount", "--pid", "--fork", "--mount-proc", "sh", "-c", script],
        capture_output=True,
        check=False,
        timeout=30,
    )
    before, _, after = done.stdout.partition(b"-----\n")
    boot = parse({BOOT_SYSCTLS.name: Section(before, b"", 0)})
    # On which a machine that has been up for long hands on that somebody set them.
    tainted = {row[8:] for row in before.decode().split("\n") if row.startswith("tainted ")}
    assert isinstance(boot, BootSysctls), (boot, done.stderr)
    pairs = (line.split(":", 1) for line in after.decode().splitlines())
    values = {path.removeprefix("/proc/sys/"): value for path, value in pairs}
    assert values.keys() == SETTINGS.keys(), done.stderr
    return boot, {path: value for path, value in values.items() if path not in tainted}, files


@pytest.mark.parametrize("seed", range(25))
@pytest.mark.parametrize("tool", TOOLS)
def test_the_next_boot_brings_what_is_said(tool: str, seed: int) -> None:
    if tool == "systemd" and not SYSTEMD.exists():
        pytest.skip(give_up("systemd-sysctl is not installed"))
    boot, values, files = _round(f"{tool} {seed}", tool)
    certain = 0
    for path, value in values.items():
        said = {one.value for one in possible_after_boot(boot, KERNEL, path)}
        assert value in said, f"{path} is {value}, said {said}, after\n{files}"
        # An interface that was there before the files may differ from one that came later.
        assert len(said) == 1 or "conf/eth0/" in path, (path, said)
        certain += len(said) == 1
    assert certain >= len(values) - 3
